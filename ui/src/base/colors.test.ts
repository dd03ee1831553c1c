import { describe, expect, it } from 'vitest'

import { contrast, inkOn, parseColor, SERIES_COUNT, seriesIndexes } from './colors'

const names = Array.from({ length: 30 }, (_, i) => `route-${i}`)

describe('seriesIndexes', () => {
  it('gives each series of a chart its own colour as far as there are any', () => {
    expect(new Set(seriesIndexes(names.slice(0, SERIES_COUNT))).size).toBe(SERIES_COUNT)
  })

  it('does not depend on the order', () => {
    const forward = seriesIndexes(names)
    const backward = seriesIndexes([...names].reverse()).reverse()
    expect(backward).toEqual(forward)
  })

  it('shares colours evenly among more series than colours', () => {
    const counts = new Array<number>(SERIES_COUNT).fill(0)
    for (const place of seriesIndexes(names.slice(0, 2 * SERIES_COUNT))) counts[place] = (counts[place] ?? 0) + 1
    expect(counts).toEqual(new Array<number>(SERIES_COUNT).fill(2))
  })
})

describe('inkOn', () => {
  it.each(['#2b7fd4', '#ffffff', '#000000', '#e0b068', '#777777'])('can be read on %s', (color) => {
    const [ground, ink] = [parseColor(color), parseColor(inkOn(parseColor(color)!))]
    expect(contrast(ground!, ink!)).toBeGreaterThan(4.5)
  })
})
