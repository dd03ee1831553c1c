// What a panel asks of the API.
import { api } from '../api/client'
import { ApiFailure } from '../api/failure'
import { withSets } from '../api/log_fields'
import type { DashboardPanel, DashboardQuery, MetricExemplars, MetricsAnswer, MetricsSubQuery } from '../api/types'
import { isMetrics } from '../base/traceql'
import { substitute, VariableError, type Variables } from '../base/variables'
import { logGroupsData, logVolumeData, metricsData, spanGroupsData, spanSeriesData, sqlData, type PanelData } from './data'

export interface AskedRange {
  params: { last?: string; from?: string; to?: string }
  fromMs: number
  toMs: number
  nowMs: number
  withExemplars?: boolean
}

const LIST_DEFAULT = 50
const GROUPS_DEFAULT = 20
const STEPS = 120
const EXEMPLARS_MOST = 100

// What is wrong with a query is said at its place in the panel: "queries[1].query".
async function blaming<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof VariableError) throw new ApiFailure('INVALID_ARGUMENT', error.message, place, 'Variables are made in the settings of the dashboard.')
    if (error instanceof ApiFailure && error.code === 'INVALID_ARGUMENT' && ['q', 'filter', null].includes(error.where)) throw new ApiFailure(error.code, error.message, place, error.hint, error.status)
    throw error
  }
}

// Attributes to group by are variables too.
function groups(query: DashboardQuery, variables: Variables): string[] {
  return (query.group_by ?? []).flatMap((key) => substitute(key, 'text', variables).split(', ')).filter((key) => key !== '')
}

function subQuery(query: DashboardQuery, variables: Variables): MetricsSubQuery {
  const filter = substitute(query.query ?? '', 'traceql', variables)
  const group_by = groups(query, variables)
  const { name, metric = '', type, aggregation, over_time, over_series, top, bottom, hidden } = query
  return {
    name,
    metric: substitute(metric, 'text', variables),
    ...(type && { type }),
    ...(filter !== '' && { filter }),
    ...(aggregation && { aggregation }),
    ...(over_time && { over_time }),
    ...(over_series && { over_series }),
    ...(group_by.length > 0 && { group_by }),
    ...(top && { top }),
    ...(bottom && { bottom }),
    ...(hidden && { hidden }),
  }
}

async function loadMetrics(panel: DashboardPanel, queries: readonly DashboardQuery[], variables: Variables, range: AskedRange, signal: AbortSignal): Promise<PanelData> {
  const first = queries[0]!
  if (panel.display === 'heatmap') {
    return blaming('queries[0].query', async () => {
      const { metric, filter, type } = subQuery(first, variables)
      const measured = type === 'histogram' || type === 'exponential_histogram' ? { type } : {}
      return { kind: 'measurements', answer: await api.getMetricHeatmap(metric, { ...range.params, ...(filter && { filter }), ...measured }, signal) }
    })
  }
  const asked = await Promise.all(queries.map((query, i) => blaming(`queries[${i}].query`, async () => subQuery(query, variables))))
  const answer = await api.queryMetrics({ ...range.params, queries: asked, ...(panel.formulas?.length && { formulas: panel.formulas }) }, signal)
  const substituted = queries.map((query, i) => ({ ...query, query: asked[i]?.filter ?? '' }))
  const data = metricsData(answer, panel, substituted, range.nowMs)
  const exemplars = range.withExemplars && asked.length === 1 && !panel.formulas?.length ? await loadExemplars(asked[0]!, answer, range, signal) : undefined
  return exemplars ? { ...data, exemplars } : data
}

// Of measurements only histograms have values that a chart of them can show. Without them the panel is still worth showing.
async function loadExemplars({ metric, filter }: MetricsSubQuery, { results, step_seconds }: MetricsAnswer, range: AskedRange, signal: AbortSignal): Promise<MetricExemplars | undefined> {
  const type = results[0]?.type
  if (type !== 'histogram' && type !== 'exponential_histogram') return undefined
  try {
    const answer = await api.getMetricExemplars(metric, { ...range.params, type, step: `${step_seconds}s`, limit: EXEMPLARS_MOST, ...(filter && { filter }) }, signal)
    return answer.exemplars.length > 0 ? answer : undefined
  } catch (error) {
    if (signal.aborted) throw error
    return undefined
  }
}

