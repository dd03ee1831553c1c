import { describe, expect, it } from 'vitest'

import type { LogList, LogRecord, LogVolume } from '../../api/types'
import { columnText } from '../../api/log_fields'
import { barBounds, excerpt, firstAttributes, itemsOf, messageOf, readColumns, recordJson, rowKeys, timeOfToken, tokenOf, volumeSeries } from './log_view'

const record = (change: Partial<LogRecord> = {}): LogRecord => ({
  time_unix_nano: '1764110000000000001',
  observed_unix_nano: '1764110000000000002',
  severity_number: 9,
  severity_text: 'INFO',
  service: 'cart',
  body: 'added',
  event_name: '',
  trace_id: '',
  span_id: '',
  flags: 0,
  resource: 'r1',
  scope: { name: 'log', version: '1', set: 's1' },
  attributes: {},
  repairs: '',
  ...change,
})

const set = (attributes: Record<string, unknown>) => ({ attributes, schema_url: '' })
const list = (logs: LogRecord[]): LogList => ({
  logs,
  attribute_sets: { r1: set({ 'host.name': 'a' }), s1: set({ lib: true }) },
  next_cursor: null,
  scanned: { rows: 0, bytes: 0, elapsed_seconds: 0 },
})

describe('records of a page', () => {
  it('know their resource and scope', () => {
    const [item] = itemsOf(list([record()]))
    expect(item?.resourceSet?.attributes).toEqual({ 'host.name': 'a' })
    expect(item?.scopeSet?.attributes).toEqual({ lib: true })
    expect(itemsOf(list([record({ resource: 'gone', scope: { name: '', version: '' } })]))[0]).toMatchObject({
      resourceSet: null,
      scopeSet: null,
    })
  })

  it('are copied whole, without what only this page knows', () => {
    const [item] = itemsOf(list([record({ attributes: { a: [1, true] } })]))
    const copied = JSON.parse(recordJson(item!)) as Record<string, unknown>
    expect(copied).toMatchObject({ body: 'added', attributes: { a: [1, true] }, resource: { 'host.name': 'a' } })
    expect(copied.scope).toEqual({ name: 'log', version: '1', attributes: { lib: true } })
    expect(Object.keys(copied)).not.toContain('token')
  })
})

describe('the token of a record', () => {
  it('gives back the time, and differs with what the record says', () => {
    const token = tokenOf(record())
    expect(timeOfToken(token)).toBe('1764110000000000001')
    expect(tokenOf(record({ body: 'removed' }))).not.toBe(token)
    expect(tokenOf(record())).toBe(token)
  })

  it.each(['', 'x', '12', '-a', '1764110000000000001-', '1764110000000000001-$'])('%j is none', (text) => {
    expect(timeOfToken(text)).toBeNull()
  })

  it('is numbered where records are equal', () => {
    expect(rowKeys([{ token: 'a' }, { token: 'b' }, { token: 'a' }, { token: 'a' }])).toEqual(['a', 'b', 'a#1', 'a#2'])
  })
})

describe('what a row shows', () => {
  it('is the body, else the exception, else the name of the event', () => {
    const exception = { 'exception.type': 'E', 'exception.message': 'no' }
    expect(messageOf(record({ attributes: exception }))).toBe('added')
    expect(messageOf(record({ body: null, attributes: exception, event_name: 'e' }))).toBe('E: no')
    expect(messageOf(record({ body: '', event_name: 'device.crash' }))).toBe('device.crash')
    expect(messageOf(record({ body: { a: 1 } }))).toBe('{"a":1}')
    expect(messageOf(record({ body: '\x1b[1;31mred\x1b[0m text' }))).toBe('red text')
  })

  it('says which exception it was, where the body does not', () => {
    const attributes = { 'exception.type': 'IllegalStateException', 'exception.message': 'out of\nstock', item: 'tea' }
    const said = firstAttributes(record({ body: 'failed', attributes }))
    expect(said).toEqual([
      { key: 'exception', value: 'IllegalStateException: out of ↵ stock' },
      { key: 'item', value: 'tea' },
    ])
    expect(firstAttributes(record({ body: 'failed: out of\nstock', attributes })).map(({ key }) => key)).toEqual(['item'])
    expect(firstAttributes(record({ body: '', attributes })).map(({ key }) => key)).toEqual(['item'])
  })

  it('has the searched text in it, however far behind that stands', () => {
    const text = `${'a'.repeat(5000)} NEEDLE ${'b'.repeat(5000)}`
    expect(excerpt(text, 'needle')).toMatch(/^…a+ NEEDLE b+…$/)
    expect(excerpt(text, '')).toMatch(/^a{1500}…$/)
    expect(excerpt('short needle', 'needle')).toBe('short needle')
  })

  it('has the first attributes that say something, on one line and cut', () => {
    const attributes = { 'exception.stacktrace': '', 'thread.id': 7, 'order.id': 'a\nb', items: [1, 2], text: 'x'.repeat(100), d: 1, e: 2 }
    expect(firstAttributes(record({ attributes }))).toEqual([
      { key: 'order.id', value: 'a ↵ b' },
      { key: 'items', value: '[1,2]' },
      { key: 'text', value: `${'x'.repeat(60)}…` },
      { key: 'd', value: '1' },
    ])
  })
})

describe('columns', () => {
  it('show what a record has in a field, whatever its scope', () => {
    const [item] = itemsOf(list([record({ attributes: { n: 3, map: { a: 'b' } }, trace_id: 'ab' })]))
    expect(item && ['log.n', '.n', 'resource.host.name', '.host.name', 'instrumentation.lib', 'log.map', 'trace:id', 'severityText', 'instrumentation:name'].map((field) => columnText(item, field))).toEqual(
      ['3', '3', 'a', 'a', 'true', '{"a":"b"}', 'ab', 'INFO', 'log'],
    )
    expect(item && ['log.host.name', 'span:id', 'nonsense', 'log.none'].map((field) => columnText(item, field))).toEqual([null, null, null, null])
    expect(readColumns(new URLSearchParams('col=b&col=&col=b&col=a'))).toEqual(['b', 'a'])
  })
})

describe('the volume', () => {
  const volume: LogVolume = {
    from_unix_nano: '1764110000000000000',
    to_unix_nano: '1764110060000000000',
    step_seconds: 30,
    total: 10,
    series: [
      { severity: 'info', counts: [4, 3] },
      { severity: 'error', counts: [1, 2] },
    ],
    scanned: { rows: 0, bytes: 0, elapsed_seconds: 0 },
  }

  it('has the severest lowest, only those that occur, with their sums', () => {
    expect(volumeSeries(volume).map(({ severity, total }) => [severity, total])).toEqual([
      ['error', 3],
      ['info', 7],
    ])
  })

  it('knows the limits of a bar', () => {
    expect(barBounds(volume, 1)).toEqual({ fromMs: 1_764_110_030_000, toMs: 1_764_110_060_000 })
  })
})
