import { describe, expect, it } from 'vitest'

import type { Operation, Service, ServiceList } from '../../api/types'
import { sortRows } from '../../base/table_sort'
import { allServices, errorShare, errorShares, fineCalls, namedLike, operationKey, perSecond, SERVICE_KEYS, serviceValue } from './services_table'

function service(name: string, changes: Partial<Service> = {}): Service {
  return {
    service: name,
    calls: 100,
    errors: 5,
    calls_per_second: 1,
    p50_nano: 1,
    p90_nano: 1.5,
    p95_nano: 2,
    p99_nano: 3,
    max_nano: 4,
    apdex: 0.9,
    apdex_threshold_nano: 500_000_000,
    last_seen_unix_nano: '1795646606118544017',
    series: { calls: [60, 0, 40], errors: [0, 0, 5], p50_nano: [1, null, 1], p90_nano: [1.5, null, 1.5], p95_nano: [2, null, 2], p99_nano: [3, null, 3] },
    ...changes,
  }
}

describe('shares and rates', () => {
  it('say nothing where nothing was called', () => {
    expect(errorShare({ calls: 0, errors: 0 })).toBeNull()
    expect(errorShares(service('a').series)).toEqual([0, null, 0.125])
  })

  it('are by second of the step', () => {
    expect(perSecond(service('a').series.calls, 60)).toEqual([1, 0, 40 / 60])
  })

  it('part the calls in failed and fine ones, never below nothing', () => {
    expect(fineCalls(service('a').series)).toEqual([60, 0, 35])
    expect(fineCalls({ calls: [1.9], errors: [2] })).toEqual([0])
  })
})

it('sorts by each column', () => {
  const rows = [service('b', { calls: 0, errors: 0 }), service('a', { errors: 50 }), service('c')]
  const names = (key: (typeof SERVICE_KEYS)[number], descending: boolean) =>
    sortRows(rows, (row) => serviceValue(row, key), descending, (row) => row.service).map((row) => row.service)
  expect(names('service', false)).toEqual(['a', 'b', 'c'])
  expect(names('errors', true)).toEqual(['a', 'c', 'b'])
  for (const key of SERVICE_KEYS) expect(names(key, true)).toHaveLength(3)
})

it('tells operations of one name apart', () => {
  const one = { name: 'GET', kind: 'Client', entry: false } as Operation
  expect(operationKey(one)).not.toBe(operationKey({ ...one, kind: 'Server' }))
  expect(operationKey(one)).not.toBe(operationKey({ ...one, entry: true }))
})

it.each([
  ['', true],
  ['SEARCH', true],
  ['get sea', true],
  ['get cart', false],
])('finds GET /search by %j: %j', (search, found) => {
  expect(namedLike('GET /search', search)).toBe(found)
})

describe('all services', () => {
  const page = (names: string[], next: string | null): ServiceList => ({
    from_unix_nano: '0',
    to_unix_nano: '1',
    step_seconds: 60,
    services: names.map((name) => service(name)),
    next_cursor: next,
    scanned: { rows: 10, bytes: 100, elapsed_seconds: 0.5 },
  })

  it('are those of all pages, and cost what all pages cost', async () => {
    const asked: (string | undefined)[] = []
    const pages = [page(['a', 'b'], 'x'), page(['c'], null)]
    const all = await allServices((cursor) => {
      asked.push(cursor)
      return Promise.resolve(pages[asked.length - 1] as ServiceList)
    })
    expect(all.services.map((one) => one.service)).toEqual(['a', 'b', 'c'])
    expect(asked).toEqual([undefined, 'x'])
    expect(all.scanned).toEqual({ rows: 20, bytes: 200, elapsed_seconds: 1 })
    expect(all.next_cursor).toBeNull()
  })

  it('end after ten thousand, and say that there are more', async () => {
    let asked = 0
    const all = await allServices(() => Promise.resolve(page([`s${asked++}`], 'more')))
    expect(asked).toBe(10)
    expect(all.next_cursor).toBe('more')
  })
})
