import { describe, expect, it } from 'vitest'

import {
  extent,
  legendOrder,
  seriesFigures,
  seriesName,
  splitUnfinished,
  stack,
  stepTimes,
  unfinishedFrom,
} from './series'

describe('seriesFigures', () => {
  it('leaves gaps out of all figures', () => {
    expect(seriesFigures([null, 4, null, 1, 7, null])).toEqual({ last: 7, min: 1, avg: 4, max: 7, points: 3 })
  })

  it('does not count a step that is not over', () => {
    expect(seriesFigures([4, 6, 1], 2)).toEqual({ last: 6, min: 4, avg: 5, max: 6, points: 2 })
  })

  it('counts it where there is no other', () => {
    expect(seriesFigures([null, null, 3], 2)).toEqual({ last: 3, min: 3, avg: 3, max: 3, points: 1 })
    expect(seriesFigures([null, null, null], 2).points).toBe(0)
  })

  it('has nothing to say about no data', () => {
    expect(seriesFigures([null, null])).toEqual({ last: null, min: null, avg: null, max: null, points: 0 })
  })
})

describe('unfinishedFrom', () => {
  it('is the step that contains now', () => {
    expect(unfinishedFrom(60_000, 60, 5, 200_000)).toBe(2)
  })

  it('is the end when all steps are over, the start when none is', () => {
    expect(unfinishedFrom(0, 60, 5, 10_000_000)).toBe(5)
    expect(unfinishedFrom(60_000, 60, 5, 0)).toBe(0)
  })

  it('counts a step as over the moment it ends', () => {
    expect(unfinishedFrom(0, 60, 5, 60_000)).toBe(1)
    expect(unfinishedFrom(0, 60, 5, 59_999)).toBe(0)
  })
})

describe('stack', () => {
  it('adds each series to those below it', () => {
    expect(
      stack([
        [1, 2],
        [10, 20],
        [100, 200],
      ]),
    ).toEqual([
      [1, 2],
      [11, 22],
      [111, 222],
    ])
  })

  it('keeps a gap only where no series has data', () => {
    expect(
      stack([
        [1, null, null],
        [10, 20, null],
      ]),
    ).toEqual([
      [1, 0, null],
      [11, 20, null],
    ])
  })

  it('bears series of different lengths', () => {
    expect(stack([[1], [1, 2]])).toEqual([
      [1, 0],
      [2, 2],
    ])
  })
})

describe('splitUnfinished', () => {
  it('starts the dashed part at the last step that is over, so that the line goes on', () => {
    expect(splitUnfinished([1, 2, 3], 2)).toEqual({ done: [1, 2, null], open: [null, 2, 3] })
  })
})

describe('stepTimes', () => {
  it('is in seconds from the first step on', () => {
    expect(stepTimes(1_500, 30, 3)).toEqual([1.5, 31.5, 61.5])
  })
})

describe('seriesName', () => {
  it('names the values of the keys in their order, and says which attribute is not there', () => {
    expect(seriesName({ b: '200', a: 'GET' }, ['a', 'b'], 'm')).toBe('GET · 200')
    expect(seriesName({ a: 'GET' }, ['a', 'b'], 'm')).toBe('GET · no b')
  })

  it('falls back to the metric without keys', () => {
    expect(seriesName({}, [], 'requests')).toBe('requests')
  })
})

describe('legendOrder', () => {
  const rows = [
    { name: 'b', figures: seriesFigures([1, 5]) },
    { name: 'a', figures: seriesFigures([null]) },
    { name: 'c', figures: seriesFigures([9]) },
    { name: 'a2', figures: seriesFigures([5]) },
  ]
  it('sorts by a figure with those without data last in both directions', () => {
    expect(legendOrder(rows, 'last', true)).toEqual([2, 3, 0, 1])
    expect(legendOrder(rows, 'last', false)).toEqual([3, 0, 2, 1])
  })

  it('sorts by name', () => {
    expect(legendOrder(rows, 'name', false)).toEqual([1, 3, 0, 2])
  })
})

it('extent ignores gaps and has none without data', () => {
  expect(
    extent([
      [null, 3],
      [-1, null],
    ]),
  ).toEqual([-1, 3])
  expect(extent([[null], []])).toBeNull()
})
