// What failed, causes first. Data: TraceModel -> failures and one sentence about them.
import { kFailed, kFailedBelow, rowName, serviceName, type TraceModel } from './model'

export interface Failure {
  row: number
  span_id: string
  name: string
  service: string
  message: string
  within: string // the span that made it, "" for a root
  led_to: number // failed spans above it
}

/** Failed spans under which nothing failed: where it began. Earliest first. */
export function causes(model: TraceModel): Failure[] {
  const found: Failure[] = []
  for (let row = 0; row < model.rows; row++) {
    if ((model.flags[row]! & (kFailed | kFailedBelow)) !== kFailed) continue
    const parent = model.parent[row]!
    let led_to = 0
    for (let at = parent; at >= 0; at = model.parent[at]!) if (model.flags[at]! & kFailed) led_to++
    found.push({
      row,
      span_id: model.span_ids[row]!,
      name: rowName(model, row),
      service: serviceName(model, row),
      message: model.spans[row]?.message ?? '',
      within: parent >= 0 && model.spans[parent] ? rowName(model, parent) : '',
      led_to,
    })
  }
  return found.sort((a, b) => model.start[a.row]! - model.start[b.row]! || a.row - b.row)
}

/** How the answer and its failures fit together; "" where nothing failed. */
export function failureSentence(model: TraceModel): string {
  if (model.failed_count === 0 || model.main_root < 0) return ''
  const spans = (count: number) => (count === 1 ? '1 span' : `${count.toLocaleString('en')} spans`)
  if (model.root_missing) return `${spans(model.failed_count)} failed; the root is missing, so the outcome is unknown`
  const root_failed = (model.flags[model.main_root]! & kFailed) !== 0
  if (root_failed) {
    const below = model.failed_count - 1
    return below > 0 ? `The root failed, and ${spans(below)} under it` : 'The root failed by itself'
  }
  const below = model.failed_below[model.main_root]!
  const elsewhere = model.failed_count - below
  if (below === 0) return `Root answered, but ${spans(elsewhere)} beside it failed`
  return `Root answered, but ${spans(below)} under it failed`
}
