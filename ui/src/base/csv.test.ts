import { expect, it } from 'vitest'
import { toCsv } from './csv'

it('quotes what needs it, and keeps all digits', () => {
  const text = toCsv(['a', 'b,c'], [['plain', 'two\nlines'], ['a "word"', null], [9007199254740993n, false], ['', undefined]])
  expect(text).toBe('a,"b,c"\r\nplain,"two\nlines"\r\n"a ""word""",\r\n9007199254740993,false\r\n,\r\n')
})
