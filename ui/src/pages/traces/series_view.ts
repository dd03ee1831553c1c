// Numbers over time of the spans that the query means: the choice of a function, groups and drawing between URL and TraceQL,
// and the answer as it is drawn. Knows no DOM.
import type { SpanSeries } from '../../api/types'
import { seriesIndex, seriesIndexes } from '../../base/colors'
import { fieldsOf, type UrlChange } from '../../base/filters'
import { seriesFigures, unfinishedFrom, type SeriesFigures, type Value } from '../../base/series'
import { valueFormat, type ValueFormat } from '../../base/series_units'
import { nanoToMs } from '../../base/time'
import { conditionsOf, isMetrics, queryOf, unquoted, type Condition } from '../../base/traceql'

export type SeriesFunction = 'rate' | 'errors' | 'p50' | 'p90' | 'p95' | 'p99' | 'avg' | 'min' | 'max' | 'sum'

// What is asked for.
export interface Calculation {
  fn: SeriesFunction
  of: string // the field that fn looks at, as TraceQL writes it; rate and errors have none
  by: string[] // fields
}

export interface SeriesChoice extends Calculation {
  bars: boolean
  log: boolean // the axis of durations
  only: string // name of the series that is alone in the chart
}

export const FUNCTION_WORDS: Record<SeriesFunction, string> = {
  rate: 'Rate',
  errors: 'Error share',
  p50: 'p50',
  p90: 'p90',
  p95: 'p95',
  p99: 'p99',
  avg: 'Average',
  min: 'Minimum',
  max: 'Maximum',
  sum: 'Sum',
}
export const DURATION = 'duration'
export const BY_MAX = 3

const isFunction = (text: string): text is SeriesFunction => Object.hasOwn(FUNCTION_WORDS, text)
export const looksAtField = (fn: SeriesFunction): boolean => fn !== 'rate' && fn !== 'errors'
export const addsUp = (fn: SeriesFunction): boolean => fn === 'rate' || fn === 'sum'

export function readSeriesChoice(params: URLSearchParams): SeriesChoice {
  const fn = params.get('fn') ?? ''
  return {
    fn: isFunction(fn) ? fn : 'rate',
    of: params.get('of') ?? DURATION,
    by: fieldsOf(params, 'by', BY_MAX),
    bars: params.get('draw') === 'bars',
    log: params.get('scale') === 'log',
    only: params.get('only') ?? '',
  }
}

export function seriesUrlChange(change: Partial<SeriesChoice>): UrlChange {
  const url: UrlChange = {}
  if (change.fn !== undefined) url.fn = change.fn === 'rate' ? null : change.fn
  if (change.of !== undefined) url.of = change.of === DURATION ? null : change.of
  if (change.by !== undefined) url.by = change.by.length > 0 ? change.by : null
  if (change.bars !== undefined) url.draw = change.bars ? 'bars' : null
  if (change.log !== undefined) url.scale = change.log ? 'log' : null
  if (change.only !== undefined) url.only = change.only === '' ? null : change.only
  else if (change.by !== undefined || change.fn !== undefined) url.only = null // other series
  return url
}

const FAILED: Condition = { field: 'status', operator: '=', value: 'error' }

// `base`: the query as written, "" for any span. One that makes numbers itself is asked as it is.
export function seriesQueryText(base: string, { fn, of, by }: Calculation): string {
  const spans = base === '' ? '{ }' : base
  if (isMetrics(spans)) return spans
  const groups = by.length === 0 ? '' : ` by (${by.join(', ')})`
  if (fn === 'rate') return `${spans} | rate()${groups}`
  if (fn === 'errors') {
    const conditions = conditionsOf(spans)
    const failed = conditions === null ? `${spans} | ${queryOf([FAILED])}` : queryOf([...conditions, FAILED])
    return `(${failed} | rate()${groups}) / (${spans} | rate()${groups})`
  }
  if (fn.startsWith('p')) return `${spans} | quantile_over_time(${of}, .${fn.slice(1).replace(/0$/, '')})${groups}`
  return `${spans} | ${fn}_over_time(${of})${groups}`
}

// The unit of the answer, in UCUM. Of a query that makes its own numbers, only what its text gives away.
function unitOf(base: string, { fn, of }: Calculation): string {
  if (isMetrics(base)) {
    if (/_over_time\s*\(\s*(?:span:)?duration\b/.test(base) && !/histogram_over_time/.test(base)) return 's'
    return /\)\s*\//.test(base) ? '1' : /\brate\s*\(/.test(base) ? '{span}/s' : ''
  }
  if (fn === 'rate') return '{span}/s'
  if (fn === 'errors') return '1'
  return /^(?:span:|trace:)?duration$|^traceDuration$/.test(of) ? 's' : ''
}

type Label = SpanSeries['series'][number]['labels'][number]

export interface ShownSeries {
  name: string
  color: string // a custom property
  values: readonly Value[]
  figures: SeriesFigures
  conditions: Condition[] // what its spans have in common
}

export interface ShownSpans {
  fromMs: number
  toMs: number
  stepSeconds: number
  unfinished: number
  format: ValueFormat
  isDuration: boolean
  series: ShownSeries[]
}

function labelText({ field, literal }: Label): string {
  if (field === 'p') return `p${Number(literal) * 100}`
  if (literal === 'nil') return `no ${field.replace(/^(?:span|resource)\./, '')}`
  const words = unquoted(literal) ?? literal
  return field === 'resource.service.name' && words === '' ? 'unnamed' : words
}

// A label as a condition on spans; null for those that the function made.
function labelCondition({ field, literal }: Label): Condition | null {
  if (field === 'p' || field.startsWith('__')) return null
  return { field: field.replace(/^span:(?=name$|kind$|status$|statusMessage$)/, ''), operator: '=', value: literal }
}

export function shownSpans(answer: SpanSeries, base: string, choice: Calculation, nowMs: number): ShownSpans {
  const fromMs = nanoToMs(answer.from_unix_nano)
  const steps = Math.max(0, ...answer.series.map((series) => series.values.length))
  const unfinished = unfinishedFrom(fromMs, answer.step_seconds, steps, nowMs)
  const own = isMetrics(base) ? 'Result' : FUNCTION_WORDS[choice.fn]
  const names = answer.series.map(({ labels }) => {
    // One quantile needs no name.
    const told = labels.filter((label) => isMetrics(base) || label.field !== 'p')
    return told.length === 0 ? own : told.map(labelText).join(' · ')
  })
  const byService = answer.series.every(({ labels }) => labels.filter(({ field }) => field !== 'p').map(({ field }) => field).join() === 'resource.service.name')
  // A service has its own colour everywhere.
  const places = byService ? names.map(seriesIndex) : seriesIndexes(names)
  const unit = unitOf(base, choice)
  return {
    fromMs,
    toMs: nanoToMs(answer.to_unix_nano),
    stepSeconds: answer.step_seconds,
    unfinished,
    format: valueFormat(unit, { ratio: unit === '1' }),
    isDuration: unit === 's',
    series: answer.series.map(({ labels, values }, i) => ({
      name: names[i] ?? '',
      color: `--series-${answer.series.length === 1 && !byService ? 0 : (places[i] ?? 0)}`,
      values,
      figures: seriesFigures(values, unfinished),
      conditions: labels.map(labelCondition).filter((condition) => condition !== null),
    })),
  }
}
