// Siblings that are alike (one name, service and kind, and all failed or none) as one row: `model.predict ×40`. The first
// of them stands for all while they are folded. Data: TraceModel -> groups; no DOM.
import { FAILED, FAILED_BELOW, MISSING, type TraceModel } from './model'

export const FOLD_MIN = 5 // fewer are looked over faster than unfolded

export interface Fold {
  rows: number[] // alike, by start; the first one stands for all
  nano: number // that they took, summed
  failed: boolean
  from: number // first start
  to: number // last end
}

export interface Folds {
  list: Fold[]
  of: Int32Array // by row: place in `list`, -1 for none
}

export function findFolds(model: TraceModel, min = FOLD_MIN): Folds {
  const of = new Int32Array(model.rows).fill(-1)
  const list: Fold[] = []
  const likeness = likenessOf(model)
  const groups = new Map<number, number[]>()
  for (let row = 0; row < model.rows; row++) {
    if (model.children[row]! < min) continue
    groups.clear()
    for (let child = row + 1; child < row + model.size[row]!; child += model.size[child]!) {
      const like = likeness[child]!
      if (like < 0) continue
      const group = groups.get(like)
      if (group) group.push(child)
      else groups.set(like, [child])
    }
    for (const rows of groups.values()) {
      if (rows.length < min) continue
      for (const member of rows) of[member] = list.length
      list.push(foldOf(model, rows))
    }
  }
  return { list, of }
}

function foldOf(model: TraceModel, rows: number[]): Fold {
  let nano = 0
  let to = -Infinity
  for (const row of rows) {
    nano += model.end[row]! - model.start[row]!
    to = Math.max(to, model.end[row]!)
  }
  return { rows, nano, failed: (model.flags[rows[0]!]! & FAILED) !== 0, from: model.start[rows[0]!]!, to }
}

// A number for all rows that are alike; -1 for those that are never folded: stand-ins, and what leads to a failure.
function likenessOf(model: TraceModel): Int32Array {
  const numbers = new Map<string, number>()
  const likeness = new Int32Array(model.rows)
  for (let row = 0; row < model.rows; row++) {
    const span = model.spans[row]
    if (!span || (model.flags[row]! & (MISSING | FAILED_BELOW)) !== 0) {
      likeness[row] = -1
      continue
    }
    const key = `${span.service} ${span.kind} ${model.flags[row]! & FAILED} ${span.name}`
    let number = numbers.get(key)
    if (number === undefined) numbers.set(key, (number = numbers.size))
    likeness[row] = number
  }
  return likeness
}
