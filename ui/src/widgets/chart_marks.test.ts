import { describe, expect, it } from 'vitest'

import { placeOfMark } from './chart_marks'

describe('placeOfMark', () => {
  it('is where the value is', () => {
    expect(placeOfMark(10, 40, 100)).toEqual({ x: 10, y: 40, beyond: null })
  })
  it('is the foot without a value', () => {
    expect(placeOfMark(10, null, 100)).toEqual({ x: 10, y: 100, beyond: null })
  })
  it('is the edge for a value beyond what is shown', () => {
    expect(placeOfMark(10, -30, 100)).toEqual({ x: 10, y: 0, beyond: 'above' })
    expect(placeOfMark(10, 130, 100)).toEqual({ x: 10, y: 100, beyond: 'below' })
    expect(placeOfMark(10, NaN, 100)).toEqual({ x: 10, y: 100, beyond: 'below' }) // on a scale of logarithms
  })
})
