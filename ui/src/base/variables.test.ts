import { describe, expect, it } from 'vitest'
import { substitute, VariableError, variablesIn, type Variables } from './variables'

const variables: Variables = new Map([
  ['one', { values: ['shop'], all: false }],
  ['odd', { values: ['a"b\\c'], all: false }],
  ['two', { values: ['a.b', 'c|d'], all: false }],
  ['any', { values: ['x', 'y'], all: true }],
  ['none', { values: [], all: false }],
  ['kind', { values: ['server'], all: false }],
  ['kinds', { values: ['server', 'client'], all: false }],
  ['number', { values: ['200'], all: false }],
  ['codes', { values: ['200', '5xx'], all: false }],
  ['time', { values: ['1.5s'], all: false }],
  ['fields', { values: ['name', 'span.http.route'], all: false }],
  ["quote", { values: ["it's", 'back\\slash'], all: false }],
])
const traceql = (text: string) => substitute(text, 'traceql', variables)

describe('in TraceQL', () => {
  it('one value is quoted', () => {
    expect(traceql('{ resource.service.name = $one && name != ${one} }')).toBe('{ resource.service.name = "shop" && name != "shop" }')
    expect(traceql('{ .x = $odd }')).toBe('{ .x = "a\\"b\\\\c" }')
    expect(traceql('{ .x > $one }')).toBe('{ .x > "shop" }')
    expect(traceql('{ name = $number }')).toBe('{ name = "200" }')
  })
  it('behind a match it is a regular expression of the values as they are', () => {
    expect(traceql('{ .x =~ $one }')).toBe('{ .x =~ "shop" }')
    expect(traceql('{ .x =~ $two }')).toBe('{ .x =~ "a\\\\.b|c\\\\|d" }')
    expect(traceql('{ name !~ $any && resource.service.name =~ $any }')).toBe('{ name !~ ".*" && resource.service.name =~ ".*" }')
    expect(traceql('{ .x =~ $none }')).toBe('{ .x =~ ".^" }')
  })
  it('several values turn = into a match', () => {
    expect(traceql('{ .x = $two }')).toBe('{ .x =~ "a\\\\.b|c\\\\|d" }')
    expect(traceql('{ name != $any }')).toBe('{ name !~ ".*" }')
    expect(() => traceql('{ .x > $two }')).toThrow(VariableError)
  })
  it('kinds and statuses are words of the language', () => {
    expect(traceql('{ kind = $kind && span:status != $kind }')).toBe('{ kind = server && span:status != server }')
    expect(traceql('{ kind =~ $kinds && status !~ $kinds }')).toBe('{ (kind = server || kind = client) && (status != server && status != client) }')
    expect(traceql('{ kind = $any || status != $any || kind = $none }')).toBe('{ true || false || false }')
    expect(traceql('{ severity >= $kind }')).toBe('{ severity >= server }')
    expect(() => traceql('{ kind = $one || kind = $odd }')).toThrow('is no word of the language')
  })
  it('attributes may be numbers', () => {
    expect(traceql('{ .code = $number }')).toBe('{ (.code = "200" || .code = 200) }')
    expect(traceql('{ span.code != $number && .a = 1 }')).toBe('{ (span.code != "200" || span.code != 200) && .a = 1 }')
    expect(traceql('{ body.http.code = $number }')).toBe('{ (body.http.code = "200" || body.http.code = 200) }')
    expect(traceql('{ .code =~ $codes }')).toBe('{ (.code =~ "200|5xx" || .code = 200) }')
    expect(traceql('{ .code =~ $any && .code != $any }')).toBe('{ .code != nil && false }')
    expect(traceql('{ .code >= $number && .code = $number + 1 }')).toBe('{ .code >= 200 && .code = 200 + 1 }')
    expect(traceql('{ resource.service.name = $number }')).toBe('{ resource.service.name = "200" }')
  })
  it('durations, counts and arguments of functions are numbers', () => {
    expect(traceql('{ duration > $time && traceDuration = $time }')).toBe('{ duration > 1.5s && traceDuration = 1.5s }')
    expect(traceql('{ } | count() > $number')).toBe('{ } | count() > 200')
    expect(traceql('{ } | quantile_over_time(duration, $number) | topk($number)')).toBe('{ } | quantile_over_time(duration, 200) | topk(200)')
  })
  it('fields to group by stand as they are', () => {
    expect(traceql('{ } | rate() by (kind, ${fields})')).toBe('{ } | rate() by (kind, name, span.http.route)')
    expect(() => traceql('{ } | rate() by ($quote)')).toThrow('is no field')
  })
  it('words of log records are texts', () => {
    expect(traceql('timeout $number { severity >= warn && $one }')).toBe('timeout "200" { severity >= warn && "shop" }')
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
