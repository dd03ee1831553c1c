import { describe, expect, it } from 'vitest'

import { durationTicks, linearTicks, logTicks, roundStep, timeTickLabel, timeTicks } from './ticks'

describe('roundStep', () => {
  it.each([
    [0.3, 0.5],
    [0.1, 0.1],
    [1, 1],
    [1.1, 2],
    [2.1, 5],
    [7, 10],
    [120, 200],
  ])('at least %d is %d', (least, step) => {
    expect(roundStep(least)).toBeCloseTo(step)
  })
})

describe('linearTicks', () => {
  it('stands at round numbers within the limits', () => {
    expect(linearTicks(0, 97, 5)).toEqual([0, 20, 40, 60, 80])
    expect(linearTicks(-3, 3, 4)).toEqual([-2, 0, 2])
  })

  it('has no rounding errors in its numbers', () => {
    expect(linearTicks(0, 0.5, 5)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    expect(linearTicks(0, 3e-7, 3)).toEqual([0, 1e-7, 2e-7, 3e-7])
  })

  it('has one tick where there is no extent, none where there is no number', () => {
    expect(linearTicks(4, 4, 5)).toEqual([4])
    expect(linearTicks(Number.NaN, Number.NaN, 5)).toEqual([])
  })

  it('ends where limits differ by rounding only', () => {
    expect(linearTicks(0.38888888888888884, 0.3888888888888889, 5)).toEqual([0.38888888888888884])
    expect(durationTicks(388_888_888.8888888, 388_888_888.8888889, 5)).toHaveLength(1)
    expect(linearTicks(-0.3, -0.29999999999999993, 5)).toHaveLength(1)
  })
})

describe('durationTicks', () => {
  it('goes by 1, 2, 5 up to seconds and by minutes and quarters above', () => {
    expect(durationTicks(0, 450e6, 5)).toEqual([0, 100e6, 200e6, 300e6, 400e6])
    expect(durationTicks(0, 100e9, 4)).toEqual([0, 30e9, 60e9, 90e9])
    expect(durationTicks(0, 4000e9, 5)).toEqual([0, 900e9, 1800e9, 2700e9, 3600e9])
  })
})

describe('logTicks', () => {
  it('has 2 and 5 between decades only where there is room', () => {
    expect(logTicks(1, 100, 12)).toEqual([1, 2, 5, 10, 20, 50, 100])
    expect(logTicks(1, 100, 5)).toEqual([1, 10, 100])
  })

  it('skips decades where there are too many', () => {
    expect(logTicks(1, 1e9, 5)).toEqual([1, 100, 1e4, 1e6, 1e8])
  })

  it('keeps to the limits, also between decades', () => {
    expect(logTicks(3, 70, 12)).toEqual([5, 10, 20, 50])
    expect(logTicks(0.001, 0.1, 3)).toEqual([0.001, 0.01, 0.1])
  })
})

describe('timeTicks', () => {
  const day = Date.UTC(2026, 10, 22)
  const hour = 3_600_000

  it('stands at round times of the clock', () => {
    const { stepSeconds, millis } = timeTicks(day + 7 * 60_000, day + hour, 5)
    expect(stepSeconds).toBe(900)
    expect(millis).toEqual([15, 30, 45, 60].map((minute) => day + minute * 60_000))
  })

  it('begins days at midnight of the zone that is shown', () => {
    const inIndia = (): number => 330
    const { stepSeconds, millis } = timeTicks(day, day + 72 * hour, 4, inIndia)
    expect(stepSeconds).toBe(86_400)
    expect(millis).toEqual([18.5, 42.5, 66.5].map((hours) => day + hours * hour))
  })

  it('stays at midnight when the clocks change within the range', () => {
    const change = day + 30 * hour
    const zone = (millis: number): number => (millis < change ? 60 : 120)
    const { millis } = timeTicks(day, day + 96 * hour, 4, zone)
    expect(millis).toEqual([23, 46, 70, 94].map((hours) => day + hours * hour))
  })

  it('goes below a second', () => {
    expect(timeTicks(day, day + 1000, 5).millis).toEqual([0, 200, 400, 600, 800, 1000].map((ms) => day + ms))
  })
})

describe('timeTickLabel', () => {
  const at = Date.UTC(2026, 10, 22, 14, 5, 30, 250)
  const utc = (): number => 0
  it.each([
    [0.05, '14:05:30.25'],
    [0.2, '14:05:30.2'],
    [0.001, '14:05:30.250'],
    [10, '14:05:30'],
    [300, '14:05'],
    [86_400, '22 Nov'],
  ])('with steps of %d s is %s', (step, label) => {
    expect(timeTickLabel(at, step, utc)).toBe(label)
  })

  it('names the day where one begins', () => {
    expect(timeTickLabel(Date.UTC(2026, 10, 22), 3600, utc)).toBe('22 Nov')
    expect(timeTickLabel(Date.UTC(2026, 10, 22), 1, utc)).toBe('00:00:00')
  })

  it('shows the time of the zone', () => {
    expect(timeTickLabel(at, 60, () => 90)).toBe('15:35')
  })
})
