// The typed client: one function for each operation of openapi.yaml. They throw ApiFailure, or AbortError when cancelled;
// cancelling ends the query in the server too.
import createClient from 'openapi-fetch'
import { parseExact } from '../base/exact_json'
import { failureOf, isAbort, noAnswer } from './failure'
import type { operations, paths } from './schema'
import type { ChangedView, DashboardDocument, LogList, LogTail, MetricsQuestion, NewExceptionDecision, NewView, SpanDetail, Trace } from './types'

export type Query<Name extends keyof operations> = operations[Name]['parameters']['query']

export const client = createClient<paths>({
  baseUrl: '/api/v1',
  querySerializer: { array: { style: 'form', explode: true } },
})

interface Listener {
  answered(): void
  unanswered(): void
}
let listener: Listener | null = null

// Tells the connection banner what each request showed.
export function onAnswers(wanted: Listener): void {
  listener = wanted
}

export async function take<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let result
  try {
    result = await answer
  } catch (error) {
    if (isAbort(error)) throw error
    if (error instanceof TypeError) {
      listener?.unanswered()
      throw noAnswer()
    }
    throw error
  }
  if (result.data !== undefined && result.response.ok) {
    listener?.answered()
    return result.data
  }
  const failure = failureOf(result.response.status, result.error)
  if (failure.disconnected) listener?.unanswered()
  else listener?.answered()
  throw failure
}

// Of an answer without a body.
export async function takeNothing(answer: Promise<{ error?: unknown; response: Response }>): Promise<void> {
  await take(answer.then(({ error, response }) => ({ ...(response.ok && { data: true }), error, response })))
}

// An operation that the description does not have yet.
export async function call<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, given: { query?: Record<string, unknown>; body?: unknown; signal?: AbortSignal | undefined } = {}): Promise<T> {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(given.query ?? {})) if (value !== undefined && value !== null && value !== '') search.set(key, String(value))
  const text = search.toString()
  const ask = async () => {
    const response = await fetch(`/api/v1${path}${text && `?${text}`}`, {
      method,
      ...(given.body !== undefined && { body: JSON.stringify(given.body), headers: { 'Content-Type': 'application/json' } }),
      ...(given.signal && { signal: given.signal }),
    })
    const read: unknown = response.status === 204 ? true : await response.json().catch(() => undefined)
    return response.ok ? { data: read as T, response } : { error: read, response }
  }
  return take(ask())
}

// Attributes and bodies may hold whole numbers of 64 bits: none of their digits may be rounded away.
const AS_TEXT = { parseAs: 'text' } as const
async function takeExact<T>(answer: Promise<{ data?: string; error?: unknown; response: Response }>): Promise<T> {
  return parseExact(await take(answer)) as T
}

