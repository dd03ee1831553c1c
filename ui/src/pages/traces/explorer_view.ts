// Which view of the query is shown, and the query with more conditions. URLSearchParams in and out; knows no DOM.
import { isMetrics, withCondition, type Condition } from '../../base/traceql'

export type ExplorerView = 'traces' | 'series'

// A query that makes numbers has no traces to list.
export function readExplorerView(params: URLSearchParams, query: string): ExplorerView {
  return isMetrics(query) || params.get('view') === 'series' ? 'series' : 'traces'
}

// The query narrowed to a part of what it found; of one that makes numbers, the part alone.
export function narrowed(query: string, conditions: readonly Condition[]): string {
  const start = isMetrics(query) ? '' : query
  return conditions.reduce((text, condition) => withCondition(text, condition) ?? text, start)
}
