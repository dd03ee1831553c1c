// What failed, causes first. Data: TraceModel -> failures and one sentence about them.
import { FAILED, FAILED_BELOW, rowName, serviceName, type TraceModel } from './model'

export interface Failure {
  row: number
  spanId: string
  name: string
  service: string
  message: string
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
      within: parent >= 0 && model.spans[parent] ? rowName(model, parent) : '',
      ledTo,
    })
  }
  return found.sort((a, b) => model.start[a.row]! - model.start[b.row]! || a.row - b.row)
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
  if (below === 0) return `Root answered, but ${spans(elsewhere)} beside it failed`
  return `Root answered, but ${spans(below)} under it failed`
}
