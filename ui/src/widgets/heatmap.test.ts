import { expect, it } from 'vitest'
import { bucketBounds, cellAlpha, sameCells, type HeatmapSpec } from './heatmap'

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

it('knows when a cell means the same: as live goes on, and not in another range or in other steps', () => {
  const spec: HeatmapSpec = { fromMs: 100_000, toMs: 200_000, log: true, zone: 'utc', columnMs: 1000, bucketsPerDoubling: 2, cells: [] }
  expect(sameCells(spec, { ...spec, fromMs: 105_000, toMs: 205_000 })).toBe(true)
  expect(sameCells(spec, { ...spec, fromMs: 0, toMs: 100_000 })).toBe(false)
  expect(sameCells(spec, { ...spec, toMs: 180_000 })).toBe(false)
  expect(sameCells(spec, { ...spec, columnMs: 800 })).toBe(false)
  expect(sameCells(spec, { ...spec, bucketsPerDoubling: 4 })).toBe(false)
})
