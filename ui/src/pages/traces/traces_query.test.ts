import { describe, expect, it } from 'vitest'

import { serviceParam } from '../../base/routes'
import { activeTraceFilters, boxUrlChange, durationNanos, filtersQuery, NO_TRACE_FILTERS, queryFilters, readDuration, readTraceFilters, roundDuration, traceQuery, traceUrlChange } from './traces_query'

describe('filters of the trace list', () => {
  const url =
    'service=shop&name=GET+%2Fcart&status=error&min_duration=5ms&max_duration=2s&attribute=a%3Db%3Dc&attribute=k%3D&sort=slowest&last=1h'

  it('are read from the URL and given to the API under the same names', () => {
    expect(traceQuery(readTraceFilters(new URLSearchParams(url)))).toEqual({
      service: 'shop',
      name: 'GET /cart',
      status: 'error',
      min_duration: '5ms',
      max_duration: '2s',
      attribute: ['a=b=c', 'k='],
      sort: 'slowest',
    })
  })

  it('come back the same after writing them to a URL', () => {
    const filters = readTraceFilters(new URLSearchParams(url))
    const written = new URLSearchParams()
    for (const [key, value] of Object.entries(traceUrlChange(filters))) {
      for (const one of Array.isArray(value) ? value : [value]) if (one !== null) written.append(key, one)
    }
    expect(readTraceFilters(written)).toEqual(filters)
  })

  it('leave out of query and URL what says nothing', () => {
    expect(traceQuery(NO_TRACE_FILTERS)).toEqual({})
    expect(Object.values(traceUrlChange(NO_TRACE_FILTERS))).toEqual([null, null, null, null, null, null, null, null])
  })

  it('drop what the API would refuse', () => {
    const filters = readTraceFilters(new URLSearchParams('status=bad&attribute=novalue&attribute=%3Dx&sort=fast'))
    expect(filters).toEqual(NO_TRACE_FILTERS)
  })

  it('know spans that name no service from spans of any', () => {
    const nameless = readTraceFilters(new URLSearchParams({ service: serviceParam('') }))
    expect(traceQuery(nameless)).toEqual({ service: '' })
    expect(activeTraceFilters(nameless)[0]?.label).toBe('service unnamed')
    expect(traceQuery(readTraceFilters(new URLSearchParams()))).toEqual({})
    expect(traceQuery(readTraceFilters(new URLSearchParams({ service: serviceParam('~x') })))).toEqual({ service: '~x' })
  })

  it('can be dropped one by one, the span name with its service', () => {
    const active = activeTraceFilters({ ...NO_TRACE_FILTERS, service: 's', name: 'n', attributes: ['a=1', 'b=2'] })
    expect(active.map((filter) => filter.label)).toEqual(['service s', 'span n', 'a=1', 'b=2'])
    expect(active[0]?.drop).toEqual({ service: '', name: '' })
    expect(active[2]?.drop).toEqual({ attributes: ['b=2'] })
  })
})

describe('a box dragged over the plot', () => {
  const range = { fromMillis: 1000, toMillis: 9000 }

  it('becomes a time range and limits of the duration', () => {
    const box = { fromMillis: 1500.4, toMillis: 2500.2, minNanos: 1_234_567, maxNanos: 98_765_432 }
    expect(boxUrlChange(box, range)).toEqual({
      from: '1500000000',
      to: '2501000000',
      last: null,
      min_duration: '1.23ms',
      max_duration: '98.8ms',
    })
  })

  it('leaves open what reaches the edge', () => {
    const box = { fromMillis: null, toMillis: null, minNanos: 2e9, maxNanos: null }
    expect(boxUrlChange(box, range)).toEqual({ min_duration: '2s' })
  })

  it('takes the other limit from the range where only one side of the time is open', () => {
    const box = { fromMillis: 4000, toMillis: null, minNanos: null, maxNanos: null }
    expect(boxUrlChange(box, range)).toEqual({ from: '4000000000', to: '9000000000', last: null })
  })
})

describe('roundDuration', () => {
  it.each([
    [0, '0ns', '0ns'],
    [999, '999ns', '999ns'],
    [1234, '1.23us', '1.24us'],
    [12_345_678, '12.3ms', '12.4ms'],
    [999_999_999, '999ms', '1000ms'],
    [90_000_000_000, '1.5m', '1.5m'],
    [7_300_000_000_000, '2.02h', '2.03h'],
  ])('keeps %d inside', (nanos, down, up) => {
    expect(roundDuration(nanos, 'down')).toBe(down)
    expect(roundDuration(nanos, 'up')).toBe(up)
  })
})

describe('readDuration', () => {
  it.each([
    ['', ''],
    ['250', '250ms'],
    [' 1.5 s ', '1.5s'],
    ['80µs', '80us'],
    ['1h30m', '1h30m'],
  ])('takes %j as %j', (text, value) => {
    expect(readDuration(text)).toEqual({ value })
  })

  it.each(['fast', '5 minutes', '-3ms', 'ms'])('refuses %j', (text) => {
    expect(readDuration(text)).toHaveProperty('error')
  })
})

it('reads the durations that it writes', () => {
  for (const nanos of [850, 1_500, 2_340_000, 1_240_000_000, 90_000_000_000]) {
    expect(durationNanos(roundDuration(nanos, 'down'))).toBeCloseTo(nanos, -3)
  }
  expect(durationNanos('1h30m')).toBe(5400e9)
  for (const text of ['', 'x', '5', '5 s', '5parsecs']) expect(durationNanos(text)).toBeNull()
})

describe('a query as text', () => {
  it.each([
    '{ resource.service.name = "shop" && name = "GET /cart" && status = error && duration >= 5ms && duration <= 2s }',
    '{ .http.route = "/search" && .n = 7 && .cached = true && resource.host.name = "a" }',
    '{ resource.service.name = "" }',
    '',
  ])('is the filters, and they are it: %s', (text) => {
    const filters = queryFilters(text)
    expect(filters.query).toBe('')
    expect(filtersQuery({ ...filters, sort: 'newest' })).toBe(text)
  })
  it.each([
    '{ .a != 1 }',
    '{ span.a = 1 }',
    '{ duration > 5ms }',
    '{ status = error } >> { .a = 1 }',
    '{ status = error && status = ok }',
    '{ .n = "7" }', // as a filter it would find the number too
    '{ name =~ "a.*" }',
    '{ broken',
  ])('stays a query where filters cannot say it: %s', (text) => {
    expect(queryFilters(text)).toMatchObject({ query: text, service: '', attributes: [] })
    const filters = readTraceFilters(new URLSearchParams({ q: text, service: 'shop' }))
    expect(traceQuery(filters)).toEqual({ q: text })
  })
})
