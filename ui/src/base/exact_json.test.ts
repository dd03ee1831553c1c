import { describe, expect, it } from 'vitest'
import { parseExact, toJson } from './exact_json'

describe('JSON with large integers', () => {
  it('keeps every digit of them and leaves the rest alone', () => {
    const text = '{"id":9007199254740993,"low":-9223372036854775808,"safe":9007199254740991,"ratio":0.1234567890123456789,"big":1e300,"text":"9007199254740993, \\"1\\"","list":[18446744073709551615,1]}'
    expect(parseExact(text)).toEqual({
      id: 9007199254740993n,
      low: -9223372036854775808n,
      safe: 9007199254740991,
      ratio: 0.12345678901234568,
      big: 1e300,
      text: '9007199254740993, "1"',
      list: [18446744073709551615n, 1],
    })
  })

  it('leaves the numbers of the API numbers', () => {
    expect(parseExact('{"duration_nano":1764110000000000000,"attributes":{"token_count":1764110000000000001}}')).toEqual({
      duration_nano: 1764110000000000000,
      attributes: { token_count: 1764110000000000001n },
    })
  })

  it('does not look into texts', () => {
    const value = { text: 'ids [1234567890123456789,1234567890123456789] and "quoted\\":1234567890123456789,', big: '1' }
    expect(parseExact(JSON.stringify(value))).toEqual(value)
  })

  it('writes them as they came', () => {
    expect(toJson({ a: [9007199254740993n, 1], b: 'x' })).toBe('{"a":[9007199254740993,1],"b":"x"}')
    expect(toJson([5n], 2)).toBe('[\n  5\n]')
  })

  it('throws on what is no JSON', () => {
    expect(() => parseExact('{')).toThrow(SyntaxError)
  })
})
