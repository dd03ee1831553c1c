import { describe, expect, it } from 'vitest'

import { serviceParam } from '../../base/routes'
import { oneLine } from '../../api/log_fields'
import { activeLogFilters, aroundUrlChange, bodyText, facetQuery, freshOnly, highlight, logQuery, logUrlChange, NO_LOG_FILTERS, readAround, readLogFilters, severityOf } from './logs_query'

const traceId = '0123456789abcdef0123456789abcdef'

describe('filters of the log list', () => {
  it('are read from the URL and given to the API under the same names', () => {
    const params = new URLSearchParams({ service: 's', severity: 'warn', text: 'a b', trace_id: traceId.toUpperCase() })
    params.append('attribute', 'k=v')
    expect(logQuery(readLogFilters(params))).toEqual({
      service: 's',
      severity: 'warn',
      text: 'a b',
      trace_id: traceId,
      attribute: ['k=v'],
    })
  })

  it('drop what the API would refuse', () => {
    const params = new URLSearchParams('severity=loud&trace_id=xyz&span_id=12&attribute=x&sort=random')
    expect(readLogFilters(params)).toEqual(NO_LOG_FILTERS)
  })

  it('come back the same after writing them to a URL', () => {
    const filters = {
      ...NO_LOG_FILTERS,
      text: 'x',
      severity: 'error' as const,
      attributes: ['a=1', 'b=2'],
      sort: 'oldest' as const,
    }
    const written = new URLSearchParams()
    for (const [key, value] of Object.entries(logUrlChange(filters))) {
      for (const one of Array.isArray(value) ? value : [value]) if (one !== null) written.append(key, one)
    }
    expect(readLogFilters(written)).toEqual(filters)
  })

  it('can be dropped one by one, a span with its trace', () => {
    const active = activeLogFilters({ ...NO_LOG_FILTERS, traceId, spanId: '0123456789abcdef', attributes: ['a=1'] })
    expect(active.map((filter) => filter.label)).toEqual(['trace 01234567', 'span 01234567', 'a=1'])
    expect(active[0]?.drop).toEqual({ traceId: '', spanId: '' })
  })

  it('know records that name no service from records of any', () => {
    expect(logQuery(readLogFilters(new URLSearchParams({ service: serviceParam('') })))).toEqual({ service: '' })
    expect(logQuery(readLogFilters(new URLSearchParams()))).toEqual({})
  })

  it('around a record are its service and the minute on both sides, nothing else', () => {
    const change = aroundUrlChange('1795333381438092544', 'shop')
    expect(change).toMatchObject({
      from: '1795333321438092544',
      to: '1795333441438092544',
      last: null,
      service: 'shop',
      text: null,
      severity: null,
      attribute: null,
      sort: 'oldest',
    })
  })
})

describe('severityOf', () => {
  it.each([
    [0, 'unset'],
    [1, 'trace'],
    [5, 'debug'],
    [9, 'info'],
    [12, 'info'],
    [13, 'warn'],
    [17, 'error'],
    [24, 'fatal'],
  ])('%d is %s', (number, severity) => {
    expect(severityOf(number)).toBe(severity)
  })
})

describe('a line', () => {
  it('shows strings as they are and everything else as JSON', () => {
    expect(bodyText('x')).toBe('x')
    expect(bodyText({ a: [1, true] })).toBe('{"a":[1,true]}')
    expect(bodyText(null)).toBe('')
  })

  it('stays one line', () => {
    expect(oneLine('a\n  b\r\n\nc\n')).toBe('a ↵ b ↵ c ↵')
  })
})

describe('highlight', () => {
  it('marks each place, without regard to case', () => {
    expect(highlight('Fail: failed', 'FAIL')).toEqual([
      { text: 'Fail', hit: true },
      { text: ': ', hit: false },
      { text: 'fail', hit: true },
      { text: 'ed', hit: false },
    ])
  })

  it('leaves a text without hits and a search without text whole', () => {
    expect(highlight('abc', 'x')).toEqual([{ text: 'abc', hit: false }])
    expect(highlight('abc', '')).toEqual([{ text: 'abc', hit: false }])
    expect(highlight('', 'x')).toEqual([{ text: '', hit: false }])
  })

  it('takes no character of the search for a pattern', () => {
    expect(highlight('a.c abc', 'a.c')[0]).toEqual({ text: 'a.c', hit: true })
    expect(highlight('a.c abc', 'a.c')).toHaveLength(2)
  })
})

describe('freshOnly', () => {
  const record = (time: number, body = 'x') => ({
    time_unix_nano: String(time),
    service: 's',
    trace_id: '',
    span_id: '',
    body,
  })

  it('is what was not there before', () => {
    expect(freshOnly([record(2), record(1)], [record(4), record(3), record(2)])).toEqual([record(4), record(3)])
  })

  it('counts equal records as often as they occur', () => {
    expect(freshOnly([record(2)], [record(2), record(2)])).toEqual([record(2)])
  })

  it('says when there is more between', () => {
    expect(freshOnly([record(1)], [record(9), record(8)])).toBeNull()
    expect(freshOnly([], [record(9)])).toEqual([record(9)])
  })
})

describe('readAround', () => {
  const read = (query: string) => readAround(new URLSearchParams(query), readLogFilters(new URLSearchParams(query)))

  it('is the time while the range holds it, in the order of time', () => {
    expect(read('from=10&to=20&around=15&sort=oldest')).toBe('15')
    expect(read('from=15&to=16&around=15&sort=oldest')).toBe('15')
  })

  it.each(['from=10&to=20&around=15', 'from=10&to=15&around=15&sort=oldest', 'last=1h&around=15&sort=oldest', 'from=10&to=20&around=x&sort=oldest'])(
    'is nothing for %s',
    (query) => {
      expect(read(query)).toBe('')
    },
  )

  it('goes with the change that looks around', () => {
    const change = aroundUrlChange('1764110000000000000', 'cart')
    const query = new URLSearchParams(Object.entries(change).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
    expect(read(query.toString())).toBe('1764110000000000000')
  })
})

describe('the question of facets', () => {
  it('is the query and the filters beside each other', () => {
    expect(facetQuery(NO_LOG_FILTERS)).toBe('')
    expect(facetQuery({ ...NO_LOG_FILTERS, service: 'shop', severity: 'warn', text: 'timed "out"', attributes: ['n=3', 'resource.host.name=a'], query: 'a || b' })).toBe(
      'a || b "timed \\"out\\"" { resource.service.name = "shop" && severity >= warn && .n = 3 && resource.host.name = "a" }',
    )
    expect(facetQuery({ ...NO_LOG_FILTERS, query: '{ severity >= warn }' })).toBe('{ severity >= warn }')
  })
})
