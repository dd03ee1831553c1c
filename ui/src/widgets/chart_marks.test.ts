import { describe, expect, it } from 'vitest'

import { limitsWithMarks, placeOfMark, type ChartMark } from './chart_marks'

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

describe('limitsWithMarks', () => {
  const marks = [60, 190, 5000, null].map((value): ChartMark => ({ ms: 0, value, color: '', href: '', label: '', title: '', rows: [] }))
  it('covers what does not press the series together', () => {
    expect(limitsWithMarks([80, 100], marks, false)).toEqual([60, 190])
    expect(limitsWithMarks([80, 100], [], false)).toEqual([80, 100])
  })
  it('covers all on a scale of logarithms', () => {
    expect(limitsWithMarks([80, 100], marks, true)).toEqual([60, 5000])
  })
})
