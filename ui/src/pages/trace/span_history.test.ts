import { describe, expect, it } from 'vitest'
import { historyOf, historyWords } from './span_history'
import { alikeQuery, groupUrl, linkingQuery, sameValueQuery } from './span_queries'

const MS = 1e6
const bucketOf = (nano: number) => Math.floor(8 * Math.log2(nano))
const cells = (durations: number[]) => durations.map((nano) => [0, bucketOf(nano), 1, 0])
const upTo = (count: number) => cells(Array.from({ length: count }, (_, i) => (i + 1) * MS))

describe('the history of a span', () => {
  it.each<[number, RegExp]>([
    [97.5, /^Slower than 9[5-8]%$/],
    [250, /^Among the slowest 1%$/],
    [20.5, /^Faster than (79|80|81)%$/],
    [0.01, /^Among the fastest 1%$/],
  ])('of %s ms among 1 to 100 ms', (ms, words) => {
    expect(historyWords(historyOf(upTo(100), 8, ms * MS)!)).toMatch(words)
  })

  it('has quantiles within a bucket, buckets without gaps, and knows its own', () => {
    const history = historyOf([...upTo(100), [0, bucketOf(800 * MS), 3, 2]], 8, 50.5 * MS)!
    expect(history.spans).toBe(103)
    expect(history.p50 / MS).toBeGreaterThan(47)
    expect(history.p50 / MS).toBeLessThan(57)
    for (const [i, bucket] of history.buckets.entries()) if (i > 0) expect(bucket.from).toBe(history.buckets[i - 1]!.to)
    const own = history.buckets[history.own]!
    expect(own.from <= 50.5 * MS && own.to > 50.5 * MS).toBe(true)
    expect(history.buckets.at(-1)).toMatchObject({ spans: 3, errors: 2 })
  })

  it('says nothing of too few', () => {
    expect(historyOf(upTo(19), 8, MS)).toBeNull()
    expect(historyOf([], 8, MS)).toBeNull()
  })
})

describe('questions that a span leads to', () => {
  it.each<[unknown, string | null]>([
    ['a "b"', '{ span.key = "a \\"b\\"" }'],
    [9007199254740993n, '{ span.key = 9007199254740993 }'],
    [false, '{ span.key = false }'],
    [[1], null],
    [{ bytes: 'AA==' }, null],
    [null, null],
  ])('same value as %s', (value, query) => {
    expect(sameValueQuery('span', 'key', value)).toBe(query)
  })

  it('names services, operations and keys as TraceQL quotes them', () => {
    expect(alikeQuery('shop', 'GET "/"')).toBe('{ resource.service.name = "shop" && name = "GET \\"/\\"" }')
    expect(groupUrl('shop', 'GET', 'resource', 'a b').by).toEqual(['resource."a b"'])
    expect(linkingQuery('c000000000000003')).toBe('{ link:spanID = "c000000000000003" }')
  })
})
