// Values of metrics as people read them, from UCUM units: "By" in MB, "s" in ms, "1" of a gauge in per cent,
// "{request}/s" as a plain number with its name. A unit in, a formatter out.
import { durationTicks, linearTicks } from './ticks'
import { formatBytes, formatCount, formatDuration, formatNumber } from './units'

export interface ValueFormat {
  // For legends and tooltips: "12.4 ms", "1.2 k requests/s".
  format(value: number): string
  // For an axis: short, without a name that its title already has.
  short(value: number): string
  // Round positions between two limits.
  ticks(min: number, max: number, countMax: number): number[]
  // What is counted, where the numbers of the axis do not say it: "requests/s", else "".
  name: string
}

const TIME_NANOS: Record<string, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9, d: 86_400e9 }
const BYTES: Record<string, number> = {
  By: 1, kBy: 1e3, MBy: 1e6, GBy: 1e9, TBy: 1e12, KiBy: 2 ** 10, MiBy: 2 ** 20, GiBy: 2 ** 30, TiBy: 2 ** 40,
} // prettier-ignore
const BITS: Record<string, number> = { bit: 1, kbit: 1e3, Mbit: 1e6, Gbit: 1e9 }
const SYMBOLS: Record<string, string> = { Cel: '°C', '[degF]': '°F' }
const SYMBOL = /^(K|V|mV|A|mA|W|kW|J|kJ|Hz|kHz|MHz|m|km|mm|g|kg|mg)$/

const EXPONENT_BELOW = 1e-6

function small(value: number): string {
  const size = Math.abs(value)
  return size > 0 && size < EXPONENT_BELOW ? value.toExponential(1).replace('e-', 'e−') : formatNumber(value)
}

function count(value: number): string {
  return Math.abs(value) < 1 ? small(value) : formatCount(value)
}

function bits(value: number): string {
  for (const [unit, factor] of [['Gbit', 1e9], ['Mbit', 1e6], ['kbit', 1e3]] as const) {
    if (Math.abs(value) >= factor * 0.9995) return `${formatNumber(value / factor)} ${unit}`
  } // prettier-ignore
  return `${small(value)} bit`
}

// "{request}" is an annotation: what is counted. "1" says nothing.
function countName(unit: string): string {
  return /^\{[^}]*\}$/.test(unit) ? unit.slice(1, -1) : unit === '1' ? '' : unit
}

// The values times `factor` are what `text` writes; ticks are round in what is written.
function scaled(factor: number, text: (value: number) => string, ticks = linearTicks): ValueFormat {
  const format = (value: number) => text(value * factor)
  // Division by the inverse where that is the whole number: 1e6 / 1e9 is 0.001, 1e6 * 1e-9 is not.
  const back = (tick: number) => (factor >= 1 ? tick / factor : tick * (1 / factor))
  return {
    format,
    short: format,
    ticks: (min, max, most) => ticks(min * factor, max * factor, most).map(back),
    name: '',
  }
}

// `ratio`: a unit of "1" means a share of one (see isRatio), not a count.
export function valueFormat(unit: string, options: { ratio?: boolean } = {}): ValueFormat {
  const slash = unit.lastIndexOf('/')
  const base = slash < 0 ? unit : unit.slice(0, slash)
  const per = slash < 0 ? '' : unit.slice(slash)
  const nanos = TIME_NANOS[base]
  if (nanos !== undefined && per === '') return scaled(nanos, formatDuration, durationTicks)
  const bytes = BYTES[base]
  if (bytes !== undefined) return scaled(bytes, (value) => formatBytes(value) + per)
  const bit = BITS[base]
  if (bit !== undefined) return scaled(bit, (value) => bits(value) + per)
  if (base === '%' || (base === '1' && per === '' && options.ratio === true)) {
    return scaled(base === '%' ? 1 : 100, (value) => `${small(value)} %${per}`)
  }
  const symbol = SYMBOLS[base] ?? (SYMBOL.test(base) ? base : '')
  if (symbol !== '') return scaled(1, (value) => `${count(value)} ${symbol}${per}`)
  const name = countName(base) + per
  const format = (value: number) => count(value) + (name === '' || name.startsWith('/') ? name : ` ${name}`)
  return { format, short: count, ticks: linearTicks, name }
}

// OpenTelemetry uses "1" for shares and, in older instrumentations, for counts: only a gauge that stays within 0 and 1
// is a share.
export function isRatio(unit: string, type: string, limits: readonly [number, number] | null): boolean {
  return unit === '1' && type === 'gauge' && limits !== null && limits[0] >= 0 && limits[1] <= 1
}
