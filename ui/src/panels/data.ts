// What a panel shows, whatever it came from: answers of the API in, one normal form out. Knows no DOM.
import type { LogWithSets } from '../api/log_fields'
import type { DashboardPanel, DashboardQuery, HeatmapAnswer, LimitedSeries, LogGroups, LogVolume, MetricExemplars, MetricHeatmap, MetricsAnswer, PanelOptions, SpanGroups, SpanSeries, TraceSummary } from '../api/types'
import { seriesIndex, seriesIndexes } from '../base/colors'
import { seriesFigures, unfinishedFrom, type SeriesFigures, type Value } from '../base/series'
import { isRatio, valueFormat, type ValueFormat } from '../base/series_units'
import { nanoToMs } from '../base/time'
import { attributeField, isMetrics, queryOf, quoted, spansOf, unquoted, withCondition, type Condition } from '../base/traceql'

// Where a click on a value leads: the spans or log records that it was made of.
export interface Behind {
  signal: 'traces' | 'logs'
  q: string
}

export interface PanelSeries {
  name: string
  color: string // a custom property
  values: readonly Value[]
  figures: SeriesFigures
  labels: Readonly<Record<string, string>>
  behind: Behind | null
}

export interface SeriesData {
  kind: 'series'
  fromMs: number
  toMs: number
  stepSeconds: number
  unfinished: number
  format: ValueFormat
  addsUp: boolean // counts and rates, which a stack may add
  series: PanelSeries[]
  total: number // series there are; more than are here
  cut: boolean // there are more, nobody counted how many
  approximate: boolean // a sample that was scaled up
  exemplars?: MetricExemplars // of a histogram that is alone
  leftOut?: LimitedSeries[] // services whose series are too many, and whose further ones do not add up
}

export interface TableColumn {
  label: string
  format: ((value: number) => string) | null // of numbers
}
export interface TableRow {
  cells: (string | number | null)[]
  behind: Behind | null
}
export interface TableData {
  kind: 'table'
  columns: TableColumn[]
  rows: TableRow[]
  total: number
  approximate: boolean // a sample that was scaled up
}

export type PanelData =
  | SeriesData
  | TableData
  | { kind: 'spans'; answer: HeatmapAnswer; q: string }
  | { kind: 'measurements'; answer: MetricHeatmap }
  | { kind: 'traces'; traces: TraceSummary[]; q: string; cut: boolean }
  | { kind: 'logs'; logs: LogWithSets[]; q: string; cut: boolean }
  | { kind: 'nothing' }

// ---- names

// "{{http.route}} p95" -> "/cart p95"; a label that is not there is nothing.
export function legendName(template: string, labels: Readonly<Record<string, string>>): string {
  return template.replace(/\{\{\s*([^{}]+?)\s*\}\}/g, (_, key: string) => labels[key] ?? '').replace(/\s+/g, ' ').trim()
}

function nameOf(query: { name: string; legend?: string; metric?: string }, labels: Readonly<Record<string, string>>, alone: boolean): string {
  const told = query.legend === undefined ? '' : legendName(query.legend, labels)
  if (told !== '') return told
  const words = Object.values(labels).map((value) => (value === '' ? 'unnamed' : value))
  const own = query.metric ?? query.name
  if (words.length === 0) return own
  return alone ? words.join(' · ') : `${own} · ${words.join(' · ')}`
}

// No two may have one name: charts and lists could not tell them apart.
function named<T extends { name: string }>(all: readonly T[]): T[] {
  const taken = new Set(all.map((one) => one.name))
  const seen = new Map<string, number>()
  return all.map((one) => {
    let times = (seen.get(one.name) ?? 0) + 1
    while (times > 1 && taken.has(`${one.name} (${times})`)) times++
    seen.set(one.name, times)
    if (times === 1) return one
    const name = `${one.name} (${times})`
    taken.add(name)
    return { ...one, name }
  })
}

