import { expect, it } from 'vitest'

import { apdexChange, pointChange, relativeChange } from './change'

const N = '\u202f'

it.each([
  [110, 100, `+10${N}%`],
  [100.4, 100, `±0${N}%`],
  [99.4, 100, `−0.6${N}%`],
  [25, 100, `−75${N}%`],
  [0, 100, `−100${N}%`],
  [199, 100, `+99${N}%`],
  [200, 100, '×2'],
  [1234, 100, '×12'],
])('%d after %d is %s', (now, before, text) => {
  expect(relativeChange(now, before)).toBe(text)
})

it('compares with nothing where there was nothing', () => {
  expect(relativeChange(5, 0)).toBeNull()
  expect(relativeChange(NaN, 5)).toBeNull()
  expect(pointChange(0.5, null)).toBeNull()
})

it.each([
  [0.05, 0.02, '+3 points'],
  [0.0123, 0.02, '−0.77 points'],
  [0.02, 0.02, '±0'],
  [0.03, 0, '+3 points'],
])('a share of %d after %d moved by %s', (now, before, text) => {
  expect(pointChange(now, before)).toBe(text)
})

it.each([
  [0.9, 0.9, '±0'],
  [0.904, 0.896, '±0'],
  [0.5, 0.93, '−0.43'],
  [1, 0.99, '+0.01'],
])('apdex %d after %d: %s', (now, before, text) => {
  expect(apdexChange(now, before)).toBe(text)
})
