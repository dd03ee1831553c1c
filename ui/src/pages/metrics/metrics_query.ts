// The metric that is looked at between URL and API: how it is aggregated, grouped, filtered and drawn. URLSearchParams and
// answers in, queries and series out; knows no DOM.
import type { Metric, MetricSeries } from '../../api/types'
import { seriesIndex, seriesIndexes } from '../../base/colors'
import { isAttributeFilter } from '../../base/filters'
import { serviceOfParam, serviceParam } from '../../base/routes'
import { extent, seriesFigures, seriesName, unfinishedFrom, type SeriesFigures, type Value } from '../../base/series'
import { isRatio, valueFormat, type ValueFormat } from '../../base/series_units'
import { DAY, HOUR, MINUTE, nanoToMs, parseSpan, SECOND, spanToText } from '../../base/time'
import type { ParamValue } from '../../base/url'

export type MetricType = Metric['type']
export type Aggregation = MetricSeries['aggregation']

export interface MetricView {
  name: string
  type: MetricType | '' // where a name is used with several
  service: string // as of serviceParam; "": any
  aggregation: Aggregation | '' // what fits the type
  groupBy: string[]
  attributes: string[]
  step: string // "": as fits the range
  limit: number
  bars: boolean
  log: boolean
  only: string // the name of the series that is alone in the chart
  exemplars: boolean // single measurements are drawn too
}

export const SERIES_LIMIT = 20
export const SERIES_LIMIT_MAX = 100
export const GROUP_BY_MAX = 3

const TYPES: readonly string[] = ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary']
const AGGREGATIONS: readonly string[] = ['rate', 'increase', 'avg', 'min', 'max', 'sum', 'last', 'count', 'p50', 'p75', 'p90', 'p95', 'p99']

export function readMetricView(params: URLSearchParams): MetricView {
  const text = (key: string) => params.get(key) ?? ''
  const step = parseSpan(text('step'))
  return {
    name: text('name'),
    type: TYPES.includes(text('type')) ? (text('type') as MetricType) : '',
    service: text('service'),
    aggregation: AGGREGATIONS.includes(text('aggregation')) ? (text('aggregation') as Aggregation) : '',
    groupBy: [...new Set(params.getAll('group_by').filter((key) => key !== ''))].slice(0, GROUP_BY_MAX),
    attributes: params.getAll('attribute').filter(isAttributeFilter),
    step: step === null ? '' : spanToText(step),
    limit: text('limit') === String(SERIES_LIMIT_MAX) ? SERIES_LIMIT_MAX : SERIES_LIMIT,
    bars: text('draw') === 'bars',
    log: text('scale') === 'log',
    only: text('only'),
    exemplars: text('exemplars') === 'shown',
  }
}

export interface SeriesQuery {
  type?: MetricType
  service?: string
  aggregation?: Aggregation
  group_by?: string[]
  attribute?: string[]
  step?: string
  limit?: number
}

export function seriesQuery(view: MetricView): SeriesQuery {
  return {
    ...(view.type !== '' && { type: view.type }),
    ...(view.service !== '' && { service: serviceOfParam(view.service) }),
    ...(view.aggregation !== '' && { aggregation: view.aggregation }),
    ...(view.groupBy.length > 0 && { group_by: view.groupBy }),
    ...(view.attributes.length > 0 && { attribute: view.attributes }),
    ...(view.step !== '' && { step: view.step }),
    ...(view.limit !== SERIES_LIMIT && { limit: view.limit }),
  }
}

