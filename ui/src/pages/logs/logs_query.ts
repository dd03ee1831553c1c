// The filters of the log list between URL and API, and what a line shows of a record. URLSearchParams and records in,
// queries and text out; knows no DOM.
import { toJson } from '../../base/exact_json'
import { isAttributeFilter, orNull, type UrlChange } from '../../base/filters'
import { isTraceId } from '../../base/ids'
import { serviceLabel, serviceOfParam } from '../../base/routes'
import { attributeCondition, queryOf, quoted, type Condition } from '../../base/traceql'

export const SEVERITIES = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type Severity = (typeof SEVERITIES)[number]
export type VolumeSeverity = Severity | 'unset'

export interface LogFilters {
  service: string // as of serviceParam, here and below; "": any
  severity: Severity | ''
  text: string
  attributes: string[]
  query: string // TraceQL that the record must meet too; "": none
  traceId: string
  spanId: string
  instance: string // id of a resource: what its instance wrote; "": any
  sort: 'newest' | 'oldest'
}

export const NO_LOG_FILTERS: LogFilters = {
  service: '',
  severity: '',
  text: '',
  attributes: [],
  query: '',
  traceId: '',
  spanId: '',
  instance: '',
  sort: 'newest',
}

export function readLogFilters(params: URLSearchParams): LogFilters {
  const severity = params.get('severity') ?? ''
  const traceId = (params.get('trace_id') ?? '').toLowerCase()
  const spanId = (params.get('span_id') ?? '').toLowerCase()
  return {
    service: params.get('service') ?? '',
    severity: (SEVERITIES as readonly string[]).includes(severity) ? (severity as Severity) : '',
    text: params.get('text') ?? '',
    attributes: params.getAll('attribute').filter(isAttributeFilter),
    query: params.get('q')?.trim() ?? '',
    traceId: isTraceId(traceId) ? traceId : '',
    spanId: /^[0-9a-f]{16}$/.test(spanId) ? spanId : '',
    instance: /^[0-9a-f]{1,64}$/.exec(params.get('instance') ?? '')?.[0] ?? '',
    sort: params.get('sort') === 'oldest' ? 'oldest' : 'newest',
  }
}

export interface LogQuery {
  service?: string
  severity?: Severity
  text?: string
  attribute?: string[]
  q?: string
  trace_id?: string
  span_id?: string
  instance_of?: string
}

export function logQuery(filters: LogFilters): LogQuery {
  return {
    ...(filters.service !== '' && { service: serviceOfParam(filters.service) }),
    ...(filters.severity !== '' && { severity: filters.severity }),
    ...(filters.text !== '' && { text: filters.text }),
    ...(filters.attributes.length > 0 && { attribute: filters.attributes }),
    ...(filters.query !== '' && { q: filters.query }),
    ...(filters.traceId !== '' && { trace_id: filters.traceId }),
    ...(filters.spanId !== '' && { span_id: filters.spanId }),
    ...(filters.instance !== '' && { instance_of: filters.instance }),
  }
}

// The filters and the query as one query: what facets are asked of.
export function facetQuery(filters: LogFilters): string {
  const conditions: Condition[] = []
  if (filters.service !== '') conditions.push({ field: 'resource.service.name', operator: '=', value: quoted(serviceOfParam(filters.service)) })
  if (filters.severity !== '') conditions.push({ field: 'severity', operator: '>=', value: filters.severity })
  if (filters.traceId !== '') conditions.push({ field: 'trace:id', operator: '=', value: quoted(filters.traceId) })
  if (filters.spanId !== '') conditions.push({ field: 'span:id', operator: '=', value: quoted(filters.spanId) })
  for (const attribute of filters.attributes) conditions.push(attributeCondition(attribute))
  const parts = [
    ...(filters.query === '' ? [] : [filters.query]), // first: terms are read from left to right
    ...(filters.text === '' ? [] : [quoted(filters.text)]),
    ...(conditions.length === 0 ? [] : [queryOf(conditions)]),
  ]
  return parts.join(' ')
}

export function logUrlChange(change: Partial<LogFilters>): UrlChange {
  const url: UrlChange = {}
  if (change.service !== undefined) url.service = orNull(change.service)
  if (change.severity !== undefined) url.severity = orNull(change.severity)
  if (change.text !== undefined) url.text = orNull(change.text)
  if (change.attributes !== undefined) url.attribute = change.attributes.length > 0 ? change.attributes : null
  if (change.query !== undefined) url.q = orNull(change.query)
  if (change.traceId !== undefined) url.trace_id = orNull(change.traceId)
  if (change.spanId !== undefined) url.span_id = orNull(change.spanId)
  if (change.instance !== undefined) url.instance = orNull(change.instance)
  if (change.sort !== undefined) url.sort = change.sort === 'newest' ? null : change.sort
  return url
}

export interface ActiveLogFilter {
  label: string
  drop: Partial<LogFilters>
}