function colored(all: readonly Omit<PanelSeries, 'color'>[]): PanelSeries[] {
  const series = named(all)
  // A service has its own colour everywhere.
  const services = series.every((one) => ['service.name', 'resource.service.name'].includes(Object.keys(one.labels).join()))
  const names = series.map((one) => one.name)
  const places = services ? names.map(seriesIndex) : seriesIndexes(names)
  return series.map((one, i) => ({ ...one, color: `--series-${places[i] ?? 0}` }))
}

// Arguments of a call are too few for all values of an answer.
export function extentOf(numbers: readonly number[]): [low: number, high: number] | null {
  if (numbers.length === 0) return null
  let [low, high] = [Infinity, -Infinity]
  for (const value of numbers) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return [low, high]
}

const EXACT = 15 // figures

function formatOf(unit: string, options: PanelOptions | undefined, limits: readonly Value[]): ValueFormat {
  const wanted = options?.unit ?? unit
  const numbers = limits.filter((value): value is number => value !== null)
  const range = extentOf(numbers)
  const format = valueFormat(wanted, { ratio: options?.unit === undefined && isRatio(wanted, 'gauge', range) && unit === '1' })
  const decimals = options?.decimals
  if (decimals === undefined) return format
  // In the unit that fits the value; the axis has as many figures as its steps need.
  const fixed = (value: number): string => {
    const [, figure, unit = ''] = /^(-?[\d,]+(?:\.\d+)?)(\D*)$/.exec(format.short(value, EXACT)) ?? []
    if (figure === undefined) return format.format(value) // "1 min 40 s"
    const words = Number(figure.replaceAll(',', '')).toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
    return words + unit + (format.name === '' ? '' : ` ${format.name}`)
  }
  return { ...format, format: fixed }
}

interface Grid {
  from_unix_nano: string
  to_unix_nano: string
  step_seconds: number
}

function seriesData(grid: Grid, unit: string, options: PanelOptions | undefined, addsUp: boolean, series: Omit<PanelSeries, 'color' | 'figures'>[], total: number, nowMs: number): SeriesData {
  const fromMs = nanoToMs(grid.from_unix_nano)
  const steps = Math.max(0, ...series.map((one) => one.values.length))
  const unfinished = unfinishedFrom(fromMs, grid.step_seconds, steps, nowMs)
  const extremes = series.flatMap((one) => {
    const figures = seriesFigures(one.values)
    return [figures.min, figures.max]
  })
  return {
    kind: 'series',
    fromMs,
    toMs: nanoToMs(grid.to_unix_nano),
    stepSeconds: grid.step_seconds,
    unfinished,
    format: formatOf(unit, options, extremes),
    addsUp,
    series: colored(series.map((one) => ({ ...one, figures: seriesFigures(one.values, addsUp ? unfinished : undefined) }))),
    total,
    cut: false,
    approximate: false,
  }
}

// ---- metrics

const SPAN_FIELDS: Record<string, string> = { 'service.name': 'resource.service.name', 'span.name': 'name' }

// The spans of a metric's series: its service, and of metrics that are counted from spans all labels; the attributes of others are
// those of spans where instrumentation follows the semantic conventions.
export function spansOfLabels(labels: Readonly<Record<string, string>>, metric: string): string {
  const ofSpans = metric.startsWith('traces.span.metrics.')
  const conditions: Condition[] = []
  for (const [key, value] of Object.entries(labels)) {
    if (key === 'span.kind') conditions.push({ field: 'kind', operator: '=', value: value.replace('SPAN_KIND_', '').toLowerCase() })
    else if (key === 'status.code') conditions.push({ field: 'status', operator: '=', value: value.replace('STATUS_CODE_', '').toLowerCase() })
    else if (SPAN_FIELDS[key] !== undefined) conditions.push({ field: SPAN_FIELDS[key], operator: '=', value: quoted(value) })
    else if (ofSpans || /^(http|url|server|client|db|rpc|messaging|gen_ai)\./.test(key)) {
      conditions.push({ field: attributeField('span', key), operator: '=', value: /^\d+$/.test(value) ? value : quoted(value) })
    }
  }
  return queryOf(conditions)
}

