// How a figure moved against the same time before, in as few characters as say it.
import { formatNumber } from '../../base/units'

const SAME = 0.005 // less than half a per cent is no change
const TIMES_FROM = 2 // from here on "times" is easier to read than per cent

// null: there was nothing to compare with.
export function relativeChange(now: number, before: number): string | null {
  if (!(before > 0) || !Number.isFinite(now)) return null
  const ratio = now / before
  if (Math.abs(ratio - 1) < SAME) return '±0\u202f%'
  if (ratio >= TIMES_FROM) return `×${formatNumber(ratio, 2)}`
  return `${ratio > 1 ? '+' : '−'}${formatNumber(Math.abs(ratio - 1) * 100, 2)}\u202f%`
}

// Of apdex, which is between 0 and 1 and shown with two digits.
export function apdexChange(now: number, before: number): string {
  const moved = Math.round(now * 100) - Math.round(before * 100)
  if (moved === 0) return '±0'
  return `${moved > 0 ? '+' : '−'}${(Math.abs(moved) / 100).toFixed(2)}`
}

// Of shares, in points of per cent: a share has no meaningful ratio near zero.
export function pointChange(now: number | null, before: number | null): string | null {
  if (now === null || before === null) return null
  const points = (now - before) * 100
  if (Math.abs(points) < SAME) return '±0'
  return `${points > 0 ? '+' : '−'}${formatNumber(Math.abs(points), 2)} points`
}
