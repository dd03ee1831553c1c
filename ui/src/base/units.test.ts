import { describe, expect, it } from 'vitest'
import { formatBytes, formatCalls, formatCount, formatDuration, formatNumber, formatPercent, formatRate } from './units'

const plain = (text: string) => text.replaceAll(' ', ' ')

describe('durations', () => {
  it.each([
    [0, '0 ms'],
    [850, '850 ns'],
    [999.7, '1 µs'],
    [1500, '1.5 µs'],
    [999_600, '1 ms'],
    [12_345_678, '12.3 ms'],
    [1_234_567_890, '1.23 s'],
    [59_999_000_000, '60 s'],
    [99_960_000_000, '1 min 40 s'],
    [3_600_000_000_000, '1 h'],
    [90_061_000_000_000, '1 d 1 h'],
  ])('%d ns reads %s', (nanos, text) => expect(plain(formatDuration(nanos))).toBe(text))

  it('says – for what is missing', () => {
    expect(formatDuration(null)).toBe('–')
    expect(formatDuration(NaN)).toBe('–')
  })
})

describe('counts, bytes, rates, shares', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [9999, '9,999'],
    [12_345, '12.3 k'],
    [999_900, '1 M'],
    [5_000_000, '5 M'],
    [2.5, '2.5'],
  ])('count %d reads %s', (value, text) => expect(plain(formatCount(value))).toBe(text))

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [2_500_000_000, '2.5 GB'],
  ])('%d bytes read %s', (value, text) => expect(plain(formatBytes(value))).toBe(text))

  it.each([
    [0, '0 /s'],
    [1234.5, '1,235 /s'],
    [12.34, '12.3 /s'],
    [0.05, '3 /min'],
    [0.0005, '1.8 /h'],
  ])('%d a second reads %s', (value, text) => expect(plain(formatRate(value))).toBe(text))

  it.each([
    [0, '0 %'],
    [0.0000001, '<0.01 %'],
    [0.0123, '1.23 %'],
    [0.5, '50 %'],
    [0.99999, '>99.99 %'],
    [1, '100 %'],
  ])('share %d reads %s', (value, text) => expect(plain(formatPercent(value))).toBe(text))

  it('keeps three significant figures without an exponent', () => {
    expect(formatNumber(0.00012345)).toBe('0.000123')
    expect(formatNumber(123.456)).toBe('123')
  })
})

describe('formatCalls', () => {
  it('is a rate, or the number where there are few', () => {
    expect(formatCalls(0.000275, 1)).toBe('1 call')
    expect(formatCalls(0.00247, 9)).toBe('9 calls')
    expect(formatCalls(0.00275, 10)).toBe(formatRate(0.00275))
    expect(formatCalls(0, 0)).toBe(formatRate(0))
  })
})
