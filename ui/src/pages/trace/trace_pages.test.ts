import { describe, expect, it } from 'vitest'
import type { LogList, TraceOutlinePage } from '../../api/types'
import { makeOutline, type SpanSketch } from '../../flame/testing/make_trace'
import { joinLogs, loadOutline } from './trace_pages'

const scanned = { rows: 2, bytes: 10, elapsed_seconds: 0.5 }

function page(spans: SpanSketch[], next_cursor: string | null): TraceOutlinePage {
  const { cut: _, ...outline } = makeOutline(spans)
  return { ...outline, sampling: null, next_cursor, scanned }
}

function server(pages: Record<string, TraceOutlinePage>) {
  const asked: string[] = []
  return { asked, ask: (cursor: string | undefined) => (asked.push(cursor ?? ''), Promise.resolve(structuredClone(pages[cursor ?? '']!))) }
}

describe('the pages of an outline', () => {
  const pages = {
    '': page([{ id: 'a', at: 0, to: 9, service: 'web' }], 'second'),
    second: page(
      [
        { id: 'b', parent: 'a', at: 1, to: 2, service: 'db' },
        { id: 'c', parent: 'a', at: 3, to: 4, service: 'web' },
      ],
      'third',
    ),
    third: page([{ id: 'd', parent: 'b', at: 5, to: 6, service: 'db' }], null),
  }

  it('become one outline, in which a service has one number', async () => {
    const { ask, asked } = server(pages)
    const heard: number[] = []
    const whole = await loadOutline(ask, (spans) => heard.push(spans))
    expect(asked).toEqual(['', 'second', 'third'])
    expect(heard).toEqual([1, 3])
    expect(whole.cut).toBe(false)
    expect(whole.spans.map((span) => [span.span_id, whole.services[span.service]])).toEqual([
      ['a', 'web'],
      ['b', 'db'],
      ['c', 'web'],
      ['d', 'db'],
    ])
    expect(whole.scanned).toEqual({ rows: 6, bytes: 30, elapsed_seconds: 1.5 })
  })

  it('are asked for until as many spans are held as can be, which is said', async () => {
    const { ask, asked } = server(pages)
    const whole = await loadOutline(ask, undefined, 3)
    expect(asked).toEqual(['', 'second'])
    expect(whole.spans).toHaveLength(3)
    expect(whole.cut).toBe(true)
  })
})

describe('pages of logs', () => {
  it('become one list with the end of the last', () => {
    const list = (body: string, set: string, next_cursor: string | null): LogList => ({
      logs: [{ body } as unknown as LogList['logs'][number]],
      attribute_sets: { [set]: { attributes: {}, schema_url: '' } } as LogList['attribute_sets'],
      next_cursor,
      scanned,
    })
    const joined = joinLogs(list('one', 'x', 'more'), list('two', 'y', null))
    expect(joined.logs.map((log) => log.body)).toEqual(['one', 'two'])
    expect(Object.keys(joined.attribute_sets)).toEqual(['x', 'y'])
    expect(joined.next_cursor).toBeNull()
  })
})