// Conditions of a filter on labels that say which service is meant.
function serviceConditions(filter: string): string | null {
  const match = /(?:resource)?\.service\.name\s*(?:=~|=)\s*"(?:[^"\\]|\\.)*"/.exec(filter)
  return match === null ? null : match[0].replace(/^\.service/, 'resource.service')
}

// Whether the series of a query make a whole together: averages, extremes and quantiles do not.
function addsUpOf({ aggregation, over_series }: DashboardQuery, type: MetricsAnswer['results'][number]['type']): boolean {
  if (over_series !== undefined) return over_series === 'sum' || over_series === 'count'
  if (aggregation === undefined) return type === 'sum'
  return ['rate', 'increase', 'sum', 'count'].includes(aggregation)
}

export function metricsData(answer: MetricsAnswer, panel: Pick<DashboardPanel, 'queries' | 'formulas' | 'options'>, asked: readonly DashboardQuery[], nowMs: number): SeriesData {
  const alone = answer.results.length === 1
  const series = answer.results.flatMap((result) => {
    const query = asked.find((one) => one.name === result.name)
    return result.series.map((one) => {
      const labels = one.labels
      const service = query?.query === undefined ? null : serviceConditions(query.query)
      const spans = query === undefined ? null : spansOfLabels(labels, query.metric ?? '')
      const q = spans === null ? null : service === null || labels['service.name'] !== undefined ? spans : spans === '{}' ? `{ ${service} }` : `{ ${service} && ${spans.slice(2)}`
      return { name: nameOf(query ?? { name: result.name }, labels, alone), values: one.values, labels, behind: q === null || q === '{}' ? null : ({ signal: 'traces', q } as const) }
    })
  })
  const units = new Set(answer.results.filter((result) => result.series.length > 0).map((result) => result.result_unit))
  const unit = units.size === 1 ? ([...units][0] ?? '') : ''
  const addsUp = answer.results.every((result) => {
    const query = asked.find((one) => one.name === result.name)
    return query === undefined || result.type === undefined ? result.result_unit.endsWith('/s') : addsUpOf(query, result.type)
  })
  const data = seriesData(answer, unit, panel.options, addsUp, series, answer.results.reduce((sum, result) => sum + result.series_total, 0), nowMs)
  const leftOut = answer.results.flatMap((result) => result.limited ?? []).filter((one) => one.is_left_out)
  return leftOut.length > 0 ? { ...data, leftOut } : data
}

// ---- spans

