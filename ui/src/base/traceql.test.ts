import { describe, expect, it } from 'vitest'
import { attributeField, attributeOf, bodyField, bodyKeys, conditionsOf, isMetrics, pickedOf, quoted, queryOf, spansOf, tokenize, unquoted, wantedAt, withCondition, withPicked, wrongPlace } from './traceql'

const kinds = (text: string) =>
  tokenize(text)
    .filter((token) => token.kind !== 'space')
    .map((token) => `${token.kind} ${text.slice(token.from, token.to)}`)

describe('tokenize', () => {
  it('tells fields, operators, texts and numbers apart', () => {
    expect(kinds('{ span.http.status_code >= 500 && .k =~ "a\\"b.*" }')).toEqual([
      'bracket {',
      'field span.http.status_code',
      'operator >=',
      'number 500',
      'operator &&',
      'field .k',
      'operator =~',
      'text "a\\"b.*"',
      'bracket }',
    ])
    expect(kinds('{trace:duration>1h30m}|count()>2')).toEqual([
      'bracket {', 'field trace:duration', 'operator >', 'number 1h30m', 'bracket }',
      'operator |', 'word count', 'bracket (', 'bracket )', 'operator >', 'number 2',
    ]) // prettier-ignore
  })
  it('keeps quoted names, structural operators and comments whole', () => {
    expect(kinds('{ resource."a b".c = 1 } !>> { parent.span.x = nil } // end')).toEqual([
      'bracket {', 'field resource."a b".c', 'operator =', 'number 1', 'bracket }', 'operator !>>',
      'bracket {', 'field parent.span.x', 'operator =', 'word nil', 'bracket }',
    ]) // prettier-ignore
  })
  it('covers any text without gaps', () => {
    for (const text of ['', '"open', '`', '{ . }', "'", '§$%&/()=?', '{a=1e', 'spän.x']) {
      let at = 0
      for (const token of tokenize(text)) {
        expect(token.from).toBe(at)
        expect(token.to).toBeGreaterThan(token.from)
        at = token.to
      }
      expect(at).toBe(text.length)
    }
  })
})

describe('wantedAt', () => {
  const at = (marked: string) => {
    const caret = marked.indexOf('¦')
    return wantedAt(marked.replace('¦', ''), caret)
  }
  it('wants a field where a condition begins', () => {
    expect(at('{ ¦ }')).toMatchObject({ what: 'field', typed: '' })
    expect(at('{ status = error && span.ht¦')).toMatchObject({ what: 'field', typed: 'span.ht' })
    expect(at('{ du¦ration > 1s }')).toMatchObject({ what: 'field', typed: 'du', from: 2, to: 10 })
  })
  it('wants an operator behind a field, and a value behind an operator', () => {
    expect(at('{ .a ¦ }')).toMatchObject({ what: 'operator', field: '.a' })
    expect(at('{ .a = ¦ }')).toMatchObject({ what: 'value', field: '.a', typed: '', fixed: [] })
    expect(at('{ .a = "sh¦op" }')).toMatchObject({ what: 'value', field: '.a', typed: '"sh', from: 7, to: 13 })
    expect(at('{ status = e¦')).toMatchObject({ what: 'value', field: 'status', fixed: ['error', 'ok', 'unset'] })
  })
  it('wants what joins conditions behind a value', () => {
    expect(at('{ .a = 1 ¦ }')).toMatchObject({ what: 'join' })
  })
  it('wants a stage behind a pipe and nothing outside', () => {
    expect(at('{ } | co¦')).toMatchObject({ what: 'stage', typed: 'co' })
    expect(at('¦')).toEqual({ what: 'nothing' })
    expect(at('{ .a = 1 } ¦')).toEqual({ what: 'nothing' })
  })
})

