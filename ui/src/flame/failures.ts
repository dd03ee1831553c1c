// What failed, causes first. Data: TraceModel -> failures and one sentence about them.
import { FAILED, FAILED_BELOW, rowName, serviceName, type TraceModel } from './model'

export interface Failure {
  row: number
  spanId: string
  name: string
  service: string
  message: string
  target: string // who was asked, "" where nobody was
  within: string // the span that made it, "" for a root
  ledTo: number // failed spans above it
}

/** Failed spans under which nothing failed: where it began. Earliest first. */
export function causes(model: TraceModel): Failure[] {
  const found: Failure[] = []
  for (let row = 0; row < model.rows; row++) {
    if ((model.flags[row]! & (FAILED | FAILED_BELOW)) !== FAILED) continue
    const parent = model.parent[row]!
    let ledTo = 0
    for (let at = parent; at >= 0; at = model.parent[at]!) if (model.flags[at]! & FAILED) ledTo++
    found.push({
      row,
      spanId: model.spanIds[row]!,
      name: rowName(model, row),
      service: serviceName(model, row),
      message: model.spans[row]?.message ?? '',
      target: model.spans[row]?.target ?? '',
      within: parent >= 0 && model.spans[parent] ? rowName(model, parent) : '',
      ledTo,
    })
  }
  return found.sort((a, b) => model.start[a.row]! - model.start[b.row]! || a.row - b.row)
}

export interface FailureGroup {
  first: Failure
  rows: number[] // of all alike, earliest first
  nano: number // that they took together
}

/**
 * Causes of the same service, name and message as one, likeliest first: those whose failure was handed on furthest
 * towards the root, then those that took longest (a timeout before a quick refusal), then the earliest.
 */
export function failureGroups(model: TraceModel): FailureGroup[] {
  const groups = new Map<string, FailureGroup>()
  for (const failure of causes(model)) {
    const key = JSON.stringify([failure.service, failure.name, failure.message, failure.target])
    const group = groups.get(key)
    const nano = model.end[failure.row]! - model.start[failure.row]!
    if (!group) {
      groups.set(key, { first: failure, rows: [failure.row], nano })
      continue
    }
    group.rows.push(failure.row)
    group.nano += nano
    if (failure.ledTo > group.first.ledTo) group.first = failure
  }
  return [...groups.values()].sort(
    (a, b) =>
      b.first.ledTo - a.first.ledTo ||
      b.nano - a.nano ||
      model.start[a.first.row]! - model.start[b.first.row]! ||
      a.first.row - b.first.row,
  )
}

/** How the answer and its failures fit together; "" where nothing failed. */
export function failureSentence(model: TraceModel): string {
  if (model.failedCount === 0 || model.mainRoot < 0) return ''
  const spans = (count: number) => (count === 1 ? '1 span' : `${count.toLocaleString('en')} spans`)
  if (model.rootMissing) return `${spans(model.failedCount)} failed; the root is missing, so the outcome is unknown`
  const rootFailed = (model.flags[model.mainRoot]! & FAILED) !== 0
  if (rootFailed) {
    const below = model.failedCount - 1
    return below > 0 ? `The root failed, and ${spans(below)} under it` : 'The root failed by itself'
  }
  const below = model.failedBelow[model.mainRoot]!
  const elsewhere = model.failedCount - below
  if (below === 0) return `The root has no error, but ${spans(elsewhere)} beside it failed`
  return `The root has no error, but ${spans(below)} under it failed`
}
