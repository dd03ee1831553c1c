// What the log screens show of records: rows, the token that names one in a URL, the bars of the volume. The API's answers
// in, what is drawn out; knows no DOM.
import { oneLine, withSets, type LogWithSets } from '../../api/log_fields'
import type { LogList, LogRecord, LogVolume, Scanned } from '../../api/types'
import { exceptionOf, valueLine } from '../../base/attribute_value'
import { toJson } from '../../base/exact_json'
import { fieldsOf } from '../../base/filters'
import { hashText } from '../../base/hash'
import { nanoToMs } from '../../base/time'
import { bodyText, logKey, type VolumeSeverity } from './logs_query'

export interface LogItem extends LogWithSets {
  token: string
}

export function itemsOf(list: Pick<LogList, 'logs' | 'attribute_sets'>): LogItem[] {
  return withSets(list.logs, list.attribute_sets).map((record) => ({ ...record, token: tokenOf(record) }))
}

// Names a record in a URL: its time, which finds it again, and a hash, which tells it from others of that time.
export function tokenOf(record: LogRecord): string {
  return `${record.time_unix_nano}-${hashText(logKey(record)).toString(36)}`
}

export function timeOfToken(token: string): string | null {
  return /^([0-9]{1,19})-[0-9a-z]{1,7}$/.exec(token)?.[1] ?? null
}

// A key for each row: equal records, which nothing tells apart, are numbered.
export function rowKeys(items: readonly { token: string }[]): string[] {
  const seen = new Map<string, number>()
  return items.map(({ token }) => {
    const count = seen.get(token) ?? 0
    seen.set(token, count + 1)
    return count === 0 ? token : `${token}#${count}`
  })
}

export function addScanned(a: Scanned, b: Scanned): Scanned {
  return { rows: a.rows + b.rows, bytes: a.bytes + b.bytes, elapsed_seconds: a.elapsed_seconds + b.elapsed_seconds }
}

// ---- a row

const LINE_LENGTH_MAX = 1500
const LEAD_LENGTH = 60 // what stands before the searched text, where that is far behind

const TERMINAL_COLOURS = /\x1b\[[0-9;]*m/g

// What a record says; its exception or its event's name where it has no body.
export function messageOf(record: LogRecord): string {
  const body = bodyText(record.body).replace(TERMINAL_COLOURS, '')
  if (body !== '') return body
  const exception = exceptionOf(record.attributes)
  if (exception !== null) return [exception.type, exception.message].filter(Boolean).join(': ')
  return record.event_name
}

// At most so much of a text as a row can show, with the searched text in it.
export function excerpt(text: string, needle: string): string {
  const place = needle === '' ? -1 : text.toLowerCase().indexOf(needle.toLowerCase())
  const start = place > LINE_LENGTH_MAX / 10 ? place - LEAD_LENGTH : 0
  const end = start + LINE_LENGTH_MAX
  return (start > 0 ? '…' : '') + text.slice(start, end) + (end < text.length ? '…' : '')
}

const SHOWN_ATTRIBUTES = 4
const VALUE_LENGTH_MAX = 60
const EXCEPTION_LENGTH_MAX = 200
// Shown elsewhere or of no use at a glance.
const QUIET = /^(exception\.|code\.|thread\.|telemetry\.|log\.(file|record)\.)/

export interface Pair {
  key: string
  value: string
}

// The exception comes first, where the body does not say it already.
export function firstAttributes(record: LogRecord): Pair[] {
  const pairs = otherAttributes(record)
  const exception = exceptionOf(record.attributes)
  const body = bodyText(record.body)
  if (exception === null || body === '' || (exception.message !== '' && body.includes(exception.message))) return pairs
  const value = oneLine([exception.type, exception.message].filter(Boolean).join(': ')).slice(0, EXCEPTION_LENGTH_MAX)
  return value === '' ? pairs : [{ key: 'exception', value }, ...pairs]
}

function otherAttributes(record: LogRecord): Pair[] {
  return Object.entries(record.attributes)
    .filter(([key]) => !QUIET.test(key))
    .slice(0, SHOWN_ATTRIBUTES)
    .map(([key, value]) => {
      const text = oneLine(valueLine(value))
      return { key, value: text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text }
    })
}

// ---- columns of one's choice

export const COLUMNS_MAX = 6
export const LOG_FIELDS: readonly string[] = ['eventName', 'severityText', 'trace:id', 'span:id', 'instrumentation:name']

export function readColumns(params: URLSearchParams): string[] {
  return fieldsOf(params, 'col', COLUMNS_MAX)
}

// ---- the volume

// The severest lie lowest in the stack: they share a base line, so that few of them among many others are seen.
export const STACK_ORDER: readonly VolumeSeverity[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'unset']

export const SEVERITY_COLORS: Record<VolumeSeverity, string> = {
  fatal: '--error',
  error: '--error-mark',
  warn: '--warn-mark',
  info: '--control-line',
  debug: '--line-strong',
  trace: '--line-strong',
  unset: '--series-9',
}

export interface VolumeSeries {
  severity: VolumeSeverity
  counts: number[]
  total: number
}

export function volumeSeries(volume: LogVolume): VolumeSeries[] {
  return STACK_ORDER.flatMap((severity) => {
    const found = volume.series.find((series) => series.severity === severity)
    if (found === undefined) return []
    return [{ severity, counts: found.counts, total: found.counts.reduce((sum, count) => sum + count, 0) }]
  })
}

// The limits of one bar in milliseconds.
export function barBounds(volume: LogVolume, step: number): { fromMs: number; toMs: number } {
  const fromMs = nanoToMs(volume.from_unix_nano) + step * volume.step_seconds * 1000
  return { fromMs, toMs: fromMs + volume.step_seconds * 1000 }
}

// ---- a record to copy

// One object with all that is known of a record, as text.
export function recordJson(item: LogItem): string {
  const { resourceSet, scopeSet, token: _, ...record } = item
  const scope = { name: record.scope.name, version: record.scope.version, ...(scopeSet && { attributes: scopeSet.attributes }) }
  return toJson({ ...record, resource: resourceSet?.attributes ?? {}, scope }, 2)
}
