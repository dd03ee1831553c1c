import { describe, expect, it } from 'vitest'
import { clampWindow, niceStep, ticks, zoomWindow } from './ruler'

describe('the ruler', () => {
  it.each([
    [1000, 100],
    [783_000, 100_000],
    [7_830_000, 1_000_000],
    [2_300_000_000, 500_000_000],
    [20e9, 2e9],
    [95e9, 10e9],
    [30 * 60e9, 300e9],
  ])('divides %d ns over 1,000 pixels by %d', (duration, step) => {
    expect(niceStep({ from: 0, to: duration }, 1000)).toBe(step)
  })

  it('has its ticks at multiples of the step within the window', () => {
    expect(ticks({ from: 150, to: 520 }, 400)).toEqual({ step: 100, at: [200, 300, 400, 500] })
  })

  it('never divides by nothing', () => {
    expect(niceStep({ from: 5, to: 5 }, 0)).toBeGreaterThan(0)
  })
})

describe('a window', () => {
  it('stays within the trace', () => {
    expect(clampWindow({ from: -50, to: 150 }, 1000)).toEqual({ from: 0, to: 200 })
    expect(clampWindow({ from: 900, to: 1200 }, 1000)).toEqual({ from: 700, to: 1000 })
    expect(clampWindow({ from: 0, to: 5000 }, 1000)).toEqual({ from: 0, to: 1000 })
  })

  it('is not narrower than can be drawn', () => {
    expect(clampWindow({ from: 500, to: 501 }, 1000)).toEqual({ from: 500, to: 600 })
  })

  it('zooms around a place that stays where it is', () => {
    expect(zoomWindow({ from: 0, to: 1000 }, 250, 2, 1000)).toEqual({ from: 125, to: 625 })
    expect(zoomWindow({ from: 125, to: 625 }, 250, 0.1, 1000)).toEqual({ from: 0, to: 1000 })
  })
})
