// Times and ranges. The API's times are Unix nanoseconds as digits; here they are such strings where they must be exact,
// and milliseconds as numbers (good to a quarter of a microsecond) where they are drawn or shown.

export type Zone = 'browser' | 'utc'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

// ---- nanoseconds

export function nanoToMs(nano: string): number {
  if (nano.length <= 6) return Number(nano) / 1e6
  return Number(nano.slice(0, -6)) + Number(nano.slice(-6)) / 1e6
}

export function msToNano(ms: number): string {
  const whole = Math.floor(ms)
  const rest = Math.round((ms - whole) * 1e6)
  return (BigInt(whole) * 1_000_000n + BigInt(rest)).toString()
}

// b - a in nanoseconds, exact up to 104 days.
export function nanoBetween(a: string, b: string): number {
  return Number(BigInt(b) - BigInt(a))
}

// ---- ranges

// Relative: `last` is what the API takes, such as 15m. Absolute: [from, to) in nanoseconds.
export type TimeRange = { kind: 'last'; last: string } | { kind: 'absolute'; from: string; to: string }

export const DEFAULT_LAST = '1h'
export const PRESETS = ['5m', '15m', '1h', '3h', '6h', '12h', '24h', '2d', '7d', '30d'] as const

const UNITS: Record<string, number> = {
  s: SECOND, sec: SECOND, secs: SECOND, second: SECOND, seconds: SECOND,
  m: MINUTE, min: MINUTE, mins: MINUTE, minute: MINUTE, minutes: MINUTE,
  h: HOUR, hr: HOUR, hrs: HOUR, hour: HOUR, hours: HOUR,
  d: DAY, day: DAY, days: DAY,
  w: 7 * DAY, week: 7 * DAY, weeks: 7 * DAY,
} // prettier-ignore

const SPELLED: [number, string, string][] = [
  [DAY, 'd', 'day'],
  [HOUR, 'h', 'hour'],
  [MINUTE, 'm', 'minute'],
  [SECOND, 's', 'second'],
]

// 15m, 1h30m, 90 min, 2 days -> milliseconds.
export function parseSpan(text: string): number | null {
  const parts = [...text.trim().toLowerCase().matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)\s*/g)]
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trim().toLowerCase()) return null
  let total = 0
  for (const [, count, unit] of parts) {
    const factor = UNITS[unit ?? '']
    if (factor === undefined) return null
    total += Number(count) * factor
  }
  return total > 0 && total <= 3650 * DAY ? total : null
}

// The API's way to write a span: one whole number and one unit.
export function spanToText(ms: number): string {
  for (const [factor, letter] of SPELLED) if (ms >= factor && ms % factor === 0) return `${ms / factor}${letter}`
  return `${Math.max(1, Math.round(ms / SECOND))}s`
}

export function describeSpan(ms: number): string {
  for (const [factor, , word] of SPELLED) {
    if (ms < factor || ms % factor !== 0) continue
    const count = ms / factor
    return count === 1 ? word : `${count} ${word}s`
  }
  return spanToText(ms)
}

export function describeLast(last: string): string {
  const ms = parseSpan(last)
  return ms === null ? last : `Last ${describeSpan(ms)}`
}

const WIDER = ['5m', '15m', '1h', '6h', '24h', '7d', '30d'] as const
const WIDER_MOST = 3

// The next wider ranges, to offer where nothing was found in this one.
export function widerRanges(spanMs: number): string[] {
  return WIDER.filter((last) => (parseSpan(last) ?? 0) > spanMs * 1.01).slice(0, WIDER_MOST)
}

export interface Bounds {
  fromMs: number
  toMs: number
}

export function resolve(range: TimeRange, nowMs: number): Bounds {
  if (range.kind === 'absolute') return { fromMs: nanoToMs(range.from), toMs: nanoToMs(range.to) }
  return { fromMs: nowMs - (parseSpan(range.last) ?? HOUR), toMs: nowMs }
}

export function absolute(fromMs: number, toMs: number): TimeRange {
  return { kind: 'absolute', from: msToNano(Math.max(0, fromMs)), to: msToNano(Math.max(1, toMs)) }
}

// ---- typed ranges

