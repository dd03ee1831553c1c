import { expect, it } from 'vitest'
import { readRecent, RECENT_MAX, withRecent } from './recent'

it('keeps the newest first, each once, and not too many', () => {
  let list: string[] = []
  for (let i = 0; i < 2 * RECENT_MAX; i++) list = withRecent(list, `{ .n = ${i} }`)
  expect(list).toHaveLength(RECENT_MAX)
  expect(list[0]).toBe('{ .n = 19 }')
  expect(withRecent(list, '{ .n = 15 }').filter((one) => one === '{ .n = 15 }')).toHaveLength(1)
  expect(withRecent(list, 'x'.repeat(5000))).toEqual(list)
})

it('reads what was stored, whatever it is', () => {
  for (const text of [null, '', 'x', '{}', '[1,2]', '[""]', '"a"']) expect(readRecent(text)).toEqual([])
  expect(readRecent('["a", 1, "b"]')).toEqual(['a', 'b'])
})
