import { expect, it } from 'vitest'
import { bucketBounds, cellAlpha } from './heatmap'

it('knows the durations of a bucket', () => {
  expect(bucketBounds(0, 2)).toEqual([0, 2 ** 0.5])
  expect(bucketBounds(20, 2)).toEqual([2 ** 10, 2 ** 10.5])
})

it('lets one span among many still be seen, and more be darker', () => {
  expect(cellAlpha(1, 1_000_000)).toBeGreaterThan(0.15)
  expect(cellAlpha(1_000_000, 1_000_000)).toBe(1)
  expect(cellAlpha(100, 1000)).toBeGreaterThan(cellAlpha(10, 1000))
  expect(cellAlpha(1, 1)).toBe(1)
})
