import { expect, it } from 'vitest'
import { instantShare, nearestValue } from './span_metrics'

const series = (values: (number | null)[]) => ({ from_unix_nano: '1700000000000000000', step_seconds: 10, series: [{ values }] })

it.each([
  [5, 0],
  [25, 0.5],
  [45, 1],
  [-60, 0],
  [600, 1],
])('a moment after %s s lies at %s of five steps of 10 s', (seconds, share) => {
  expect(instantShare(series([1, 2, 3, 4, 5]), String(1700000000000000000n + BigInt(seconds) * 1_000_000_000n))).toBe(share)
})

it('the value at a moment is that of its step, else the nearest', () => {
  expect(nearestValue([1, 2, 3], 0.5)).toBe(2)
  expect(nearestValue([1, null, null, 4], 0.6)).toBe(4)
  expect(nearestValue([1, null, null], 1)).toBe(1)
  expect(nearestValue([null], 0)).toBeNull()
  expect(nearestValue([], 0)).toBeNull()
})
