// Which view of the query is shown, what it is grouped by and which columns it has, and the query with more conditions.
// URLSearchParams in and out; knows no DOM.
import { fieldsOf, type UrlChange } from '../../base/filters'
import { isMetrics, spansOf, unquoted, withPicked, type Condition } from '../../base/traceql'
import { facetValue } from '../../widgets/facet_view'

export type ExplorerView = 'traces' | 'spans' | 'series' | 'groups' | 'heatmap' | 'explain'

export const VIEWS: readonly { id: ExplorerView; label: string }[] = [
  { id: 'traces', label: 'Traces' },
  { id: 'spans', label: 'Spans' },
  { id: 'series', label: 'Over time' },
  { id: 'groups', label: 'Groups' },
  { id: 'heatmap', label: 'Heatmap' },
  { id: 'explain', label: 'What differs' },
]

// A query that makes numbers has no traces to list.
export function readExplorerView(params: URLSearchParams, query: string): ExplorerView {
  if (isMetrics(query)) return 'series'
  return VIEWS.find(({ id }) => id === params.get('view'))?.id ?? 'traces'
}

// The query narrowed to a part of what it found; of one that makes numbers, that of the spans they are made of.
export function narrowed(query: string, conditions: readonly Condition[]): string {
  const start = spansOf(query) ?? ''
  return conditions.reduce((text, { field, value, operator }) => withPicked(text, field, value, operator === '!=' ? 'not' : 'only') ?? text, start)
}

// Values of fields as conditions: what the spans of a group have in common.
export function groupConditions(fields: readonly string[], literals: readonly string[]): Condition[] {
  return fields.map((field, i) => ({
    field: field.replace(/^span:(?=name$|kind$|status$|statusMessage$)/, ''),
    operator: '=',
    value: literals[i] ?? 'nil',
  }))
}

export function groupName(fields: readonly string[], literals: readonly string[]): string[] {
  return fields.map((field, i) => {
    const literal = literals[i] ?? 'nil'
    return field === 'resource.service.name' && unquoted(literal) === '' ? 'unnamed' : facetValue(literal)
  })
}

// ---- groups

export type GroupOrder = 'count' | 'errors' | 'p99'
export const GROUP_BY_MAX = 5
export const GROUP_BY_USUAL: readonly string[] = ['resource.service.name', 'name']

export interface GroupChoice {
  by: string[]
  order: GroupOrder
}

export function readGroupChoice(params: URLSearchParams): GroupChoice {
  const by = fieldsOf(params, 'by', GROUP_BY_MAX)
  const order = params.get('order')
  return { by: by.length > 0 ? by : [...GROUP_BY_USUAL], order: order === 'errors' || order === 'p99' ? order : 'count' }
}

export function groupUrlChange(change: Partial<GroupChoice>): UrlChange {
  const url: UrlChange = {}
  if (change.by !== undefined) url.by = change.by.length > 0 && change.by.join() !== GROUP_BY_USUAL.join() ? change.by : null
  if (change.order !== undefined) url.order = change.order === 'count' ? null : change.order
  return url
}

// ---- columns of the list of spans

export const COLUMNS_MAX = 8
export const readColumns = (params: URLSearchParams): string[] => fieldsOf(params, 'col', COLUMNS_MAX)
