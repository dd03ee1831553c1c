// Changes of a panel that one click makes: what it is drawn as, what it is grouped by, what a new one begins with. Knows no DOM.
import type { DashboardPanel, DashboardQuery, PanelDisplay } from '../api/types'
import { isMetrics } from '../base/traceql'
import { makesSeries } from './data'

export const DISPLAY_WORDS: Record<PanelDisplay, string> = {
  line: 'Lines',
  area: 'Areas',
  stacked: 'Stacked',
  bars: 'Bars over time',
  bar: 'Bar chart',
  horizontal_bar: 'Horizontal bars',
  value: 'Value',
  table: 'Table',
  pie: 'Pie',
  histogram: 'Histogram',
  heatmap: 'Heatmap',
  traces: 'List of traces',
  logs: 'List of log records',
  text: 'Text',
}

const OF_SERIES: readonly PanelDisplay[] = ['line', 'bars', 'table', 'value', 'area', 'stacked', 'horizontal_bar', 'bar', 'pie', 'histogram']
const OF_ROWS: readonly PanelDisplay[] = ['table', 'horizontal_bar', 'bar', 'pie']

// What the same queries can be drawn as; none: the display asks for something of its own.
export function displaysOf(panel: DashboardPanel): readonly PanelDisplay[] {
  if (['traces', 'logs', 'heatmap', 'text'].includes(panel.display)) return []
  const first = panel.queries?.[0]
  if (first === undefined) return []
  if (first.source === 'sql') return OF_SERIES
  return makesSeries(first) ? OF_SERIES : OF_ROWS
}

// TraceQL with the fields that its metrics function groups by; null where the text has no place for them.
function tracesBy(text: string, fields: readonly string[]): string | null {
  if (!isMetrics(text) || /\)\s*[-+*/]/.test(text)) return null
  const by = fields.length === 0 ? '' : ` by (${fields.join(', ')})`
  const found = /^([\s\S]*?\|\s*(?:rate|\w+_over_time)\s*\((?:[^()]|\([^()]*\))*\))(?:\s*by\s*\([^()]*\))?([\s\S]*)$/.exec(text)
  return found === null ? null : `${found[1]}${by}${found[2]}`
}

export function groupsOf(query: DashboardQuery): string[] {
  if (query.source !== 'traceql' || !isMetrics(query.query ?? '')) return query.group_by ?? []
  const by = /\bby\s*\(([^()]*)\)/.exec(query.query ?? '')
  return by === null ? [] : (by[1] ?? '').split(',').map((field) => field.trim()).filter((field) => field !== '')
}

export function canGroup(panel: DashboardPanel): boolean {
  const queries = panel.queries ?? []
  if (['traces', 'logs', 'heatmap', 'text'].includes(panel.display)) return false
  return queries.length > 0 && queries.every((query) => query.source === 'metrics' || query.source === 'logs' || (query.source === 'traceql' && (!isMetrics(query.query ?? '') || tracesBy(query.query ?? '', []) !== null)))
}

// All queries of the panel; legends that name other labels would say nothing.
export function groupedBy(panel: DashboardPanel, fields: readonly string[]): DashboardPanel {
  const queries = (panel.queries ?? []).map((query): DashboardQuery => {
    const { group_by: _, legend, ...rest } = query
    const kept = legend !== undefined && !legend.includes('{{') ? { legend } : {}
    if (query.source === 'traceql' && isMetrics(query.query ?? '')) return { ...rest, ...kept, query: tracesBy(query.query ?? '', fields) ?? query.query ?? '' }
    return { ...rest, ...kept, ...(fields.length > 0 && { group_by: [...fields] }) }
  })
  const grouped = { ...panel, queries }
  // Counts of records by a field are rows.
  const wanted = displaysOf(grouped)
  return wanted.length === 0 || wanted.includes(grouped.display) ? grouped : { ...grouped, display: wanted[0]! }
}

const NAMES = 'ABCDEFGHIJ'

export function nextName(panel: DashboardPanel, letters = NAMES): string {
  const taken = new Set([...(panel.queries ?? []), ...(panel.formulas ?? [])].map((one) => one.name))
  return [...letters].find((letter) => !taken.has(letter)) ?? `Q${taken.size + 1}`
}

export function newQuery(source: DashboardQuery['source'], name: string): DashboardQuery {
  if (source === 'metrics') return { name, source, metric: 'traces.span.metrics.calls', aggregation: 'rate', group_by: ['service.name'] }
  if (source === 'traceql') return { name, source, query: '{ } | rate() by (resource.service.name)' }
  if (source === 'logs') return { name, source, query: '' }
  return { name, source, query: 'SELECT toStartOfMinute(Timestamp) AS time, ServiceName, count() AS spans\nFROM otel_traces\nWHERE Timestamp >= $from AND Timestamp < $to\nGROUP BY time, ServiceName ORDER BY time' }
}

export function newPanel(id: string, display: PanelDisplay, at: { x: number; y: number }): DashboardPanel {
  const panel: DashboardPanel = { id, title: 'New panel', grid: { ...at, w: 12, h: 8 }, display }
  if (display === 'text') return { ...panel, title: '', options: { text: '## Notes\n\nWhat this dashboard is for.' } }
  if (display === 'traces') return { ...panel, queries: [{ name: 'A', source: 'traceql', query: '{ status = error }' }] }
  if (display === 'logs') return { ...panel, queries: [{ name: 'A', source: 'logs', query: '{ severity >= warn }' }] }
  if (display === 'heatmap') return { ...panel, queries: [{ name: 'A', source: 'traceql', query: '{ kind = server }' }] }
  return { ...panel, queries: [newQuery('traceql', 'A')] }
}