export const api = {
  listServices: (query: Query<'listServices'>, signal?: AbortSignal) => take(client.GET('/services', { params: { query }, signal })),
  listOperations: (service: string, query: Query<'listOperations'>, signal?: AbortSignal) =>
    take(client.GET('/services/{service}/operations', { params: { path: { service }, query }, signal })),
  getServiceGraph: (query: Query<'getServiceGraph'>, signal?: AbortSignal) => take(client.GET('/service-graph', { params: { query }, signal })),
  listSilentFailures: (query: Query<'listSilentFailures'>, signal?: AbortSignal) => take(client.GET('/silent-failures', { params: { query }, signal })),
  countSilentFailures: (query: Query<'countSilentFailures'>, signal?: AbortSignal) =>
    take(client.GET('/silent-failures/services', { params: { query }, signal })),
  listDatabaseCalls: (service: string, query: Query<'listDatabaseCalls'>, signal?: AbortSignal) =>
    take(client.GET('/services/{service}/database-calls', { params: { path: { service }, query }, signal })),
  listDeployments: (service: string, query: Query<'listDeployments'>, signal?: AbortSignal) =>
    take(client.GET('/services/{service}/deployments', { params: { path: { service }, query }, signal })),
  listExceptions: (query: Query<'listExceptions'>, signal?: AbortSignal) => take(client.GET('/exceptions', { params: { query }, signal })),
  decideException: (id: string, body: NewExceptionDecision) => take(client.PUT('/exceptions/{id}/state', { params: { path: { id } }, body })),
  searchTraces: (query: Query<'searchTraces'>, signal?: AbortSignal) => take(client.GET('/traces', { params: { query }, signal })),
  scatterSpans: (query: Query<'scatterSpans'>, signal?: AbortSignal) => take(client.GET('/traces/scatter', { params: { query }, signal })),
  getTraceOutline: (trace_id: string, query: Query<'getTraceOutline'>, signal?: AbortSignal) =>
    take(client.GET('/traces/{trace_id}/outline', { params: { path: { trace_id }, query }, signal })),
  getSpan: (trace_id: string, span_id: string, signal?: AbortSignal) =>
    takeExact<SpanDetail>(client.GET('/traces/{trace_id}/spans/{span_id}', { params: { path: { trace_id, span_id } }, signal, ...AS_TEXT })),
  getFacets: (query: Query<'getFacets'>, signal?: AbortSignal) => take(client.GET('/facets', { params: { query }, signal })),
  queryHeatmap: (query: Query<'queryHeatmap'>, signal?: AbortSignal) => take(client.GET('/query/heatmap', { params: { query }, signal })),
  explainSelection: (query: Query<'explainSelection'>, signal?: AbortSignal) => take(client.GET('/query/explain', { params: { query }, signal })),
  querySpans: (query: Query<'querySpans'>, signal?: AbortSignal) => take(client.GET('/query/spans', { params: { query }, signal })),
  getTrace: (trace_id: string, query: Query<'getTrace'>, signal?: AbortSignal) =>
    takeExact<Trace>(client.GET('/traces/{trace_id}', { params: { path: { trace_id }, query }, signal, ...AS_TEXT })),
  querySeries: (query: Query<'querySeries'>, signal?: AbortSignal) => take(client.GET('/query/series', { params: { query }, signal })),
  queryGroups: (query: Query<'queryGroups'>, signal?: AbortSignal) => take(client.GET('/query/groups', { params: { query }, signal })),
  listFields: (query: Query<'listFields'>, signal?: AbortSignal) => take(client.GET('/fields', { params: { query }, signal })),
  listFieldValues: (query: Query<'listFieldValues'>, signal?: AbortSignal) => take(client.GET('/fields/values', { params: { query }, signal })),
  searchLogs: (query: Query<'searchLogs'>, signal?: AbortSignal) => takeExact<LogList>(client.GET('/logs', { params: { query }, signal, ...AS_TEXT })),
  tailLogs: (query: Query<'tailLogs'>, signal?: AbortSignal) => takeExact<LogTail>(client.GET('/tail/logs', { params: { query }, signal, ...AS_TEXT })),
  groupLogs: (query: Query<'groupLogs'>, signal?: AbortSignal) => take(client.GET('/logs/groups', { params: { query }, signal })),
  logVolume: (query: Query<'logVolume'>, signal?: AbortSignal) => take(client.GET('/logs/volume', { params: { query }, signal })),
  listMetrics: (query: Query<'listMetrics'>, signal?: AbortSignal) => take(client.GET('/metrics', { params: { query }, signal })),
  getMetricSeries: (name: string, query: Query<'getMetricSeries'>, signal?: AbortSignal) =>
    take(client.GET('/metrics/{name}/series', { params: { path: { name }, query }, signal })),
  getMetricExemplars: (name: string, query: Query<'getMetricExemplars'>, signal?: AbortSignal) =>
    take(client.GET('/metrics/{name}/exemplars', { params: { path: { name }, query }, signal })),
  queryMetrics: (body: MetricsQuestion, signal?: AbortSignal) => take(client.POST('/metrics/query', { body, signal })),
  getMetricHeatmap: (name: string, query: Query<'getMetricHeatmap'>, signal?: AbortSignal) =>
    take(client.GET('/metrics/{name}/heatmap', { params: { path: { name }, query }, signal })),
  getMetricCardinality: (name: string, query: Query<'getMetricCardinality'>, signal?: AbortSignal) =>
    take(client.GET('/metrics/{name}/cardinality', { params: { path: { name }, query }, signal })),
  listDashboards: (signal?: AbortSignal) => take(client.GET('/dashboards', { signal })),
  createDashboard: (document: DashboardDocument) => take(client.POST('/dashboards', { body: { document } })),
  getDashboard: (id: string, signal?: AbortSignal) => take(client.GET('/dashboards/{id}', { params: { path: { id } }, signal })),
  updateDashboard: (id: string, version: number, document: DashboardDocument) =>
    take(client.PUT('/dashboards/{id}', { params: { path: { id } }, body: { version, document } })),
  deleteDashboard: (id: string, version: number) =>
    takeNothing(client.DELETE('/dashboards/{id}', { params: { path: { id }, query: { version } } })),
  restoreDashboard: (id: string) => take(client.POST('/dashboards/{id}/restore', { params: { path: { id } } })),
  listDashboardShares: (id: string, signal?: AbortSignal) => take(client.GET('/dashboards/{id}/shares', { params: { path: { id } }, signal })),
  shareDashboard: (id: string, state: string) => take(client.POST('/dashboards/{id}/shares', { params: { path: { id } }, body: { state } })),
  getSharedDashboard: (token: string, signal?: AbortSignal) => take(client.GET('/shared-dashboards/{token}', { params: { path: { token } }, signal })),
  revokeDashboardShare: (token: string) => takeNothing(client.DELETE('/shared-dashboards/{token}', { params: { path: { token } } })),
  getSampling: (signal?: AbortSignal) => take(client.GET('/sampling', { signal })),
  getSamplingTotals: (query: Query<'getSamplingTotals'>, signal?: AbortSignal) => take(client.GET('/sampling/totals', { params: { query }, signal })),
  getSamplingHistory: (query: Query<'getSamplingHistory'>, signal?: AbortSignal) => take(client.GET('/sampling/history', { params: { query }, signal })),
  setSamplingPolicies: (yaml: string, check_only: boolean, signal?: AbortSignal) =>
    take(
      client.PUT('/sampling/policies', {
        params: { query: { check_only } }, body: yaml, bodySerializer: (text: string) => text, headers: { 'Content-Type': 'application/yaml' }, signal,
      }),
    ), // prettier-ignore
  getSpansSql: (query: Query<'getSpansSql'>, signal?: AbortSignal) => take(client.GET('/query/sql/spans', { params: { query }, signal })),
  getTracesSql: (query: Query<'getTracesSql'>, signal?: AbortSignal) => take(client.GET('/query/sql/traces', { params: { query }, signal })),
  // The answer is ClickHouse's JSONCompact.
  runSql: (sql: string, signal?: AbortSignal) =>
    take(
      client.POST('/sql', { params: { query: { format: 'JSONCompact' } }, body: sql, bodySerializer: (text: string) => text, headers: { 'Content-Type': 'text/plain' }, signal }),
    ) as Promise<{ meta: { name: string; type: string }[]; data: unknown[][]; rows: number }>,
  listViews: (query: Query<'listViews'>, signal?: AbortSignal) => take(client.GET('/views', { params: { query }, signal })),
  createView: (body: NewView) => take(client.POST('/views', { body })),
  updateView: (id: string, body: ChangedView) => take(client.PUT('/views/{id}', { params: { path: { id } }, body })),
  deleteView: (id: string, version: number) => takeNothing(client.DELETE('/views/{id}', { params: { path: { id }, query: { version } } })),
  getStatus: (signal?: AbortSignal) => take(client.GET('/status', { signal })),
}
