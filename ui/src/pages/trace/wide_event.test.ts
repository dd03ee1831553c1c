import { describe, expect, it } from 'vitest'
import type { Trace } from '../../api/types'
import { buildModel } from '../../flame/model'
import { makeOutline } from '../../flame/testing/make_trace'
import { VALUES_MAX, WideEvent } from './wide_event'

const model = buildModel(makeOutline([{ id: 'a', at: 0, to: 2e6, name: 'GET /', service: 'web', status: 'Error' }, { id: 'b', parent: 'a', at: 0, to: 10 }]))

const span = (id: string, attributes: Record<string, unknown>, more: Partial<Trace['spans'][number]> = {}) =>
  ({ span_id: id, name: 'GET /', kind: 'Server', status: { code: 'Unset', message: '' }, attributes, resource: 'r', scope: { name: 'lib', version: '' }, events: [], ...more }) as unknown as Trace['spans'][number]
const page = (...spans: Trace['spans']) => ({ spans, attribute_sets: { r: { attributes: { 'host.name': 'h1' }, schema_url: '' } } })

describe('the wide event of a trace', () => {
  it('has each value once, with how many say it and where', () => {
    const event = new WideEvent(model)
    event.add(page(span('a', { 'http.route': '/', n: 1 }), span('b', { 'http.route': '/', n: '1' })))
    event.add(page(span('c', { n: 9007199254740993n })))
    const rows = event.rows().filter((row) => row.scope !== 'trace')
    expect(rows.map((row) => [row.scope, row.key, row.text, row.kind, row.count, row.spanId])).toEqual([
      ['span', 'http.route', '/', 'text', 2, 'a'],
      ['span', 'kind', 'Server', 'text', 3, 'a'],
      ['span', 'n', '1', 'number', 1, 'a'],
      ['span', 'n', '1', 'text', 1, 'b'],
      ['span', 'n', '9007199254740993', 'number', 1, 'c'],
      ['span', 'name', 'GET /', 'text', 3, 'a'],
      ['resource', 'host.name', 'h1', 'text', 3, 'a'],
      ['scope', 'otel.scope.name', 'lib', 'text', 3, 'a'],
    ])
    expect(event.spans).toBe(3)
    expect(event.rows('route =/').map((row) => row.key)).toEqual(['http.route'])
    expect(event.rows('nowhere')).toEqual([])
  })

  it('is one flat JSON object: values where all agree, lists where not, no digit rounded', () => {
    const event = new WideEvent(model)
    event.add(page(span('a', { tier: 'gold', n: 1, 'host.name': 'own' }), span('b', { n: 9007199254740993n }, { events: [{ name: 'exception', attributes: { 'exception.type': 'E' } }] } as never)))
    const json = event.json()
    expect(json).toContain('9007199254740993')
    const flat = JSON.parse(json) as Record<string, unknown>
    expect(flat).toMatchObject({ 'trace.spans': 2, 'trace.duration_ms': 2, 'trace.root.status': 'Error', tier: 'gold', 'host.name': ['own', 'h1'], 'event.exception.type': 'E', 'otel.scope.name': 'lib' })
    expect(flat.n).toHaveLength(2)
  })

  it('counts the values of a key with too many', () => {
    const event = new WideEvent(model)
    event.add(page(...Array.from({ length: VALUES_MAX + 7 }, (_, i) => span(`${i}`, { 'row.id': i }))))
    expect(event.rows('row.id')).toHaveLength(VALUES_MAX)
    expect(event.others).toEqual([{ key: 'row.id', count: 7 }])
  })
})
