import { describe, expect, it } from 'vitest'
import { substitute, VariableError, variablesIn, type Variables } from './variables'

const variables: Variables = new Map([
  ['one', { values: ['shop'], all: false }],
  ['odd', { values: ['a"b\\c'], all: false }],
  ['two', { values: ['a.b', 'c|d'], all: false }],
  ['any', { values: ['x', 'y'], all: true }],
  ['none', { values: [], all: false }],
  ["quote", { values: ["it's", 'back\\slash'], all: false }],
])
const traceql = (text: string) => substitute(text, 'traceql', variables)

describe('in TraceQL', () => {
  it('one value is quoted', () => {
    expect(traceql('{ resource.service.name = $one && name != ${one} }')).toBe('{ resource.service.name = "shop" && name != "shop" }')
    expect(traceql('{ .x = $odd }')).toBe('{ .x = "a\\"b\\\\c" }')
    expect(traceql('{ .x > $one }')).toBe('{ .x > "shop" }')
  })
  it('behind a match it is a regular expression of the values as they are', () => {
    expect(traceql('{ .x =~ $one }')).toBe('{ .x =~ "shop" }')
    expect(traceql('{ .x =~ $two }')).toBe('{ .x =~ "a\\\\.b|c\\\\|d" }')
    expect(traceql('{ .x !~ $any }')).toBe('{ .x !~ ".*" }')
    expect(traceql('{ .x =~ $none }')).toBe('{ .x =~ "$^" }')
  })
  it('several values turn = into a match', () => {
    expect(traceql('{ .x = $two }')).toBe('{ .x =~ "a\\\\.b|c\\\\|d" }')
    expect(traceql('{ .x != $any }')).toBe('{ .x !~ ".*" }')
    expect(() => traceql('{ .x > $two }')).toThrow(VariableError)
  })
  it('leaves texts alone, and dollars that are doubled', () => {
    expect(traceql('{ .x = "$one \\" $one" && .y = `$one` }')).toBe('{ .x = "$one \\" $one" && .y = `$one` }')
    expect(traceql('$$one $ ${')).toBe('$one $ ${')
  })
  it('names a variable that is not there', () => {
    expect(() => traceql('{ .x = $nothing }')).toThrow('there is no variable $nothing')
  })
})

describe('in SQL', () => {
  it('values are a list of quoted texts', () => {
    expect(substitute("SELECT 1 WHERE s IN ($quote) AND t = '$one'", 'sql', variables)).toBe("SELECT 1 WHERE s IN ('it\\'s', 'back\\\\slash') AND t = '$one'")
    expect(substitute('IN ($any)', 'sql', variables)).toBe("IN ('x', 'y')")
    expect(substitute('IN ($none)', 'sql', variables)).toBe("IN ('')")
  })
  it('comments are left alone, with what looks like a quote in them', () => {
    expect(substitute("-- it's $one\nSELECT /* '$one */ $one - 1 / 2", 'sql', variables)).toBe("-- it's $one\nSELECT /* '$one */ 'shop' - 1 / 2")
  })
  it('what is given is put in as it is', () => {
    expect(substitute('t >= $from', 'sql', variables, { from: 'now()' })).toBe('t >= now()')
  })
})

it('in texts values are words', () => {
  expect(substitute("What $two and '$any' do", 'text', variables)).toBe("What a.b, c|d and 'all' do")
})

it('says which names a text asks for', () => {
  expect(variablesIn('$a ${b_1} $$c "$d"')).toEqual(['a', 'b_1', 'd'])
})