// What can be typed into the picker: "last 45m", "45 min", "today", "yesterday", "2026-11-22",
// "2026-11-22 10:00 to 11:00", "10:00 - 10:30", "10:00 to now", two Unix times. Null: not understood.
export function parseRange(text: string, nowMs: number, zone: Zone): TimeRange | null {
  const input = text.trim().replace(/\s+/g, ' ')
  const relative = parseSpan(input.replace(/^(the )?(last|past) /i, '').replace(/ ago$/i, ''))
  if (relative !== null) return { kind: 'last', last: spanToText(relative) }
  const unit = /^(?:the )?(?:last|past) ([a-z]+)$/i.exec(input)?.[1]?.toLowerCase()
  if (unit && UNITS[unit] !== undefined) return { kind: 'last', last: spanToText(UNITS[unit]) }

  const day = dayOf(input, nowMs, zone)
  if (day) return absolute(day.start, Math.min(day.end, Math.max(nowMs, day.start + MINUTE)))

  const sides = input.split(/ (?:to|until|till|-|–|—|\.\.) | ?(?:→|\.\.\.?) ?|(?<=\d{2}:\d{2}(?::\d{2})?)[-–—](?=\d{2}:)/i)
  if (sides.length !== 2) return null
  const from = instantOf(sides[0] ?? '', nowMs, zone, null)
  if (from === null) return null
  const to = instantOf(sides[1] ?? '', nowMs, zone, from)
  if (to === null) return null
  if (to <= from) return null
  return absolute(from, to)
}

function dayOf(text: string, nowMs: number, zone: Zone): { start: number; end: number } | null {
  const today = startOfDay(nowMs, zone)
  const word = text.toLowerCase()
  if (word === 'today') return { start: today, end: startOfDay(today + 36 * HOUR, zone) }
  if (word === 'yesterday') return { start: startOfDay(today - 12 * HOUR, zone), end: today }
  const date = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (!date) return null
  const start = fromParts(Number(date[1]), Number(date[2]), Number(date[3]), 0, 0, 0, 0, zone)
  return start === null ? null : { start, end: startOfDay(start + 36 * HOUR, zone) }
}

function startOfDay(ms: number, zone: Zone): number {
  const date = new Date(ms)
  return zone === 'utc'
    ? Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate())
    : new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
}

// `base`: the instant whose day a time alone belongs to; without one, today, or yesterday if that were ahead of now.
function instantOf(text: string, nowMs: number, zone: Zone, base: number | null): number | null {
  const input = text.trim()
  if (/^now$/i.test(input)) return nowMs
  const ago = /^(?:-\s*)?(.+?)(?: ago)?$/.exec(input)?.[1] ?? ''
  const span = parseSpan(ago)
  if (span !== null) return base !== null && !/ago|^-/.test(input) ? base + span : nowMs - span
  if (/^\d{10}$/.test(input)) return Number(input) * SECOND
  if (/^\d{13}$/.test(input)) return Number(input)
  if (/^\d{19}$/.test(input)) return nanoToMs(input)
  const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i.exec(input)
  if (iso) {
    const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', offset] = iso
    const millis = Number(`0.${fraction}`) * 1000
    const at = fromParts(Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second), millis, offset ? 'utc' : zone)
    return at === null || !offset ? at : at - offsetMs(offset)
  }
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/.exec(input)
  if (!clock) return null
  const [, hour, minute, second = '0', fraction = '0'] = clock
  if (Number(hour) > 24 || Number(minute) > 59 || Number(second) > 59) return null
  const since = Number(hour) * HOUR + Number(minute) * MINUTE + Number(second) * SECOND + Number(`0.${fraction}`) * 1000
  if (base !== null) {
    const at = startOfDay(base, zone) + since
    return at > base ? at : at + DAY // over midnight
  }
  const at = startOfDay(nowMs, zone) + since
  return at > nowMs ? at - DAY : at
}

function offsetMs(text: string): number {
  if (/^z$/i.test(text)) return 0
  const parts = /^([+-])(\d{2}):?(\d{2})$/.exec(text)
  return (parts?.[1] === '-' ? -1 : 1) * (Number(parts?.[2]) * HOUR + Number(parts?.[3]) * MINUTE)
}

function fromParts(year: number, month: number, day: number, hour: number, minute: number, second: number, millis: number, zone: Zone): number | null {
  const date =
    zone === 'utc'
      ? new Date(Date.UTC(year, month - 1, day, hour, minute, second, millis))
      : new Date(year, month - 1, day, hour, minute, second, millis)
  const [m, d] = zone === 'utc' ? [date.getUTCMonth(), date.getUTCDate()] : [date.getMonth(), date.getDate()]
  if (month < 1 || month > 12 || hour > 24 || minute > 59 || second > 59) return null
  return (m === month - 1 && d === day) || hour === 24 ? date.getTime() : null
}

// ---- showing

interface Parts {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  milli: number
}

function partsOf(ms: number, zone: Zone): Parts {
  const date = new Date(ms)
  const [year, month, day, hour, minute, second] =
    zone === 'utc'
      ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
      : [date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()]
  return { year, month: month + 1, day, hour, minute, second, milli: ((Math.floor(ms) % 1000) + 1000) % 1000 }
}

