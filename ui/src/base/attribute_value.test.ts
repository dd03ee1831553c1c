import { describe, expect, it } from 'vitest'

import { exceptionOf, flattened, leavesOf, parseJsonText, stackLines, urlOf, valueAt, valueKind, valueLine, valueText } from './attribute_value'

describe('valueKind', () => {
  it.each([
    ['5', 'text'],
    [5, 'number'],
    [false, 'boolean'],
    [null, 'empty'],
    [['a', 1], 'list'],
    [{ a: 1 }, 'map'],
    [{ bytes: 'AAE=' }, 'bytes'],
    [{ bytes: 12 }, 'map'],
    [{ bytes: 'AAE=', more: 1 }, 'map'],
  ] as const)('of %j is %s', (value, kind) => {
    expect(valueKind(value)).toBe(kind)
  })
})

describe('valueText', () => {
  it('keeps short values on one line and indents long ones', () => {
    expect(valueText(['a', 'b'])).toBe('["a","b"]')
    expect(valueText({ a: { b: 1 } })).toBe('{"a":{"b":1}}')
    const long = { key: 'x'.repeat(80), other: true }
    expect(valueText(long)).toBe(JSON.stringify(long, null, 2))
    expect(valueLine(long)).not.toContain('\n')
  })

  it('shows scalars bare, bytes as base64, nothing as nothing', () => {
    expect([valueText('a\nb'), valueText(1.5), valueText(true), valueText({ bytes: 'AAE=' }), valueText(null)]).toEqual([
      'a\nb', '1.5', 'true', 'AAE=', '',
    ]) // prettier-ignore
  })
})

describe('parseJsonText', () => {
  it('finds maps and lists, not scalars and not what merely begins like them', () => {
    expect(parseJsonText(' {"a": 1}')).toEqual({ a: 1 })
    expect(parseJsonText('[1]')).toEqual([1])
    expect(parseJsonText('[worker 1] started')).toBeNull()
    expect(parseJsonText('12')).toBeNull()
    expect(parseJsonText('null')).toBeNull()
  })
})

describe('integers of 64 bits', () => {
  it('are numbers with all their digits, within lists too', () => {
    expect(valueKind(9007199254740993n)).toBe('number')
    expect(valueText(9007199254740993n)).toBe('9007199254740993')
    expect(valueText([9007199254740993n])).toBe('[9007199254740993]')
  })
})

describe('urlOf', () => {
  it('is whole addresses of the web and nothing else', () => {
    expect(urlOf('https://docs.example/models?a=1#inputs')).toBe('https://docs.example/models?a=1#inputs')
    expect(urlOf('javascript:alert(1)')).toBeNull()
    expect(urlOf('see https://docs.example')).toBeNull()
    expect(urlOf(5)).toBeNull()
  })
})

describe('exceptionOf', () => {
  it('needs one of the three attributes', () => {
    expect(exceptionOf({ 'http.route': '/' })).toBeNull()
    expect(exceptionOf({ 'exception.message': 'no route' })).toEqual({ type: '', message: 'no route', stacktrace: '' })
  })
})

describe('stackLines', () => {
  it('tells lines of libraries from the own ones', () => {
    const lines = stackLines(
      'Error: no\n    at pay (/app/src/pay.js:3:9)\n    at run (/app/node_modules/express/index.js:1:1)\r\n    at node:internal/x:1\n\n',
    )
    expect(lines.map((line) => line.foreign)).toEqual([false, false, true, true])
  })

  it('keeps the source that Python shows with its frame', () => {
    const lines = stackLines(
      `Traceback (most recent call last):
  File "/opt/venv/lib/python3.11/site-packages/httpx/_client.py", line 10, in send
    raise exc
  File "/srv/app/wiki.py", line 3, in get
    client.send()
httpx.ConnectError: refused`,
    )
    expect(lines.map((line) => line.foreign)).toEqual([false, true, true, false, false, false])
  })
})

it('makes paths of maps within maps, and leaves what is none', () => {
  expect(flattened({ a: { b: { c: 1n } }, list: [{ x: 1 }], none: {}, bytes: { bytes: 'AA==' }, 'd.e': null })).toEqual({
    'a.b.c': 1n, list: [{ x: 1 }], none: {}, bytes: { bytes: 'AA==' }, 'd.e': null,
  }) // prettier-ignore
  let deep: Record<string, unknown> = { end: true }
  for (let i = 0; i < 50; i++) deep = { a: deep }
  expect(Object.keys(flattened(deep))).toEqual(['a.a.a.a.a.a.a.a.a'])
})

it('finds what stands behind keys', () => {
  const map = { http: { status: 500, 'x.y': 1, none: null }, 'http.route': '/', 'http.none': 2, list: [1] }
  expect(leavesOf(map).map(({ keys }) => keys)).toEqual([['http', 'status'], ['http', 'x.y'], ['http', 'none'], ['http.route'], ['http.none'], ['list']])
  expect(valueAt(map, ['http', 'status'])).toBe(500)
  expect(valueAt(map, ['http', 'x.y'])).toBe(1)
  expect(valueAt(map, ['http', 'route'])).toBe('/')
  expect(valueAt(map, ['http', 'none'])).toBe(2)
  expect(valueAt(map, ['http'])).toBe(map.http)
  expect(valueAt(map, ['list', '0'])).toBeUndefined()
  expect(valueAt(map, ['constructor'])).toBeUndefined()
})
