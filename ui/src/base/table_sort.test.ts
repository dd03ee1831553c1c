import { describe, expect, it } from 'vitest'

import { nextSort, readSort, sortRows, writeSort, type Sort } from './table_sort'

type Key = 'name' | 'calls'
const KEYS: readonly Key[] = ['name', 'calls']
const USUAL: Sort<Key> = { key: 'calls', descending: true }

describe('the order in the URL', () => {
  it.each(['name', '-name', 'calls'])('%s comes back the same', (text) => {
    expect(writeSort(readSort(text, KEYS, USUAL), USUAL)).toBe(text)
  })

  it('needs no words where it is the usual one', () => {
    expect(writeSort(readSort('-calls', KEYS, USUAL), USUAL)).toBeNull()
  })

  it.each(['', '-', 'price', '--name'])('is the usual one for %j', (text) => {
    expect(readSort(text, KEYS, USUAL)).toEqual(USUAL)
  })
})

it('turns round, or begins with the direction that one looks for', () => {
  expect(nextSort(USUAL, 'calls', true)).toEqual({ key: 'calls', descending: false })
  expect(nextSort(USUAL, 'name', false)).toEqual({ key: 'name', descending: false })
})

describe('sorted rows', () => {
  const rows = [
    { name: 'b', p95: 2 },
    { name: 'c', p95: null },
    { name: 'a', p95: 2 },
    { name: 'd', p95: 10 },
  ]
  const names = (descending: boolean) => sortRows(rows, (row) => row.p95, descending, (row) => row.name).map((row) => row.name)

  it('have ties by name and missing values last, in both directions', () => {
    expect(names(false)).toEqual(['a', 'b', 'd', 'c'])
    expect(names(true)).toEqual(['d', 'a', 'b', 'c'])
  })

  it('go by text, too', () => {
    expect(sortRows(rows, (row) => row.name, true, () => '').map((row) => row.name)).toEqual(['d', 'c', 'b', 'a'])
  })
})
