import { describe, expect, it } from 'vitest'
import { encodeParams } from '../../base/url'
import { readTraceId, readTraceUrl, traceUrlParams, type TraceUrl } from './trace_url'

const USUAL: TraceUrl = { view: 'waterfall', span: '', q: '', only: false, zoom: null, path: true, tab: 'attributes' }

describe('the URL of a trace', () => {
  it.each<[string, Partial<TraceUrl>, string]>([
    ['nothing in particular', {}, ''],
    ['a chosen span', { span: 'c3790a928d989693' }, 'span=c3790a928d989693'],
    ['the flame graph without critical path', { view: 'flame', path: false }, 'view=flame&path=0'],
    ['a zoom', { zoom: { from: 12_000_000, to: 40_000_000 } }, 'zoom=12000000-40000000'],
    ['the wide event', { view: 'event' }, 'view=event'],
    ['a filter to a service', { q: 'service:"shop"', only: true }, 'q=service:%22shop%22&only=1'],
    ['a search and a tab', { q: 'get wiki >5ms', tab: 'logs' }, 'q=get+wiki+%3E5ms&tab=logs'],
  ])('keeps %s', (_, part, text) => {
    const url = { ...USUAL, ...part }
    expect(encodeParams(traceUrlParams(url))).toBe(text)
    expect(readTraceUrl(new URLSearchParams(text))).toEqual(url)
  })

  it.each(['zoom=5-5', 'zoom=9-3', 'zoom=a-b', 'zoom=1', 'view=pie', 'tab=nothing', 'path=1'])(
    'is as usual with %s',
    (text) => {
      expect(readTraceUrl(new URLSearchParams(text))).toEqual(USUAL)
    },
  )
})

describe('a trace id', () => {
  it.each([
    ['0AF7651916CD43DD8448EB211C80319C', '0af7651916cd43dd8448eb211c80319c'],
    ['0af76519-16cd-43dd-8448-eb211c80319c', '0af7651916cd43dd8448eb211c80319c'],
    ['0af7', '0af7'],
    ['0af', null],
    ['00000000000000000000000000000000', null],
    ['checkout', null],
    ['0af7651916cd43dd8448eb211c80319c0', null],
  ])('%s', (text, id) => {
    expect(readTraceId(text)).toBe(id)
  })
})
