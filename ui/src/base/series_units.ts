// Values of metrics as people read them, from UCUM units: "By" in MB, "s" in ms, "1" of a gauge in per cent, "{request}/s"
// as a plain number with its name. A unit in, a formatter out.

import { durationTicks, linearTicks } from './ticks'

export interface ValueFormat {
  // For legends and tooltips: "12.4 ms", "1.2k requests/s".
  format(value: number): string
  // For an axis: short, without a name that the title already has.
  short(value: number): string
  // Round positions between two limits.
  ticks(min: number, max: number, countMax: number): number[]
  // What the axis counts, where the numbers do not say it: "requests/s", "".
  name: string
}

const TIME_NANOS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  min: 60e9,
  h: 3600e9,
  d: 86_400e9,
}
const BYTES: Record<string, number> = {
  By: 1,
  kBy: 1e3,
  MBy: 1e6,
  GBy: 1e9,
  TBy: 1e12,
  KiBy: 2 ** 10,
  MiBy: 2 ** 20,
  GiBy: 2 ** 30,
  TiBy: 2 ** 40,
}
const BITS: Record<string, number> = { bit: 1, kbit: 1e3, Mbit: 1e6, Gbit: 1e9 }
const SYMBOLS: Record<string, string> = {
  Cel: '°C',
  '[degF]': '°F',
  K: 'K',
  V: 'V',
  mV: 'mV',
  A: 'A',
  mA: 'mA',
  W: 'W',
  kW: 'kW',
  J: 'J',
  kJ: 'kJ',
  Hz: 'Hz',
  m: 'm',
  g: 'g',
  kg: 'kg',
  rpm: 'rpm',
}
const PREFIXES: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
]

// Three significant digits without a tail of zeros: 12.4, 1.25, 0.004.
export function compactNumber(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value).replace('-0', '0')
  const size = Math.abs(value)
  if (size >= 999.5) return String(Math.round(value))
  if (size < 1e-6) return value.toExponential(1).replace('e-', 'e−')
  return String(Number(value.toPrecision(3)))
}

function scaled(value: number, steps: readonly (readonly [number, string])[], space: string): string | null {
  const size = Math.abs(value)
  for (const [factor, prefix] of steps) {
    // 999.6k is 1M: what rounds up to the next prefix takes it.
    if (size >= factor * 0.9995) return `${compactNumber(value / factor)}${space}${prefix}`
  }
  return null
}

export function formatCount(value: number): string {
  return scaled(value, PREFIXES, '') ?? compactNumber(value)
}

export function formatByteCount(value: number, symbol = 'B'): string {
  const withPrefix = scaled(value, PREFIXES, ' ')
  return withPrefix !== null ? `${withPrefix}${symbol}` : `${compactNumber(value)} ${symbol}`
}

// From a nanosecond to days: "850 ns", "12.4 ms", "1.25 s", "2 min 5 s", "3 h 20 min".
export function formatNanos(nanos: number): string {
  if (nanos === 0) return '0'
  const size = Math.abs(nanos)
  if (size < 1) return `${compactNumber(nanos)} ns`
  if (size < 59.95e9) {
    for (const [factor, unit] of [
      [1e9, 's'],
      [1e6, 'ms'],
      [1e3, 'µs'],
    ] as const) {
      if (size >= factor * 0.9995) return `${compactNumber(nanos / factor)} ${unit}`
    }
    return `${compactNumber(nanos)} ns`
  }
  const sign = nanos < 0 ? '−' : ''
  const seconds = Math.round(size / 1e9)
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
    `${sign}${big} ${bigUnit}${small > 0 ? ` ${small} ${smallUnit}` : ''}`
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  if (seconds < 86_400) return pair(Math.floor(seconds / 3600), 'h', Math.round((seconds % 3600) / 60) % 60, 'min')
  return pair(Math.floor(seconds / 86_400), 'd', Math.floor((seconds % 86_400) / 3600), 'h')
}

function countName(unit: string): string {
  // "{request}" is an annotation: what is counted.
  return /^\{[^}]*\}$/.test(unit) ? unit.slice(1, -1) : unit === '1' ? '' : unit
}

const perSuffix = (per: string): string => (per === '' ? '' : `/${per}`)

function suffixed(text: string, suffix: string): string {
  return suffix === '' ? text : `${text}${suffix}`
}

// `ratio`: a unit of "1" means a share of one (a gauge between 0 and 1), not a count.
export function valueFormat(unit: string, options: { ratio?: boolean } = {}): ValueFormat {
  const slash = unit.lastIndexOf('/')
  const base = slash < 0 ? unit : unit.slice(0, slash)
  const per = slash < 0 ? '' : unit.slice(slash + 1)
  const suffix = perSuffix(per)

  const time = TIME_NANOS[base]
  if (time !== undefined && per === '') {
    const format = (value: number): string => formatNanos(value * time)
    const ticks = (min: number, max: number, countMax: number): number[] => {
      const inverse = 1e9 / time
      return durationTicks(min * time, max * time, countMax).map((tick) =>
        time > 1e9 ? tick / time : (tick * inverse) / 1e9,
      )
    }
    return { format, short: format, ticks, name: '' }
  }
  for (const [table, symbol] of [
    [BYTES, 'B'],
    [BITS, 'bit'],
  ] as const) {
    const factor = table[base]
    if (factor === undefined) continue
    const format = (value: number): string => suffixed(formatByteCount(value * factor, symbol), suffix)
    const ticks = (min: number, max: number, countMax: number): number[] =>
      linearTicks(min * factor, max * factor, countMax).map((tick) => tick / factor)
    return { format, short: format, ticks, name: '' }
  }
  if (base === '%' || (base === '1' && per === '' && options.ratio === true)) {
    const factor = base === '%' ? 1 : 100
    const format = (value: number): string => suffixed(`${compactNumber(value * factor)} %`, suffix)
    return { format, short: format, ticks: linearTicks, name: '' }
  }
  const name = `${SYMBOLS[base] ?? countName(base)}${suffix}`
  const symbol = SYMBOLS[base] !== undefined
  return {
    format: (value) =>
      name === ''
        ? formatCount(value)
        : name.startsWith('/')
          ? `${formatCount(value)}${name}`
          : `${formatCount(value)} ${name}`,
    short: (value) => (symbol ? `${formatCount(value)} ${name}` : formatCount(value)),
    ticks: linearTicks,
    name: symbol ? '' : name,
  }
}

// OpenTelemetry uses "1" for shares and, in older instrumentations, for counts: only a gauge that stays within 0 and 1 is
// a share.
export function isRatio(unit: string, type: string, limits: readonly [number, number] | null): boolean {
  return unit === '1' && type === 'gauge' && limits !== null && limits[0] >= 0 && limits[1] <= 1
}
