import { describe, expect, it } from 'vitest'

import { clamp, linearScale, logDomain, logScale } from './scale'

describe('linearScale', () => {
  it('maps a value to its pixel and back', () => {
    const scale = linearScale([100, 300], [0, 50])
    expect(scale.toPixel(150)).toBe(12.5)
    expect(scale.toValue(12.5)).toBe(150)
  })

  it('turns around for a y axis, whose pixels grow downwards', () => {
    const scale = linearScale([0, 10], [200, 0])
    expect(scale.toPixel(0)).toBe(200)
    expect(scale.toPixel(10)).toBe(0)
    expect(scale.toValue(50)).toBe(7.5)
  })

  it('puts everything in the middle of a domain without extent', () => {
    expect(linearScale([5, 5], [0, 80]).toPixel(5)).toBe(40)
  })
})

describe('logScale', () => {
  it('gives each decade the same height', () => {
    const scale = logScale([1, 1000], [0, 300])
    expect(scale.toPixel(10)).toBeCloseTo(100)
    expect(scale.toPixel(100)).toBeCloseTo(200)
    expect(scale.toValue(150)).toBeCloseTo(31.62, 2)
  })

  it('draws zero and below at the lower end', () => {
    const scale = logScale([1, 100], [0, 100])
    expect(scale.toPixel(0)).toBe(0)
    expect(scale.toPixel(-3)).toBe(0)
  })
})

describe('logDomain', () => {
  it.each([
    [
      [3, 450],
      [1, 1000],
    ],
    [
      [10, 100],
      [10, 100],
    ],
    [[7], [1, 10]],
    [[1000], [1000, 10_000]],
    [
      [0, 25],
      [10, 100],
    ],
    [[], [1, 10]],
    [
      [0, 0],
      [1, 10],
    ],
  ])('of %j is %j', (values, expected) => {
    expect(logDomain(values)).toEqual(expected)
  })
})

it('clamps', () => {
  expect([clamp(-1, 0, 5), clamp(3, 0, 5), clamp(9, 0, 5)]).toEqual([0, 3, 5])
})
