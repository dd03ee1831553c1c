import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  DAY,
  describeInstant,
  describeSpan,
  formatAge,
  formatClock,
  formatDateTime,
  formatMoment,
  formatOffset,
  formatRange,
  HOUR,
  MINUTE,
  msToNano,
  nanoBetween,
  nanoToMs,
  parseRange,
  parseSpan,
  resolve,
  spanToText,
  widerRanges,
  zoom,
} from './time'

// Half an hour before New York's clocks go back, in UTC: 2026-11-01 05:30.
const AUTUMN = Date.UTC(2026, 10, 1, 5, 30)
const NOW = Date.UTC(2026, 10, 22, 12, 0, 0)

let zone: string | undefined
beforeEach(() => {
  zone = process.env['TZ']
  process.env['TZ'] = 'America/New_York'
})
afterEach(() => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

describe('nanoseconds', () => {
  it('keep their digits on the way to milliseconds and back', () => {
    expect(nanoToMs('1764110000123456789')).toBeCloseTo(1764110000123.4568, 3)
    expect(nanoToMs('5000000')).toBe(5)
    expect(nanoToMs('0')).toBe(0)
    expect(msToNano(1764110000123)).toBe('1764110000123000000')
    expect(nanoBetween('1764110000000000001', '1764110000000000004')).toBe(3)
  })
})

describe('spans of time', () => {
  it.each([
    ['15m', 15 * MINUTE],
    ['1h30m', 90 * MINUTE],
    ['90 min', 90 * MINUTE],
    ['2 Days', 2 * DAY],
    ['1.5h', 90 * MINUTE],
    ['', null],
    ['10', null],
    ['0s', null],
    ['5 fortnights', null],
  ])('%j is %j ms', (text, ms) => {
    expect(parseSpan(text)).toBe(ms)
  })

  it('are written as the API takes them: one number, one unit', () => {
    expect([spanToText(HOUR), spanToText(90 * MINUTE), spanToText(61_000), spanToText(400)]).toEqual(['1h', '90m', '61s', '1s'])
    expect([describeSpan(HOUR), describeSpan(2 * DAY), describeSpan(90_000)]).toEqual(['hour', '2 days', '90 seconds'])
  })

  it('have only wider ones offered beside them', () => {
    expect(widerRanges(HOUR)).toEqual(['6h', '24h', '7d'])
    expect(widerRanges(40 * DAY)).toEqual([])
  })
})

describe('typed ranges', () => {
  const bounds = (text: string, where: 'utc' | 'browser' = 'utc') => {
    const range = parseRange(text, NOW, where)
    if (range === null) return null
    const { fromMs, toMs } = resolve(range, NOW)
    return [new Date(fromMs).toISOString().slice(0, 16), new Date(toMs).toISOString().slice(0, 16)]
  }

  it.each([
    ['last 45m', ['2026-11-22T11:15', '2026-11-22T12:00']],
    ['past hour', ['2026-11-22T11:00', '2026-11-22T12:00']],
    ['today', ['2026-11-22T00:00', '2026-11-22T12:00']],
    ['yesterday', ['2026-11-21T00:00', '2026-11-22T00:00']],
    ['2026-11-20', ['2026-11-20T00:00', '2026-11-21T00:00']],
    ['2026-11-20 10:00 to 11:30', ['2026-11-20T10:00', '2026-11-20T11:30']],
    ['10:00-10:30', ['2026-11-22T10:00', '2026-11-22T10:30']],
    ['23:00 to 01:00', ['2026-11-21T23:00', '2026-11-22T01:00']],
    ['10:00 to now', ['2026-11-22T10:00', '2026-11-22T12:00']],
    ['2026-11-22T08:00+02:00 to 2026-11-22T09:00Z', ['2026-11-22T06:00', '2026-11-22T09:00']],
    ['2h ago to 1h ago', ['2026-11-22T10:00', '2026-11-22T11:00']],
    ['1764110000 to 1764110060', ['2025-11-25T22:33', '2025-11-25T22:34']],
    ['soon', null],
    ['11:00 to 10:00 tomorrow', null],
    ['2026-13-01', null],
    ['2026-02-30 10:00 to 11:00', null],
  ])('%j', (text, wanted) => {
    expect(bounds(text)).toEqual(wanted)
  })

  it('are meant in the zone that is shown', () => {
    expect(bounds('2026-11-20 10:00 to 11:00', 'browser')).toEqual(['2026-11-20T15:00', '2026-11-20T16:00'])
  })

  it('of a day are as long as the day was', () => {
    const day = parseRange('2026-11-01', NOW, 'browser')
    const { fromMs, toMs } = resolve(day ?? { kind: 'last', last: '1h' }, NOW)
    expect((toMs - fromMs) / HOUR).toBe(25) // the clocks went back
  })
})

describe('shown times', () => {
  it('have the offset of their own moment', () => {
    expect([formatOffset(AUTUMN, 'browser'), formatOffset(AUTUMN + HOUR, 'browser'), formatOffset(AUTUMN, 'utc')]).toEqual(['UTC−04:00', 'UTC−05:00', 'UTC'])
    expect(formatClock(AUTUMN, 'browser')).toBe('01:30:00')
    expect(formatClock(AUTUMN + HOUR, 'browser')).toBe('01:30:00')
  })

  it('have all digits of nanoseconds where they are asked for', () => {
    expect(formatDateTime('1764110000123456789', 'utc', 'nano')).toBe('2025-11-25 22:33:20.123456789')
    expect(formatClock('1764110000123456789', 'utc', 'micro')).toBe('22:33:20.123456')
    expect(describeInstant('1764110000123456789', 'browser')).toBe('2025-11-25 17:33:20.123456789 UTC−05:00\n2025-11-25 22:33:20.123456789 UTC')
  })

  it('say the date only where it is needed', () => {
    const at = (hour: number) => NOW + hour * HOUR
    expect(formatRange({ fromMs: at(-2), toMs: at(-1) }, NOW, 'utc')).toBe('10:00 – 11:00')
    expect(formatRange({ fromMs: at(-13), toMs: at(-1) }, NOW, 'utc')).toBe('2026-11-21 23:00 – 2026-11-22 11:00')
    expect(formatRange({ fromMs: at(-26), toMs: at(-25) }, NOW, 'utc')).toBe('2026-11-21 10:00 – 11:00')
  })

  it('of a moment have the date once it is no more of the last hours', () => {
    expect(formatMoment(NOW - 13 * HOUR, NOW, 'utc')).toBe('23:00')
    expect(formatMoment(NOW - 25 * HOUR, NOW, 'utc')).toBe('2026-11-21 11:00')
  })

  it('have ages in one unit', () => {
    const ages = [0, 999, 59_999, 90_000, 47 * HOUR, 3 * DAY, -10_000].map((age) => formatAge(NOW - age, NOW))
    expect(ages).toEqual(['now', 'now', '59 s ago', '1 min ago', '47 h ago', '3 d ago', 'in 10 s'])
  })
})

it('a zoom out never reaches past now, and keeps its middle otherwise', () => {
  expect(zoom({ fromMs: NOW - HOUR, toMs: NOW }, 2, NOW)).toEqual({ fromMs: NOW - 2 * HOUR, toMs: NOW })
  expect(zoom({ fromMs: NOW - 6 * HOUR, toMs: NOW - 4 * HOUR }, 2, NOW)).toEqual({ fromMs: NOW - 7 * HOUR, toMs: NOW - 3 * HOUR })
})