async function loadSpans(panel: DashboardPanel, queries: readonly DashboardQuery[], variables: Variables, range: AskedRange, signal: AbortSignal): Promise<PanelData> {
  if (queries.every((query) => isMetrics(query.query ?? ''))) {
    const parts = await Promise.all(
      queries.map((query, i) =>
        blaming(`queries[${i}].query`, async () => {
          const text = substitute(query.query ?? '', 'traceql', variables)
          return { query, q: text, answer: await api.querySeries({ ...range.params, q: text, limit: query.top ?? GROUPS_DEFAULT }, signal) }
        }),
      ),
    )
    return spanSeriesData(parts, panel.options, range.nowMs)
  }
  const query = queries[0]!
  const limit = panel.options?.limit
  return blaming('queries[0].query', async (): Promise<PanelData> => {
    const q = substitute(query.query ?? '', 'traceql', variables)
    if (panel.display === 'heatmap') return { kind: 'spans', q, answer: await api.queryHeatmap({ ...range.params, ...(q !== '' && { q }), columns: 80, buckets: 2 }, signal) }
    if (panel.display === 'traces') {
      const { traces, next_cursor } = await api.searchTraces({ ...range.params, ...(q !== '' && { q }), limit: limit ?? LIST_DEFAULT }, signal)
      return { kind: 'traces', q, traces, cut: next_cursor !== null }
    }
    const by = groups(query, variables)
    const answer = await api.queryGroups({ ...range.params, ...(q !== '' && { q }), by: by.length > 0 ? by.join(',') : 'name', limit: query.top ?? limit ?? GROUPS_DEFAULT }, signal)
    return spanGroupsData(answer, q)
  })
}

async function loadLogs(panel: DashboardPanel, query: DashboardQuery, variables: Variables, range: AskedRange, signal: AbortSignal): Promise<PanelData> {
  return blaming('queries[0].query', async (): Promise<PanelData> => {
    const q = substitute(query.query ?? '', 'traceql', variables)
    const question = { ...range.params, ...(q !== '' && { q }) }
    if (panel.display === 'logs') {
      const { logs, attribute_sets, next_cursor } = await api.searchLogs({ ...question, limit: panel.options?.limit ?? LIST_DEFAULT }, signal)
      return { kind: 'logs', q, logs: withSets(logs, attribute_sets), cut: next_cursor !== null }
    }
    const by = groups(query, variables)
    if (by.length === 0) return logVolumeData(await api.logVolume(question, signal), q, panel.options, range.nowMs)
    return logGroupsData(await api.groupLogs({ ...question, by: by.join(','), limit: query.top ?? panel.options?.limit ?? GROUPS_DEFAULT }, signal), q)
  })
}

async function loadSql(panel: DashboardPanel, query: DashboardQuery, variables: Variables, range: AskedRange, signal: AbortSignal): Promise<PanelData> {
  const time = (ms: number) => `fromUnixTimestamp64Milli(toInt64(${Math.round(ms)}))`
  const step = Math.max(1, Math.ceil((range.toMs - range.fromMs) / 1000 / STEPS))
  const given = { from: time(range.fromMs), to: time(range.toMs), step: String(step) }
  const answer = await blaming('queries[0].query', () => api.runSql(substitute(query.query ?? '', 'sql', variables, given), signal))
  return sqlData(answer, panel.options, range, range.nowMs)
}

// Throws ApiFailure.
export async function loadPanel(panel: DashboardPanel, variables: Variables, range: AskedRange, signal: AbortSignal): Promise<PanelData> {
  const queries = panel.queries ?? []
  const first = queries[0]
  if (panel.display === 'text' || first === undefined) return { kind: 'nothing' }
  if (first.source === 'metrics') return loadMetrics(panel, queries, variables, range, signal)
  if (first.source === 'traceql') return loadSpans(panel, queries, variables, range, signal)
  if (first.source === 'logs') return loadLogs(panel, first, variables, range, signal)
  return loadSql(panel, first, variables, range, signal)
}
