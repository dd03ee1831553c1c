import { describe, expect, it } from 'vitest'
import { attributeFilter, isAttributeFilter } from './filters'

describe('a condition on an attribute', () => {
  it.each([
    ['http.route', '/a=b', '', 'http.route=/a=b'],
    ['empty', '', '', 'empty='],
    ['count', 3, '', 'count=3'],
    ['hash', 9_007_199_254_740_993n, '', 'hash=9007199254740993'],
    ['cached', false, 'resource.', 'resource.cached=false'],
  ] as const)('%s of %s', (key, value, prefix, wanted) => {
    expect(attributeFilter(key, value, prefix)).toBe(wanted)
    expect(isAttributeFilter(wanted)).toBe(true)
  })

  it('is none for lists, maps, bytes and nothing', () => {
    for (const value of [['a'], { a: 1 }, { bytes: 'AAH+/w==' }, null]) expect(attributeFilter('key', value)).toBeNull()
  })

  it('needs a key', () => {
    expect(isAttributeFilter('=value')).toBe(false)
    expect(isAttributeFilter('key')).toBe(false)
  })
})