// What to change in the URL: null takes a parameter out. Another grouping or filter has other series: none of them stays
// alone.
export function metricUrlChange(change: Partial<MetricView>): Record<string, ParamValue> {
  const url: Record<string, ParamValue> = {}
  if (change.type !== undefined) url.type = change.type || null
  if (change.service !== undefined) url.service = change.service || null
  if (change.aggregation !== undefined) url.aggregation = change.aggregation || null
  if (change.groupBy !== undefined) url.group_by = change.groupBy.length > 0 ? change.groupBy : null
  if (change.attributes !== undefined) url.attribute = change.attributes.length > 0 ? change.attributes : null
  if (change.step !== undefined) url.step = change.step || null
  if (change.limit !== undefined) url.limit = change.limit === SERIES_LIMIT ? null : change.limit
  if (change.bars !== undefined) url.draw = change.bars ? 'bars' : null
  if (change.log !== undefined) url.scale = change.log ? 'log' : null
  if (change.exemplars !== undefined) url.exemplars = change.exemplars ? 'shown' : null
  if (change.only !== undefined) url.only = change.only || null
  else if (change.groupBy !== undefined || change.attributes !== undefined || change.service !== undefined) url.only = null
  return url
}

// ---- aggregations

export const AGGREGATION_WORDS: Record<Aggregation, string> = {
  rate: 'Rate',
  increase: 'Increase',
  avg: 'Average',
  min: 'Minimum',
  max: 'Maximum',
  sum: 'Sum',
  last: 'Last',
  count: 'Count',
  p50: 'p50',
  p75: 'p75',
  p90: 'p90',
  p95: 'p95',
  p99: 'p99',
}

export interface AggregationChoice {
  normal: Aggregation
  near: readonly Aggregation[] // one click away
  all: readonly Aggregation[]
}

type Shape = Pick<Metric, 'type' | 'monotonic' | 'temporality'>

// Those that the API takes for a metric; see src/query/README.md for what they mean.
export function aggregationChoice({ type, monotonic, temporality }: Shape): AggregationChoice {
  if (type === 'gauge') {
    return { normal: 'avg', near: ['avg', 'min', 'max', 'last'], all: ['avg', 'min', 'max', 'last', 'sum', 'count'] }
  }
  if (type === 'sum') {
    if (temporality === 'delta') {
      return { normal: monotonic ? 'rate' : 'sum', near: ['rate', 'increase', 'sum'], all: ['rate', 'increase', 'sum'] }
    }
    return monotonic
      ? { normal: 'rate', near: ['rate', 'increase'], all: ['rate', 'increase', 'last', 'sum', 'avg', 'min', 'max', 'count'] }
      : { normal: 'sum', near: ['sum', 'avg', 'min', 'max'], all: ['sum', 'avg', 'min', 'max', 'last', 'rate', 'increase', 'count'] }
  }
  const all: readonly Aggregation[] = ['p50', 'p75', 'p90', 'p95', 'p99', 'avg', 'rate', 'increase', 'count', 'sum']
  return { normal: type === 'summary' ? 'rate' : 'p95', near: ['p50', 'p95', 'p99', 'avg', 'rate'], all }
}

// Parts add up to a whole: they may be stacked.
export function addsUp(aggregation: Aggregation): boolean {
  return aggregation === 'rate' || aggregation === 'increase' || aggregation === 'sum' || aggregation === 'count'
}

export function describeType({ type, monotonic, temporality }: Shape): string {
  const word = { gauge: 'gauge', sum: monotonic ? 'counter' : 'up-down counter', histogram: 'histogram', exponential_histogram: 'exponential histogram', summary: 'summary' }[type]
  return temporality === 'unspecified' || type === 'gauge' ? word : `${word}, ${temporality}`
}

// ---- steps

const STEPS_MS = [SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY]
const STEPS_LEAST = 4
const STEPS_MOST = 2000

// Widths to choose from for a range: few enough points to draw, enough to see a course.
export function stepChoices(spanMs: number): string[] {
  return STEPS_MS.filter((step) => spanMs / step >= STEPS_LEAST && spanMs / step <= STEPS_MOST).map(spanToText)
}

// ---- an answer as it is drawn

export interface ShownSeries {
  name: string
  color: string
  labels: Record<string, string>
  values: readonly Value[]
  figures: SeriesFigures
}

export interface Shown {
  fromMs: number
  toMs: number
  stepSeconds: number
  unfinished: number
  series: ShownSeries[]
  format: ValueFormat
}

