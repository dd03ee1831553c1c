// Where a moment lies in a series of steps. Data in, numbers out; no DOM.
import { nanoBetween } from '../../base/time'

/** 0 at the first step's middle, 1 at the last one's, as sparklines are drawn; within these. */
export function instantShare(series: { from_unix_nano: string; step_seconds: number; series: readonly { values: readonly unknown[] }[] }, atNano: string): number {
  const steps = series.series[0]?.values.length ?? 0
  if (steps < 2) return 0.5
  const place = nanoBetween(series.from_unix_nano, atNano) / (series.step_seconds * 1e9) - 0.5
  return Math.min(1, Math.max(0, place / (steps - 1)))
}

/** The value at that place, or the nearest one before or after it; null where there is none. */
export function nearestValue(values: readonly (number | null)[], share: number): number | null {
  const at = Math.round(share * (values.length - 1))
  for (let away = 0; away < values.length; away++) {
    const value = values[at - away] ?? values[at + away] ?? null
    if (value !== null) return value
  }
  return null
}
