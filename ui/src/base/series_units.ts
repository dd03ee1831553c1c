// Values of metrics as people read them, from UCUM units: "By" in MB, "s" in ms, "1" of a gauge in per cent,
// "{request}/s" as a plain number with its name. A unit in, a formatter out.
import { durationTicks, linearTicks } from './ticks'
import { formatBytes, formatCount, formatDuration, formatNumber } from './units'

export interface ValueFormat {
  // For legends and tooltips: "12.4 ms", "1.2 k requests/s".
  format(value: number): string
  // For an axis: short, without a name that its title already has.
  short(value: number, figures?: number): string
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

function small(value: number, figures = 3): string {
  const size = Math.abs(value)
  return size > 0 && size < EXPONENT_BELOW ? value.toExponential(1).replace('e-', 'e−') : formatNumber(value, figures)
}

function count(value: number, figures = 3): string {
  return Math.abs(value) < 1 ? small(value, figures) : formatCount(value, figures)
}

function bits(value: number, figures = 3): string {
  for (const [unit, factor] of [['Gbit', 1e9], ['Mbit', 1e6], ['kbit', 1e3]] as const) {
    if (Math.abs(value) >= factor * 0.9995) return `${formatNumber(value / factor, figures)} ${unit}`
  } // prettier-ignore
  return `${small(value, figures)} bit`
}

const FIGURES_MAX = 9

// The labels of an axis: as many figures as its steps have, so that none is rounded onto its neighbour.
export function tickLabels(format: ValueFormat, ticks: readonly number[]): string[] {
  const step = Math.min(...ticks.slice(1).map((tick, i) => Math.abs(tick - ticks[i]!)))
  const largest = Math.max(...ticks.map(Math.abs))
  const figures = Math.floor(Math.log10(largest) + 1e-9) - Math.floor(Math.log10(step) + 1e-9) + 1
  return ticks.map((tick) => format.short(tick, Number.isFinite(figures) ? Math.min(FIGURES_MAX, Math.max(3, figures)) : 3))
}

// "{request}" is an annotation, by convention in the singular: what is counted. "1" says nothing.
function countName(unit: string, value = NaN): string {
  if (!/^\{[^}]*\}$/.test(unit)) return unit === '1' ? '' : unit
  return value === 1 ? unit.slice(1, -1) : plural(unit.slice(1, -1))
}

function plural(noun: string): string {
  if (!/[a-z]$/i.test(noun)) return noun
  if (/([^aeiou])y$/i.test(noun)) return `${noun.slice(0, -1)}ies`
  if (/(x|z|ch|sh|ss)$/i.test(noun)) return `${noun}es`
  return noun.endsWith('s') ? noun : `${noun}s`
}

// The values times `factor` are what `text` writes; ticks are round in what is written.
function scaled(factor: number, text: (value: number, figures?: number) => string, ticks = linearTicks): ValueFormat {
  const format = (value: number, figures?: number) => text(value * factor, figures)
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
  if (bytes !== undefined) return scaled(bytes, (value, figures) => formatBytes(value, figures) + per)
  const bit = BITS[base]
  if (bit !== undefined) return scaled(bit, (value, figures) => bits(value, figures) + per)
  if (base === '%' || (base === '1' && per === '' && options.ratio === true)) {
    return scaled(base === '%' ? 1 : 100, (value, figures) => `${small(value, figures)} %${per}`)
  }
  const symbol = SYMBOLS[base] ?? (SYMBOL.test(base) ? base : '')
  if (symbol !== '') return scaled(1, (value, figures) => `${count(value, figures)} ${symbol}${per}`)
  const name = countName(base) + per
  const format = (value: number) => {
    const words = countName(base, value) + per
    return count(value) + (words === '' || words.startsWith('/') ? words : ` ${words}`)
  }
  return { format, short: count, ticks: linearTicks, name }
}

// OpenTelemetry uses "1" for shares and, in older instrumentations, for counts: only a gauge that stays within 0 and 1
// is a share.
export function isRatio(unit: string, type: string, limits: readonly [number, number] | null): boolean {
  return unit === '1' && type === 'gauge' && limits !== null && limits[0] >= 0 && limits[1] <= 1
}