export function shownSeries(answer: MetricSeries, groupBy: readonly string[], nowMs: number): Shown {
  const fromMs = nanoToMs(answer.from_unix_nano)
  const steps = Math.max(0, ...answer.series.map((series) => series.values.length))
  const unfinished = unfinishedFrom(fromMs, answer.step_seconds, steps, nowMs)
  const names = answer.series.map((series) => seriesName(series.labels, groupBy, answer.name))
  // A service has its own colour everywhere.
  const places = groupBy.length === 1 && groupBy[0] === 'service.name' ? names.map(seriesIndex) : seriesIndexes(names)
  return {
    fromMs,
    toMs: nanoToMs(answer.to_unix_nano),
    stepSeconds: answer.step_seconds,
    unfinished,
    series: answer.series.map((series, i) => ({
      name: names[i] ?? '',
      color: `--series-${groupBy.length === 0 ? 0 : (places[i] ?? 0)}`,
      labels: series.labels,
      values: series.values,
      figures: seriesFigures(series.values, unfinished),
    })),
    format: valueFormat(answer.result_unit, {
      ratio: isRatio(answer.unit, answer.type, extent(answer.series.map((series) => series.values))),
    }),
  }
}

// ---- exemplars

export const EXEMPLARS_LIMIT = 200

export type ExemplarsQuery = Pick<SeriesQuery, 'type' | 'service' | 'attribute' | 'step' | 'limit'>

export function exemplarsQuery({ type, service, attribute, step }: SeriesQuery): ExemplarsQuery {
  return {
    ...(type !== undefined && { type }),
    ...(service !== undefined && { service }),
    ...(attribute !== undefined && { attribute }),
    ...(step !== undefined && { step }),
    limit: EXEMPLARS_LIMIT,
  }
}

// The labels of a series as conditions for spans and records of the same time.
export function labelParams(labels: Record<string, string>): Record<string, ParamValue> {
  const { 'service.name': service, ...others } = labels
  return {
    ...(service !== undefined && { service: serviceParam(service) }),
    attribute: Object.entries(others).map(([key, value]) => `${key}=${value}`),
  }
}

// ---- the start page

// What tells most about a program at a glance, in this order.
const WELL_KNOWN = [
  'http.server.request.duration', 'http.server.duration', 'rpc.server.duration', 'gen_ai.client.operation.duration',
  'http.client.request.duration', 'db.client.operation.duration', 'messaging.process.duration', 'http.server.active_requests',
  'process.cpu.utilization', 'process.cpu.time', 'process.memory.usage', 'process.runtime.jvm.memory.usage', 'jvm.memory.used',
  'nodejs.eventloop.utilization', 'go.memory.used', 'system.cpu.utilization', 'system.memory.usage', 'gen_ai.client.token.usage',
] // prettier-ignore
const CONVENTIONS = /^(http|rpc|db|messaging|process|system|jvm|go|nodejs|v8js|dotnet|aspnetcore|kestrel|container|k8s|otel|hw|faas|gen_ai|dns|tls|signalr|cpython|runtime)[._]/

const WELL_KNOWN_MOST = 6

// Sightline's metrics of itself: of interest where there are no others.
const ITSELF = 'sightline'

// Well-known ones first, then the services' own; what remains of the well-known fills up.
export function startMetrics(all: readonly Metric[], most: number): Metric[] {
  const others = all.filter((metric) => metric.services.some((service) => service !== ITSELF))
  const metrics = others.length > 0 ? others : all
  const byName = new Map<string, Metric>()
  for (const metric of metrics) if (!byName.has(metric.name)) byName.set(metric.name, metric)
  const known = WELL_KNOWN.flatMap((name) => byName.get(name) ?? [])
  const first = known.slice(0, WELL_KNOWN_MOST)
  const own = [...byName.values()].filter((metric) => !CONVENTIONS.test(metric.name) && !known.includes(metric))
  const rest = [...byName.values()].filter((metric) => CONVENTIONS.test(metric.name) && !known.includes(metric))
  return [...first, ...own.slice(0, most - first.length), ...known.slice(WELL_KNOWN_MOST), ...rest].slice(0, most)
}

export function metricKey(metric: Metric): string {
  return [metric.name, metric.type, metric.unit, metric.temporality, metric.monotonic].join('|')
}