describe('conditions', () => {
  it('reads a plain conjunction and writes it back', () => {
    const text = '{ resource.service.name = "shop" && duration >= 500ms && status != ok && .n = -3 }'
    const conditions = conditionsOf(text)
    expect(conditions).toHaveLength(4)
    expect(conditions?.[3]).toEqual({ field: '.n', operator: '=', value: '-3' })
    expect(queryOf(conditions ?? [])).toBe(text)
    expect(conditionsOf(' { } ')).toEqual([])
  })
  it('leaves all else alone', () => {
    for (const text of ['', '{', '{ .a }', '{ .a = 1 || .b = 2 }', '{ (.a = 1) }', '{ .a = .b }', '{} | count() > 2', '{} >> {}', '{ .a = 1 + 2 }', 'x']) {
      expect(conditionsOf(text), text).toBeNull()
    }
  })
  it('adds a condition inside, and turns one round', () => {
    const shop = { field: 'resource.service.name', operator: '=', value: '"shop"' }
    expect(withCondition('', shop)).toBe('{ resource.service.name = "shop" }')
    expect(withCondition('{ status = error }', shop)).toBe('{ status = error && resource.service.name = "shop" }')
    expect(withCondition('{ resource.service.name = "shop" }', { ...shop, operator: '!=' })).toBe('{ resource.service.name != "shop" }')
    expect(withCondition('{ .a } >> { .b }', shop)).toBe('{ .a } >> { .b } | { resource.service.name = "shop" }')
    expect(withCondition('{} | rate()', shop)).toBeNull()
  })
  it('picks values of a field, and lets them go again', () => {
    const region = 'span.region'
    expect(withPicked('', region, '"south"', 'only')).toBe('{ span.region = "south" }')
    expect(withPicked('{ status = error && .region = "north" }', region, '"south"', 'only')).toBe('{ status = error && span.region = "south" }')
    expect(withPicked('{ span.region = "south" }', region, '"south"', 'not')).toBe('{ span.region != "south" }')
    expect(withPicked('{ span.region != "south" }', region, '"north"', 'not')).toBe('{ span.region != "south" && span.region != "north" }')
    expect(withPicked('{ name = "a" && span.region = "south" }', region, '"south"', 'any')).toBe('{ name = "a" }')
    expect(withPicked('{ .a || .b }', region, '"south"', 'not')).toBe('{ .a || .b } | { span.region != "south" }')
    expect(pickedOf('{ .a || .b } | { span.region != "south" }', region, '"south"')).toBe('not')
    expect(withPicked('{ .a || .b } | { span.region != "south" }', region, '"south"', 'any')).toBe('{ .a || .b }')
    expect(withPicked('{} | rate()', region, '"south"', 'only')).toBeNull()
    expect(pickedOf('{ .region = "south" && name != "a" }', region, '"south"')).toBe('only')
    expect(pickedOf('{ .region = "south" && name != "a" }', 'span:name', '"a"')).toBe('not')
    expect(pickedOf('{ .region = "south" }', region, '"north"')).toBe('any')
  })
  it('picks values of records beside words that are searched for', () => {
    expect(withPicked('timeout', 'log.a', '"x"', 'only', 'beside')).toBe('timeout { log.a = "x" }')
    expect(withPicked('a || b', 'log.a', '"x"', 'not', 'beside')).toBe('a || b { log.a != "x" }')
    expect(pickedOf('timeout { log.a = "x" }', 'log.a', '"x"', 'beside')).toBe('only')
    expect(withPicked('timeout { log.a = "x" }', 'log.a', '"x"', 'any', 'beside')).toBe('timeout')
    expect(withPicked('{ severity >= warn }', 'log.a', '"x"', 'only', 'beside')).toBe('{ severity >= warn && log.a = "x" }')
  })
  it('knows the spans that numbers are made of', () => {
    expect(spansOf('{ status = error } | rate() by (name)')).toBe('{ status = error }')
    expect(spansOf('{ .a } >> { .b } | { .c = 1 } | quantile_over_time(duration, .9) | topk(3)')).toBe('{ .a } >> { .b } | { .c = 1 }')
    expect(spansOf('{ .a || (.b && .c) } | rate()')).toBe('{ .a || (.b && .c) }')
    expect(spansOf('({ .a } | rate()) / ({ } | rate())')).toBeNull()
    expect(spansOf('{ .a } | rate() + ({ } | rate())')).toBeNull()
    expect(spansOf('{ name = "x | rate()" }')).toBe('{ name = "x | rate()" }')
    expect(spansOf('')).toBe('')
  })
  it('knows metrics from searches', () => {
    expect(isMetrics('{ name = "rate" } | count() > 2')).toBe(false)
    expect(isMetrics('{} | quantile_over_time(duration, .9) by (name)')).toBe(true)
  })
})

describe('literals and names', () => {
  it('quotes and unquotes', () => {
    for (const text of ['shop', 'a "b" \\ c', 'line\nline\ttab', '']) expect(unquoted(quoted(text))).toBe(text)
    expect(unquoted('`raw \\d`')).toBe('raw \\d')
    expect(unquoted('5')).toBeNull()
    expect(unquoted('"open')).toBeNull()
  })
  it('writes and reads names of attributes', () => {
    expect(attributeField('span', 'http.route')).toBe('span.http.route')
    expect(attributeField('', 'has space')).toBe('."has space"')
    expect(attributeField('resource', '9lives')).toBe('resource."9lives"')
    expect(attributeOf('resource."9lives"')).toEqual({ scope: 'resource', key: '9lives' })
    expect(attributeOf('.http.route')).toEqual({ scope: '', key: 'http.route' })
    expect(attributeOf('parent.span.x')).toEqual({ scope: 'parent.span', key: 'x' })
    expect(attributeOf('duration')).toBeNull()
    expect(attributeOf('event:name')).toBeNull()
  })
})

it('knows where the server says that a query is wrong', () => {
  expect(wrongPlace('column 13: `==` is no operator', 'did you mean `=`?').column).toBe(13)
  expect(wrongPlace('line 2, column 3: what', null).column).toBeNull()
})

it('writes and reads fields within a body of JSON', () => {
  for (const keys of [['a'], ['http', 'status'], ['log.level'], ['a b', 'x'], ['it"s\\'], ['0']]) expect(bodyKeys(bodyField(keys))).toEqual(keys)
  expect(bodyField(['http', 'x.y'])).toBe('body.http."x.y"')
  expect(bodyKeys('body')).toBeNull()
  expect(bodyKeys('body.')).toBeNull()
  expect(bodyKeys('log.body')).toBeNull()
  expect(tokenize('{ body."a b".c >= 5 }').map(({ kind }) => kind)).toEqual(['bracket', 'space', 'field', 'space', 'operator', 'space', 'number', 'space', 'bracket'])
  expect(attributeOf('body.a')).toBeNull() // no attribute: `.a` is another field
  expect(pickedOf('{ body.a = 1 }', 'body.a', '1')).toBe('only')
  expect(pickedOf('{ body.a = 1 }', 'log.a', '1')).toBe('any')
})