export function activeLogFilters(filters: LogFilters): ActiveLogFilter[] {
  const active: ActiveLogFilter[] = []
  if (filters.text !== '') active.push({ label: `text “${filters.text}”`, drop: { text: '' } })
  if (filters.service !== '') active.push({ label: `service ${serviceLabel(filters.service)}`, drop: { service: '' } })
  if (filters.query !== '') active.push({ label: filters.query, drop: { query: '' } })
  if (filters.severity !== '') active.push({ label: `${filters.severity} and above`, drop: { severity: '' } })
  if (filters.traceId !== '')
    active.push({ label: `trace ${filters.traceId.slice(0, 8)}`, drop: { traceId: '', spanId: '' } })
  if (filters.spanId !== '') active.push({ label: `span ${filters.spanId.slice(0, 8)}`, drop: { spanId: '' } })
  if (filters.instance !== '') active.push({ label: 'the same instance', drop: { instance: '' } })
  for (const attribute of filters.attributes) {
    active.push({ label: attribute, drop: { attributes: filters.attributes.filter((other) => other !== attribute) } })
  }
  return active
}

// OpenTelemetry's ranges of severity numbers; 0 is not set.
export function severityOf(number: number): VolumeSeverity {
  if (number <= 0) return 'unset'
  return SEVERITIES[Math.min(5, Math.floor((number - 1) / 4))] ?? 'unset'
}

// A body as one line: strings as they are, everything else as JSON.
export function bodyText(body: unknown): string {
  if (typeof body === 'string') return body
  if (body === null || body === undefined) return ''
  return toJson(body)
}

export interface Piece {
  text: string
  hit: boolean
}

// Where the searched text stands, without regard to case, as the search finds it.
export function highlight(text: string, needle: string): Piece[] {
  if (needle === '') return [{ text, hit: false }]
  const pieces: Piece[] = []
  const haystack = text.toLowerCase()
  const wanted = needle.toLowerCase()
  // Lower case may change the length of a text ("İ"): then places do not match, and nothing is marked.
  if (haystack.length !== text.length) return [{ text, hit: false }]
  let at = 0
  for (;;) {
    const found = haystack.indexOf(wanted, at)
    if (found < 0) break
    if (found > at) pieces.push({ text: text.slice(at, found), hit: false })
    pieces.push({ text: text.slice(found, found + wanted.length), hit: true })
    at = found + wanted.length
  }
  if (at < text.length || pieces.length === 0) pieces.push({ text: text.slice(at), hit: false })
  return pieces
}

const AROUND_NANOS = 60_000_000_000n
const INSTANCE_NANOS = 86_400_000_000_000n

// The minute before and after a record, of its service: everything else that narrows is dropped.
export function aroundUrlChange(timeUnixNano: string, service: string): UrlChange {
  return aroundChange(timeUnixNano, AROUND_NANOS, { service })
}

// What the record's instance wrote before and after it, within a day.
export function surroundingUrlChange(timeUnixNano: string, resource: string): UrlChange {
  return aroundChange(timeUnixNano, INSTANCE_NANOS, { instance: resource })
}

function aroundChange(timeUnixNano: string, reach: bigint, filters: Partial<LogFilters>): UrlChange {
  const time = BigInt(timeUnixNano)
  const from = time > reach ? time - reach : 0n
  return {
    from: String(from),
    to: String(time + reach),
    last: null,
    ...logUrlChange({ ...NO_LOG_FILTERS, ...filters, sort: 'oldest' }),
    around: timeUnixNano,
  }
}

// The record that the list is to be seen around: while the range holds it and the list is in the order of time.
export function readAround(params: URLSearchParams, filters: LogFilters): string {
  const [around, from, to] = ['around', 'from', 'to'].map((key) => params.get(key) ?? '')
  if (![around, from, to].every((text) => /^[0-9]{1,19}$/.test(text ?? '')) || filters.sort !== 'oldest') return ''
  const [time, first, end] = [BigInt(around ?? 0), BigInt(from ?? 0), BigInt(to ?? 0)]
  return time >= first && time < end ? (around ?? '') : ''
}

// Records have no id: time, ids and body tell them apart. Equal ones are counted apart by the caller.
export function logKey(record: {
  time_unix_nano: string
  service: string
  trace_id: string
  span_id: string
  body: unknown
}): string {
  return `${record.time_unix_nano}|${record.service}|${record.trace_id}|${record.span_id}|${bodyText(record.body)}`
}

// What of `fresh` (newest first) is not yet at the head of `known` (newest first). Equal records count as often as they
// occur. Null: they do not overlap, there is more between them.
export function freshOnly<T extends Parameters<typeof logKey>[0]>(
  known: readonly T[],
  fresh: readonly T[],
): T[] | null {
  if (known.length === 0) return [...fresh]
  const counts = new Map<string, number>()
  for (const record of known.slice(0, fresh.length + 1000)) {
    const key = logKey(record)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  let overlap = false
  const added = fresh.filter((record) => {
    const key = logKey(record)
    const count = counts.get(key) ?? 0
    if (count === 0) return true
    counts.set(key, count - 1)
    overlap = true
    return false
  })
  return overlap ? added : null
}
