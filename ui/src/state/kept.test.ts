import { expect, it } from 'vitest'

import { forget, keep, keptFor } from './kept'

it('gives back what was kept for an entry and a name', () => {
  keep('a', 'list', 1)
  keep('a', 'scroll', 2)
  keep('b', 'list', 3)
  expect([keptFor('a', 'list'), keptFor('a', 'scroll'), keptFor('b', 'list'), keptFor('b', 'scroll')]).toEqual([1, 2, 3, undefined])
  forget('a', 'list')
  expect([keptFor('a', 'list'), keptFor('a', 'scroll')]).toEqual([undefined, 2])
})

it('forgets the entries that were used longest ago', () => {
  for (let i = 0; i < 12; i++) keep(`e${i}`, 'x', i)
  keep('e0', 'y', 0)
  keep('e12', 'x', 12)
  expect(keptFor('e0', 'x')).toBe(0)
  expect(keptFor('e1', 'x')).toBeUndefined()
  expect(keptFor('e12', 'x')).toBe(12)
})
