import { describe, expect, it } from 'vitest'

import { sparkline } from './sparkline'

describe('a sparkline', () => {
  it('goes from left to right, zero at the bottom, the largest at the top', () => {
    expect(sparkline([0, 5, 10], 20, 12, 0, false).line).toBe('M0 11L10 6L20 1')
  })

  it('has gaps where values are missing, and dots where a value is alone', () => {
    const { line, points, area } = sparkline([1, null, 1, 1], 30, 12, 0, false)
    expect(line).toBe('M0 1M20 1L30 1')
    expect(points).toBe('M0 1h0.01')
    expect(area).toBe('M0 12L0 1L0 12L0 12ZM20 12L20 1L30 1L30 12L20 12Z')
  })

  it('parts the last step, which is not over', () => {
    const { line, unfinished } = sparkline([1, 1, 0.5], 20, 12)
    expect(line).toBe('M0 1L10 1')
    expect(unfinished).toBe('M10 1L20 6')
  })

  it('draws small values small where a larger one is given as the top', () => {
    expect(sparkline([1], 20, 12, 10, false).points).toBe('M10 10h0.01')
  })
})