const two = (value: number) => String(value).padStart(2, '0')
const three = (value: number) => String(value).padStart(3, '0')

export function formatDate(ms: number, zone: Zone): string {
  const part = partsOf(ms, zone)
  return `${part.year}-${two(part.month)}-${two(part.day)}`
}

export type Precision = 'minute' | 'second' | 'milli' | 'micro' | 'nano'

// The time of day. micro and nano need the exact string.
export function formatClock(time: number | string, zone: Zone, precision: Precision = 'second'): string {
  const ms = typeof time === 'string' ? nanoToMs(time) : time
  const part = partsOf(ms, zone)
  let text = `${two(part.hour)}:${two(part.minute)}`
  if (precision === 'minute') return text
  text += `:${two(part.second)}`
  if (precision === 'second') return text
  if (precision === 'milli') return `${text}.${three(part.milli)}`
  const digits = (typeof time === 'string' ? time : msToNano(time)).slice(-9).padStart(9, '0')
  return `${text}.${precision === 'micro' ? digits.slice(0, 6) : digits}`
}

export function formatDateTime(time: number | string, zone: Zone, precision: Precision = 'second'): string {
  return `${formatDate(typeof time === 'string' ? nanoToMs(time) : time, zone)} ${formatClock(time, zone, precision)}`
}

const CLOCK_ALONE_MS = 20 * HOUR // until then the time of day says which day

// A moment that is not long ago, to the minute; with its date where it is.
export function formatMoment(ms: number, nowMs: number, zone: Zone): string {
  return nowMs - ms < CLOCK_ALONE_MS ? formatClock(ms, zone, 'minute') : formatDateTime(ms, zone, 'minute')
}

// UTC+01:00
export function formatOffset(ms: number, zone: Zone): string {
  const minutes = zone === 'utc' ? 0 : -new Date(ms).getTimezoneOffset()
  if (minutes === 0) return 'UTC'
  const size = Math.abs(minutes)
  return `UTC${minutes < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

// For the hover: the whole time in the chosen zone with its offset, and the other zone's.
export function describeInstant(time: number | string, zone: Zone): string {
  const ms = typeof time === 'string' ? nanoToMs(time) : time
  const precision: Precision = typeof time === 'string' ? 'nano' : 'milli'
  const mine = `${formatDateTime(time, zone, precision)} ${formatOffset(ms, zone)}`
  const other: Zone = zone === 'utc' ? 'browser' : 'utc'
  return formatOffset(ms, other) === formatOffset(ms, zone) ? mine : `${mine}\n${formatDateTime(time, other, precision)} ${formatOffset(ms, other)}`
}

// How long ago, in one unit: 3 s ago, 12 min ago, 2 d ago.
export function formatAge(ms: number, nowMs: number): string {
  const age = nowMs - ms
  if (age < -5 * SECOND) return `in ${oneUnit(-age)}`
  if (age < SECOND) return 'now'
  return `${oneUnit(age)} ago`
}

function oneUnit(age: number): string {
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s`
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min`
  if (age < 2 * DAY) return `${Math.floor(age / HOUR)} h`
  return `${Math.floor(age / DAY)} d`
}

// Both ends of a range, saying the date only where it is needed.
export function formatRange({ fromMs, toMs }: Bounds, nowMs: number, zone: Zone): string {
  const sameDay = formatDate(fromMs, zone) === formatDate(toMs, zone)
  const today = formatDate(nowMs, zone) === formatDate(fromMs, zone)
  const precision: Precision = toMs - fromMs < SECOND ? 'milli' : fromMs % MINUTE || toMs % MINUTE ? 'second' : 'minute'
  const from = (sameDay && today ? '' : `${formatDate(fromMs, zone)} `) + formatClock(fromMs, zone, precision)
  const to = (sameDay ? '' : `${formatDate(toMs, zone)} `) + formatClock(toMs, zone, precision)
  return `${from} – ${to}`
}

// ---- moving a range

export function shift(bounds: Bounds, steps: number): Bounds {
  const width = bounds.toMs - bounds.fromMs
  return { fromMs: bounds.fromMs + steps * width, toMs: bounds.toMs + steps * width }
}

// Around the middle; never past now.
export function zoom(bounds: Bounds, factor: number, nowMs: number): Bounds {
  const middle = (bounds.fromMs + bounds.toMs) / 2
  const half = Math.min(1825 * DAY, Math.max(0.5, ((bounds.toMs - bounds.fromMs) / 2) * factor))
  const over = Math.max(0, middle + half - nowMs)
  return { fromMs: Math.round(middle - half - over), toMs: Math.round(middle + half - over) }
}
