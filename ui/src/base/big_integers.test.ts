import { describe, expect, it } from 'vitest'

import { quoteBigIntegers } from './big_integers'

const parsed = (json: string): unknown => JSON.parse(quoteBigIntegers(json))

describe('quoteBigIntegers', () => {
  it('keeps each digit of what a number does not hold', () => {
    expect(parsed('{"id":9007199254740993,"ids":[1,-9223372036854775808,2]}')).toEqual({
      id: '9007199254740993',
      ids: [1, '-9223372036854775808', 2],
    })
  })

  it('leaves what a number holds, fractions and exponents alone', () => {
    const json = '{"a":9007199254740991,"b":0.12345678901234567,"c":1234567890123456789.0,"d":12345678901234567e2,"e":1}'
    expect(quoteBigIntegers(`${json.slice(0, -1)},"big":9007199254740993}`)).toBe(`${json.slice(0, -1)},"big":"9007199254740993"}`)
  })

  it('does not look into texts', () => {
    const value = { text: 'ids [1234567890123456789,1234567890123456789] and "quoted\\":1234567890123456789,', big: '1' }
    expect(parsed(JSON.stringify(value))).toEqual(value)
  })

  it('leaves the numbers of the API numbers', () => {
    expect(parsed('{"duration_nano":1764110000000000000,"attributes":{"x":1764110000000000001}}')).toEqual({
      duration_nano: 1764110000000000000,
      attributes: { x: '1764110000000000001' },
    })
  })
})
