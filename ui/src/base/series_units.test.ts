import { describe, expect, it } from 'vitest'

import { isRatio, tickLabels, valueFormat } from './series_units'

describe('valueFormat', () => {
  it.each([
    ['By', 1_250_000, '1.25 MB'],
    ['By', 512, '512 B'],
    ['KiBy', 2048, '2.1 MB'],
    ['By/s', 3_400, '3.4 kB/s'],
    ['bit/s', 2e9, '2 Gbit/s'],
    ['s', 0.0124, '12.4 ms'],
    ['s', 0.00000085, '850 ns'],
    ['s', 1.25, '1.25 s'],
    ['ms', 1250, '1.25 s'],
    ['ms', 0.25, '250 µs'],
    ['s', 125, '2 min 5 s'],
    ['s', 12_000, '3 h 20 min'],
    ['%', 12.34, '12.3 %'],
    ['1', 1530, '1,530'],
    ['1/s', 0.25, '0.25/s'],
    ['{request}/s', 1234, '1,234 requests/s'],
    ['{connection}', 12, '12 connections'],
    ['{connection}', 1, '1 connection'],
    ['{query}/s', 0.5, '0.5 queries/s'],
    ['{search}', 3, '3 searches'],
    ['{class}', 3, '3 classes'],
    ['{日本}', 3, '3 日本'],
    ['Cel', 21.5, '21.5 °C'],
    ['s/s', 0.35, '0.35 s/s'],
    ['', 7, '7'],
    ['1', 2_500_000, '2.5 M'],
    ['1', 0.00000002, '2.0e−8'],
    ['1', 0, '0'],
    ['furlong', 3, '3 furlong'],
  ])('of %s: %d is %s', (unit, value, text) => {
    expect(valueFormat(unit).format(value)).toBe(text)
  })

  it('shows a share of one in per cent only where it is one', () => {
    expect(valueFormat('1', { ratio: true }).format(0.256)).toBe('25.6 %')
    expect(valueFormat('1').format(0.256)).toBe('0.256')
  })

  it('leaves the name of what is counted to the title of the axis', () => {
    const format = valueFormat('{request}/s')
    expect(format.short(15_000)).toBe('15 k')
    expect(format.name).toBe('requests/s')
  })

  it('has ticks at round numbers of the unit that is shown', () => {
    expect(valueFormat('s').ticks(0, 0.0043, 5)).toEqual([0, 0.001, 0.002, 0.003, 0.004])
    expect(valueFormat('s').ticks(0, 100, 4)).toEqual([0, 30, 60, 90])
    expect(
      valueFormat('KiBy')
        .ticks(0, 3000, 4)
        .map((tick) => tick * 1024),
    ).toEqual([0, 1e6, 2e6, 3e6])
  })
})

describe('isRatio', () => {
  it('is a gauge of unit 1 that stays within 0 and 1', () => {
    expect(isRatio('1', 'gauge', [0, 0.93])).toBe(true)
    expect(isRatio('1', 'gauge', [0, 12])).toBe(false)
    expect(isRatio('1', 'sum', [0, 1])).toBe(false)
    expect(isRatio('1', 'gauge', null)).toBe(false)
  })
})

describe('tickLabels', () => {
  it('takes as many figures as tell the ticks apart', () => {
    expect(tickLabels(valueFormat('By'), [288_600_000, 288_800_000, 289_000_000])).toEqual(['288.6 MB', '288.8 MB', '289 MB'])
    expect(tickLabels(valueFormat('{request}'), [12_340, 12_350])).toEqual(['12.34 k', '12.35 k'])
    expect(tickLabels(valueFormat('s'), [0, 0.5, 1])).toEqual(['0 ms', '500 ms', '1 s'])
  })

  it('has three figures where there is no step', () => {
    expect(tickLabels(valueFormat('By'), [5, 5])).toEqual(['5 B', '5 B'])
    expect(tickLabels(valueFormat('By'), [123_456])).toEqual(['123 kB'])
    expect(tickLabels(valueFormat('By'), [])).toEqual([])
  })
})