function spanUnit(q: string): string {
  if (/\)\s*\//.test(q)) return /\*\s*100\s*$/.test(q) ? '%' : '1'
  if (/_over_time\s*\(\s*(?:span:)?duration\b/.test(q)) return 's'
  return /\brate\s*\(/.test(q) ? '{span}/s' : ''
}

function labelWords({ field, literal }: { field: string; literal: string }): string {
  if (field === 'p') return `p${Math.round(Number(literal) * 1000) / 10}`
  if (literal === 'nil') return `no ${field.replace(/^(?:span|resource)\./, '')}`
  return unquoted(literal) ?? literal
}

export function spanSeriesData(parts: readonly { answer: SpanSeries; query: DashboardQuery; q: string }[], options: PanelOptions | undefined, nowMs: number): SeriesData {
  const alone = parts.length === 1
  const series = parts.flatMap(({ answer, query, q }) =>
    answer.series.map((one) => {
      const labels = Object.fromEntries(one.labels.map((label) => [label.field, labelWords(label)]))
      const spans = spansOf(q)
      const behind = one.labels
        .filter(({ field }) => field !== 'p' && !field.startsWith('__'))
        .reduce<string | null>((text, { field, literal }) => (text === null ? null : withCondition(text, { field, operator: '=', value: literal })), spans)
      return { name: nameOf({ ...query, metric: query.legend ?? 'Spans' }, labels, alone), values: one.values, labels, behind: behind === null ? null : ({ signal: 'traces', q: behind } as const) }
    }),
  )
  const units = new Set(parts.map(({ q }) => spanUnit(q)))
  const addsUp = parts.every(({ q }) => /\|\s*(rate|count_over_time|sum_over_time)\s*\(/.test(q) && !/\)\s*\//.test(q))
  const grid = parts[0]?.answer ?? { from_unix_nano: '0', to_unix_nano: '0', step_seconds: 1 }
  const data = seriesData(grid, units.size === 1 ? ([...units][0] ?? '') : '', options, addsUp, series, series.length, nowMs)
  return { ...data, cut: parts.some(({ answer }) => answer.is_cut), approximate: parts.some(({ answer }) => answer.one_in > 1) }
}

function literalCell(literal: string): string {
  return literal === 'nil' ? '–' : (unquoted(literal) ?? literal) || 'unnamed'
}

function groupBehind(signal: Behind['signal'], q: string, fields: readonly string[], literals: readonly string[]): Behind | null {
  const text = literals.reduce<string | null>((text, value, i) => (text === null ? null : withCondition(text, { field: fields[i] ?? '', operator: '=', value })), q.trim() === '' ? '{}' : q)
  return text === null ? null : { signal, q: text }
}

const plain = (field: string) => field.replace(/^(?:span|resource|log|event)\./, '')

export function spanGroupsData(answer: SpanGroups, q: string): TableData {
  const count = valueFormat('1').format
  const duration = (value: number) => valueFormat('ns').format(value)
  return {
    kind: 'table',
    columns: [
      ...answer.fields.map((field) => ({ label: plain(field), format: null })),
      { label: 'Spans', format: count },
      { label: 'Errors', format: count },
      { label: 'p50', format: duration },
      { label: 'p95', format: duration },
      { label: 'p99', format: duration },
    ],
    rows: answer.groups.map((group) => ({
      cells: [...group.literals.map(literalCell), group.spans, group.errors, group.p50_nano, group.p95_nano, group.p99_nano],
      behind: groupBehind('traces', q, answer.fields, group.literals),
    })),
    total: answer.group_count,
    approximate: answer.one_in > 1,
  }
}

// Columns of a list of traces.
export const TRACE_COLUMNS: readonly string[] = ['time', 'service', 'name', 'status', 'spans', 'errors', 'services', 'duration', 'trace:id']

export function traceCell(trace: TraceSummary, column: string): string | null {
  switch (column) {
    case 'service':
      return trace.root_service
    case 'name':
      return trace.root_name
    case 'status':
      return trace.root_status
    case 'spans':
      return trace.span_count.toLocaleString('en-US')
    case 'errors':
      return trace.error_count.toLocaleString('en-US')
    case 'services':
      return trace.services.join(', ')
    case 'trace:id':
      return trace.trace_id
    default:
      return null
  }
}

// ---- log records

// Columns of a list of log records that are no fields of the language.
export const LOG_COLUMNS: readonly string[] = ['time', 'severity', 'service', 'body']
const SEVERITY_COLORS: Record<string, string> = { fatal: '--error', error: '--error-mark', warn: '--warn-mark', info: '--control-line', debug: '--line-strong', trace: '--line-strong', unset: '--series-9' }

export function logVolumeData(answer: LogVolume, q: string, options: PanelOptions | undefined, nowMs: number): SeriesData {
  const data = seriesData(
    answer,
    '{record}',
    options,
    true,
    answer.series.map(({ severity, counts }) => {
      const text = withCondition(q.trim() === '' ? '{}' : q, { field: 'severity', operator: '=', value: severity })
      return { name: severity, values: counts, labels: { severity }, behind: text === null ? null : { signal: 'logs', q: text } }
    }),
    answer.series.length,
    nowMs,
  )
  return { ...data, series: data.series.map((one) => ({ ...one, color: SEVERITY_COLORS[one.name] ?? one.color })) }
}

export function logGroupsData(answer: LogGroups, q: string): TableData {
  const count = valueFormat('1').format
  return {
    kind: 'table',
    columns: [...answer.fields.map((field) => ({ label: plain(field), format: null })), { label: 'Records', format: count }, { label: 'Errors', format: count }],
    rows: answer.groups.map((group) => ({
      cells: [...group.literals.map(literalCell), group.records, group.errors],
      behind: groupBehind('logs', q, answer.fields, group.literals),
    })),
    total: answer.group_count,
    approximate: answer.one_in > 1,
  }
}

// ---- SQL

export interface SqlAnswer {
  meta: { name: string; type: string }[]
  data: unknown[][]
  rows: number
}

const isTime = (type: string) => /^(?:LowCardinality\(|Nullable\()*Date/.test(type)
const SQL_STEPS_MAX = 11_000
const isNumber = (type: string) => /^(?:Nullable\()?(?:U?Int|Float|Decimal)/.test(type)

// A time in the first column makes series over time: numbers of the other columns, by the texts beside them.
export function sqlData(answer: SqlAnswer, options: PanelOptions | undefined, range: { fromMs: number; toMs: number }, nowMs: number): SeriesData | TableData {
  const { meta, data } = answer
  const numbers = meta.map((column, i) => ({ ...column, i })).filter(({ type }) => isNumber(type))
  if (meta.length > 1 && isTime(meta[0]!.type) && numbers.length > 0) return sqlSeries(answer, numbers, options, range, nowMs)
  const format = formatOf('1', options, [])
  return {
    kind: 'table',
    columns: meta.map(({ name, type }) => ({ label: name, format: isNumber(type) ? format.format : null })),
    rows: data.map((row) => ({ cells: row.map((cell, i) => (isNumber(meta[i]?.type ?? '') ? numberOf(cell) : cell === null ? null : typeof cell === 'object' ? JSON.stringify(cell) : String(cell as string | number | boolean))), behind: null })),
    total: answer.rows,
    approximate: false,
  }
}

// 64-bit numbers come as texts.
function numberOf(cell: unknown): number | null {
  const value = typeof cell === 'number' ? cell : typeof cell === 'string' && cell !== '' ? Number(cell) : NaN
  return Number.isFinite(value) ? value : null
}

// "2026-11-27 18:00:00" in the zone of its column, or a day. Columns without a zone are in UTC, which is the server's.
function timeOf(cell: unknown, zone: string): number {
  const text = String(cell)
  if (text.includes(':') && /[zZ]|[+-]\d\d:?\d\d$/.test(text)) return Date.parse(text.replace(' ', 'T'))
  const utc = Date.parse(text.includes(':') ? `${text.replace(' ', 'T')}Z` : text)
  return zone === '' ? utc : utc - offsetOf(utc - offsetOf(utc, zone), zone)
}

// "DateTime64(9, 'Europe/Berlin')" -> "Europe/Berlin".
function zoneOf(type: string): string {
  const zone = /^(?:LowCardinality\(|Nullable\()*DateTime(?:64)?\((?:\d+, )?'([^']+)'\)/.exec(type)?.[1] ?? ''
  return zone === 'UTC' ? '' : zone
}

// What the clocks of a zone are ahead of UTC, in milliseconds; 0 of one that the browser does not know.
function offsetOf(utcMs: number, zone: string): number {
  if (!Number.isFinite(utcMs)) return 0
  let clock = clocks.get(zone)
  if (clock === undefined) {
    try {
      clock = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
    } catch {
      clock = null
    }
    clocks.set(zone, clock)
  }
  if (clock === null) return 0
  const parts = Object.fromEntries(clock.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]))
  return Date.UTC(parts.year!, parts.month! - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.floor(utcMs / 1000) * 1000
}
const clocks = new Map<string, Intl.DateTimeFormat | null>()

// The steps of the panel's range, as other panels have them, so that times stand below each other; those of the rows where they do
// not lie in it, or are too fine for it.
function sqlSteps(times: readonly number[], stepMs: number, range: { fromMs: number; toMs: number }): { fromMs: number; steps: number } {
  const [first, last] = [times[0], times.at(-1)]
  if (first === undefined || last === undefined) return { fromMs: range.fromMs, steps: 0 }
  const before = first >= range.toMs ? 0 : Math.max(0, Math.floor((first - range.fromMs) / stepMs))
  const fromMs = first - before * stepMs
  const steps = Math.max(Math.round((last - fromMs) / stepMs) + 1, Math.ceil((range.toMs - fromMs) / stepMs))
  if (steps <= SQL_STEPS_MAX) return { fromMs, steps }
  return { fromMs: first, steps: Math.min(SQL_STEPS_MAX, Math.round((last - first) / stepMs) + 1) }
}

function sqlSeries(answer: SqlAnswer, numbers: { name: string; i: number }[], options: PanelOptions | undefined, range: { fromMs: number; toMs: number }, nowMs: number): SeriesData {
  const texts = answer.meta.map((column, i) => ({ ...column, i })).filter(({ type, i }) => i > 0 && !isNumber(type))
  const zone = zoneOf(answer.meta[0]!.type)
  const known = new Map<unknown, number>() // rows of one time are many
  const timeAt = (cell: unknown): number => {
    let time = known.get(cell)
    if (time === undefined) known.set(cell, (time = timeOf(cell, zone)))
    return time
  }
  const times = [...new Set(answer.data.map((row) => timeAt(row[0])))].filter(Number.isFinite).sort((a, b) => a - b)
  const gaps = times.slice(1).map((time, i) => time - times[i]!)
  const stepMs = Math.max(1000, extentOf(gaps)?.[0] ?? 60_000)
  const { fromMs, steps } = sqlSteps(times, stepMs, range)
  const byName = new Map<string, { labels: Record<string, string>; values: Value[] }>()
  for (const row of answer.data) {
    const labels = Object.fromEntries(texts.map(({ name, i }) => [name, String(row[i])]))
    const step = Math.round((timeAt(row[0]) - fromMs) / stepMs)
    for (const { name, i } of numbers) {
      const words = [...Object.values(labels), ...(numbers.length > 1 || texts.length === 0 ? [name] : [])].join(' · ')
      const series = byName.get(words) ?? { labels, values: new Array<Value>(steps).fill(null) }
      byName.set(words, series)
      if (step >= 0 && step < steps) series.values[step] = numberOf(row[i])
    }
  }
  const nano = (ms: number) => `${Math.round(ms)}000000`
  const grid = { from_unix_nano: nano(fromMs), to_unix_nano: nano(fromMs + steps * stepMs), step_seconds: stepMs / 1000 }
  return seriesData(grid, '', options, false, [...byName].map(([name, one]) => ({ name, ...one, behind: null })), byName.size, nowMs)
}

// ---- from one form to another

export type Reduction = NonNullable<PanelOptions['reduce']>

// One figure of a series; the last one is the last step that is over.
export function reduced(series: Pick<PanelSeries, 'values' | 'figures'>, by: Reduction, unfinished: number): number | null {
  if (by !== 'last' && by !== 'sum') return series.figures[by]
  if (by === 'sum') {
    const numbers = series.values.filter((value): value is number => value !== null)
    return numbers.length === 0 ? null : numbers.reduce((sum, value) => sum + value, 0)
  }
  const over = series.values.slice(0, Math.max(1, unfinished))
  for (let i = over.length - 1; i >= 0; i--) if (over[i] !== null && over[i] !== undefined) return over[i]!
  return null
}

export interface Bar {
  name: string
  value: number
  color: string
  behind: Behind | null
  label?: string // where the name is too long
}

// The parts of bars and pies. Of a table the first column of numbers counts.
export function barsOf(data: SeriesData | TableData, by: Reduction): { bars: Bar[]; format: (value: number) => string } {
  if (data.kind === 'series') {
    const bars = data.series.flatMap(({ name, color, behind, ...one }) => {
      const value = reduced(one, by, data.unfinished)
      return value === null ? [] : [{ name, value, color, behind }]
    })
    return { bars: bars.sort((a, b) => b.value - a.value), format: data.format.format }
  }
  const at = data.columns.findIndex((column) => column.format !== null)
  if (at < 0) return { bars: [], format: String }
  const words = data.rows.map((row) => row.cells.slice(0, at).join(' · ') || 'all')
  const services = at === 1 && ['service.name', 'ServiceName'].includes(data.columns[0]?.label ?? '')
  const places = services ? words.map(seriesIndex) : seriesIndexes(words)
  const bars = data.rows.flatMap((row, i) => {
    const value = row.cells[at]
    return typeof value === 'number' ? [{ name: words[i]!, value, color: `--series-${places[i] ?? 0}`, behind: row.behind }] : []
  })
  return { bars: named(bars).sort((a, b) => b.value - a.value), format: data.columns[at]?.format ?? String }
}

// Series as a table of their figures.
export function tableOf(data: SeriesData): TableData {
  const keys = [...new Set(data.series.flatMap((one) => Object.keys(one.labels)))]
  const format = data.format.format
  const named = keys.length === 0 || data.series.some((one) => Object.keys(one.labels).length < keys.length)
  return {
    kind: 'table',
    columns: [
      ...(named ? [{ label: 'Series', format: null }] : keys.map((key) => ({ label: plain(key), format: null }))),
      ...['Last', 'Avg', 'Min', 'Max'].map((label) => ({ label, format })),
    ],
    rows: data.series.map((one) => ({
      cells: [...(named ? [one.name] : keys.map((key) => one.labels[key] ?? null)), reduced(one, 'last', data.unfinished), one.figures.avg, one.figures.min, one.figures.max],
      behind: one.behind,
    })),
    total: data.total,
    approximate: data.approximate,
  }
}

function leftOutWords(leftOut: readonly LimitedSeries[]): string {
  const words = leftOut.map(({ service, attribute }) => [attribute, service || 'unnamed'].filter(Boolean).join(' of '))
  return [...new Set(words)].join(', ')
}

// What an answer leaves out, and what it is estimated from; "": nothing.
export function noteOf(data: PanelData): string {
  const count = (value: number) => value.toLocaleString('en-US')
  const notes: string[] = []
  if (data.kind === 'series' && data.total > data.series.length) notes.push(`${count(data.series.length)} of ${count(data.total)} series`)
  else if (data.kind === 'series' && data.cut) notes.push(`The ${count(data.series.length)} series with the most spans; there are more`)
  if (data.kind === 'series' && data.leftOut) notes.push(`Without the series beyond the limit: ${leftOutWords(data.leftOut)}`)
  if (data.kind === 'table' && data.total > data.rows.length) notes.push(`${count(data.rows.length)} of ${count(data.total)} rows`)
  if (data.kind === 'traces' && data.cut) notes.push(`The newest ${count(data.traces.length)} traces; there are more`)
  if (data.kind === 'logs' && data.cut) notes.push(`The newest ${count(data.logs.length)} records; there are more`)
  if ((data.kind === 'series' || data.kind === 'table') && data.approximate) notes.push('≈ estimated from a sample')
  return notes.join(' · ')
}

// How often values lie in each of `count` equal ranges.
export function histogramOf(data: SeriesData, count = 10): { from: number; to: number; count: number }[] {
  const numbers = data.series.flatMap((one) => one.values.filter((value): value is number => value !== null))
  const extent = extentOf(numbers)
  if (extent === null) return []
  const [low, high] = extent
  const width = high > low ? (high - low) / count : 1
  const bars = Array.from({ length: high > low ? count : 1 }, (_, i) => ({ from: low + i * width, to: low + (i + 1) * width, count: 0 }))
  for (const value of numbers) bars[Math.min(bars.length - 1, Math.floor((value - low) / width))]!.count++
  return bars
}

// "": none of the thresholds is reached.
export function levelOf(value: number | null, thresholds: PanelOptions['thresholds']): 'ok' | 'warning' | 'error' | '' {
  const reached = [...(thresholds ?? [])].sort((a, b) => a.value - b.value).filter((one) => value !== null && value >= one.value)
  return reached.at(-1)?.level ?? ''
}

export function makesSeries(query: Pick<DashboardQuery, 'source' | 'query' | 'group_by'>): boolean {
  if (query.source === 'traceql') return isMetrics(query.query ?? '')
  if (query.source === 'logs') return (query.group_by ?? []).length === 0
  return query.source === 'metrics'
}
