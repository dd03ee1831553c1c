// Numbers with their units, as people read them: three significant figures, the unit always there.

const NARROW = ' ' // stays on one line, narrower than a space

// At most `figures` significant figures, no exponent, no trailing zeros kept away: 0.00123, 1.20 -> 1.2, 12345 -> 12,345.
export function formatNumber(value: number, figures = 3): string {
  if (!Number.isFinite(value)) return '–'
  if (value === 0) return '0'
  const magnitude = Math.floor(Math.log10(Math.abs(value)))
  const decimals = Math.min(6, Math.max(0, figures - 1 - magnitude))
  return (FORMATS[decimals] ??= new Intl.NumberFormat('en-US', { maximumFractionDigits: decimals })).format(value)
}
const FORMATS: Intl.NumberFormat[] = [] // by decimals: making one takes longer than a hundred uses of it

// 950 -> 950, 12,345 -> 12.3 k, 5,000,000 -> 5 M
export function formatCount(value: number, figures = 3): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  if (size < 10_000) return formatNumber(value, Number.isInteger(value) ? 6 : figures)
  for (const [unit, factor] of COUNTS) if (size >= factor * 0.9995) return formatNumber(value / factor, figures) + NARROW + unit
  return formatNumber(value, figures)
}
const COUNTS: [string, number][] = [['T', 1e12], ['G', 1e9], ['M', 1e6], ['k', 1e3]] // prettier-ignore

// A duration given in nanoseconds.
export function formatDuration(nanos: number | null | undefined, figures = 3): string {
  if (nanos === null || nanos === undefined || !Number.isFinite(nanos)) return '–'
  const size = Math.abs(nanos)
  if (size === 0) return `0${NARROW}ms`
  if (size < 999.5) return formatNumber(nanos, figures) + NARROW + 'ns'
  if (size < 999.5e3) return formatNumber(nanos / 1e3, figures) + NARROW + 'µs'
  if (size < 999.5e6) return formatNumber(nanos / 1e6, figures) + NARROW + 'ms'
  if (size < 99.95e9) return formatNumber(nanos / 1e9, figures) + NARROW + 's'
  return formatLong(nanos / 1e9)
}

function formatLong(seconds: number): string {
  const whole = Math.round(seconds)
  const parts: [number, string][] = [
    [Math.floor(whole / 86400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${NARROW}${unit}`)
    .join(' ')
}

export function formatBytes(bytes: number, figures = 3): string {
  if (!Number.isFinite(bytes)) return '–'
  for (const [unit, factor] of BYTES) if (Math.abs(bytes) >= factor * 0.9995) return formatNumber(bytes / factor, figures) + NARROW + unit
  return formatNumber(bytes, figures) + NARROW + 'B'
}
const BYTES: [string, number][] = [['TB', 1e12], ['GB', 1e9], ['MB', 1e6], ['kB', 1e3]] // prettier-ignore

// Events a second; below one in ten seconds it is easier read by the minute or the hour.
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return '–'
  if (perSecond === 0) return `0${NARROW}/s`
  if (perSecond >= 0.0995) return formatCount(perSecond) + NARROW + '/s'
  if (perSecond * 60 >= 0.0995) return formatNumber(perSecond * 60) + NARROW + '/min'
  return formatNumber(perSecond * 3600) + NARROW + '/h'
}

// Calls of a stretch of time: a rate, but of a few their number, as "0.989 /h" says less than "1 call".
export function formatCalls(perSecond: number, calls: number): string {
  if (!(calls > 0 && calls < FEW_CALLS)) return formatRate(perSecond)
  return `${formatNumber(calls)} ${calls === 1 ? 'call' : 'calls'}`
}
const FEW_CALLS = 10

// A share of one: 0.0123 -> 1.23 %. What is not nothing never reads as nothing, what is not all never as all.
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return '–'
  const percent = share * 100
  if (percent > 0 && percent < 0.01) return `<0.01${NARROW}%`
  if (percent < 100 && percent > 99.99) return `>99.99${NARROW}%`
  return formatNumber(percent, percent >= 99 && percent < 100 ? 4 : 3) + NARROW + '%'
}
