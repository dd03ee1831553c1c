import { describe, expect, it } from 'vitest'

import type { TraceSummary } from '../../api/types'
import { causesOf, firstLine, matchedOf, rowHeight, verdictOf } from './trace_row'

function summary(changes: Partial<TraceSummary> = {}): TraceSummary {
  return {
    trace_id: 'a'.repeat(32),
    root_service: 'search',
    root_name: 'GET /search',
    root_status: 'Unset',
    root_missing: false,
    start_unix_nano: '1000000000',
    duration_nano: 5_000_000,
    span_count: 8,
    error_count: 0,
    services: ['search'],
    matched: { span_id: 'b'.repeat(16), service: 'search', name: 'GET /search', status: 'Unset', start_unix_nano: '1000000000', duration_nano: 1 },
    failures: [],
    ...changes,
  }
}

const failure = (span_id: string, message: string) => ({ span_id, service: 'search', name: 'wikipedia', kind: 'Client' as const, message, target: '' })

describe('what failed', () => {
  it('is told apart by where and what, repeats are counted', () => {
    const causes = causesOf({ failures: [failure('1', 'timeout'), failure('2', 'refused'), failure('3', 'timeout')] })
    expect(causes.map(({ spanId, message, count }) => [spanId, message, count])).toEqual([
      ['1', 'timeout', 2],
      ['2', 'refused', 1],
    ])
  })

  it('counts though the root says nothing of it', () => {
    const inside = { error_count: 1, failures: [failure('1', 'timeout')] }
    expect(verdictOf(summary())).toBe('fine')
    expect(verdictOf(summary(inside))).toBe('hidden')
    expect(verdictOf(summary({ ...inside, root_status: 'Ok' }))).toBe('hidden')
    expect(verdictOf(summary({ ...inside, root_status: 'Error' }))).toBe('failed')
  })

  it('is not held against a root that has not arrived', () => {
    expect(verdictOf(summary({ error_count: 1, root_missing: true }))).toBe('failed')
  })

  it('is shown by its first line', () => {
    expect(firstLine('\n  HTTPSConnectionPool: refused\n  at line 3')).toBe('HTTPSConnectionPool: refused')
    expect(firstLine('')).toBe('')
  })
})

describe('the matched span', () => {
  const other = { ...summary().matched, name: 'SELECT' }

  it('is shown where it is another than the root', () => {
    expect(matchedOf(summary({ matched: other }), 'spans')?.name).toBe('SELECT')
    expect(matchedOf(summary(), 'spans')).toBeNull()
  })

  it('says nothing without conditions', () => {
    expect(matchedOf(summary({ matched: other }), 'anything')).toBeNull()
  })

  it('says nothing where only the service was asked for and the root is of that service', () => {
    expect(matchedOf(summary({ matched: other }), 'a service')).toBeNull()
    expect(matchedOf(summary({ matched: { ...other, service: 'another' } }), 'a service')?.service).toBe('another')
  })
})

it('gives each cause a line', () => {
  expect(rowHeight(0, false)).toBe(30)
  expect(rowHeight(2, false) - rowHeight(1, false)).toBe(20)
  expect(rowHeight(1, true) - rowHeight(0, true)).toBe(26)
})
