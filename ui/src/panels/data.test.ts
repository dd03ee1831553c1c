import { describe, expect, it } from 'vitest'
import type { DashboardQuery, MetricsAnswer } from '../api/types'
import { barsOf, histogramOf, legendName, levelOf, metricsData, noteOf, reduced, spanGroupsData, spanSeriesData, spansOfLabels, sqlData, tableOf } from './data'

const NOW = 10 * 60_000
const grid = { from_unix_nano: '0', to_unix_nano: '180000000000', step_seconds: 60 }
const scanned = { rows: 0, bytes: 0, elapsed_seconds: 0 }
const answer = (results: MetricsAnswer['results']): MetricsAnswer => ({ ...grid, results, scanned }) as MetricsAnswer

describe('metrics', () => {
  it('have names of their legend, else of their labels', () => {
    const data = metricsData(
      answer([
        { name: 'A', type: 'sum', unit: '1', result_unit: '1/s', series: [{ labels: { 'http.route': '/a' }, values: [1, 2, null] }, { labels: { 'http.route': '/b' }, values: [3, 4, 5] }], series_total: 7 },
        { name: 'B', result_unit: '1/s', series: [{ labels: {}, values: [1, 1, 1] }], series_total: 1 },
      ]),
      { queries: [] },
      [
        { name: 'A', source: 'metrics', metric: 'm', query: '{ resource.service.name = "shop" }', legend: '{{http.route}} now' },
        { name: 'B', source: 'metrics', metric: 'n' },
      ],
      NOW,
    )
    expect(data.series.map((one) => one.name)).toEqual(['/a now', '/b now', 'n'])
    expect(data.total).toBe(8)
    expect(data.addsUp).toBe(true)
    expect(data.series[0]?.behind).toEqual({ signal: 'traces', q: '{ resource.service.name = "shop" && span.http.route = "/a" }' })
    expect(new Set(data.series.map((one) => one.color)).size).toBe(3)
  })
  it('add up where their values are parts of a whole', () => {
    const addsUp = (type: 'gauge' | 'sum' | 'histogram', query: Partial<DashboardQuery>) =>
      metricsData(answer([{ name: 'A', type, unit: 'By', result_unit: 'By', series: [{ labels: {}, values: [1] }], series_total: 1 }]), {}, [{ name: 'A', source: 'metrics', metric: 'm', ...query }], NOW).addsUp
    expect([addsUp('sum', {}), addsUp('histogram', { aggregation: 'increase' }), addsUp('gauge', { aggregation: 'sum' })]).toEqual([true, true, true])
    expect([addsUp('sum', { aggregation: 'avg' }), addsUp('sum', { aggregation: 'max' }), addsUp('gauge', {}), addsUp('histogram', { aggregation: 'p95' })]).toEqual([false, false, false, false])
    expect([addsUp('sum', { over_time: 'rate', over_series: 'max' }), addsUp('sum', { over_time: 'rate', over_series: 'sum' })]).toEqual([false, true])
  })
  it('lead to the spans of a service whatever it is called', () => {
    const data = metricsData(answer([{ name: 'A', result_unit: '', series: [{ labels: { 'http.route': '/a' }, values: [1] }], series_total: 1 }]), {}, [{ name: 'A', source: 'metrics', metric: 'm', query: `{ resource.service.name = "$&$'$\`" }` }], NOW)
    expect(data.series[0]?.behind?.q).toBe(`{ resource.service.name = "$&$'$\`" && span.http.route = "/a" }`)
  })
  it('counted from spans lead to those spans', () => {
    expect(spansOfLabels({ 'service.name': 'a', 'span.name': 'GET /', 'span.kind': 'SPAN_KIND_SERVER', 'status.code': 'STATUS_CODE_ERROR' }, 'traces.span.metrics.calls')).toBe(
      '{ resource.service.name = "a" && name = "GET /" && kind = server && status = error }',
    )
    expect(spansOfLabels({ pool: 'x', 'http.response.status_code': '500' }, 'm')).toBe('{ span.http.response.status_code = 500 }')
  })
  it('of equal names are told apart', () => {
    const one = { labels: { a: 'x' }, values: [1] }
    expect(metricsData(answer([{ name: 'A', result_unit: '', series: [one, { labels: { a: 'x' }, values: [2] }], series_total: 2 }]), {}, [], NOW).series.map((series) => series.name)).toEqual(['x', 'x (2)'])
  })
})

describe('spans', () => {
  it('have their labels as conditions', () => {
    const data = spanSeriesData(
      [{ q: '{ kind = server } | quantile_over_time(duration, .5) by (name)', query: { name: 'A', source: 'traceql' }, answer: { ...grid, series: [{ labels: [{ field: 'name', literal: '"GET /"' }, { field: 'p', literal: '0.5' }], values: [0.1, null, 0.2] }], is_cut: false, one_in: 1, scanned } as never }],
      undefined,
      NOW,
    )
    expect(data.series[0]).toMatchObject({ name: 'GET / · p50', behind: { signal: 'traces', q: '{ kind = server && name = "GET /" }' } })
    expect(data.format.format(0.1)).toBe('100 ms')
  })
  it('in groups are rows', () => {
    const table = spanGroupsData(
      { fields: ['resource.service.name', 'span.http.route'], groups: [{ literals: ['"shop"', 'nil'], spans: 4, errors: 1, p50_nano: 1, p95_nano: 2, p99_nano: 3, max_nano: 4, sparkline: [] }], group_count: 9, one_in: 1, spans: 4, errors: 1, next_cursor: null, scanned, ...grid } as never,
      '',
    )
    expect(table.columns.map((column) => column.label)).toEqual(['service.name', 'http.route', 'Spans', 'Errors', 'p50', 'p95', 'p99'])
    expect(table.rows[0]).toEqual({ cells: ['shop', '–', 4, 1, 1, 2, 3], behind: { signal: 'traces', q: '{ resource.service.name = "shop" && span.http.route = nil }' } })
    expect(barsOf(table, 'last').bars).toMatchObject([{ name: 'shop · –', value: 4 }])
  })
})

describe('SQL', () => {
  const meta = [{ name: 'time', type: "DateTime('UTC')" }, { name: 'service', type: 'String' }, { name: 'n', type: 'UInt64' }]
  it('with a time first is series over time, with gaps where there are no rows', () => {
    const data = sqlData({ meta, data: [['1970-01-01 00:01:00', 'a', '5'], ['1970-01-01 00:03:00', 'a', '7'], ['1970-01-01 00:02:00', 'b', '1']], rows: 3 }, undefined, { fromMs: 0, toMs: 1 }, NOW)
    expect(data).toMatchObject({ kind: 'series', fromMs: 60_000, stepSeconds: 60 })
    expect(data.kind === 'series' && data.series.map(({ name, values }) => [name, values])).toEqual([['a', [5, null, 7]], ['b', [null, 1, null]]])
  })
  it('over time has the steps of the range, and those of rows beside it', () => {
    const data = (fromMs: number, toMs: number) => sqlData({ meta, data: [['1970-01-01 00:02:30', 'a', '5'], ['1970-01-01 00:03:30', 'a', '7']], rows: 2 }, undefined, { fromMs, toMs }, NOW)
    expect(data(0, 300_000)).toMatchObject({ fromMs: 30_000, toMs: 330_000, stepSeconds: 60, series: [{ values: [null, null, 5, 7, null] }] })
    expect(data(180_000, 200_000)).toMatchObject({ fromMs: 150_000, series: [{ values: [5, 7] }] })
    // As fine as that, the whole range would be too many steps.
    expect(data(0, 30 * 86_400_000)).toMatchObject({ fromMs: 150_000, series: [{ values: [5, 7] }] })
  })
  it('over time is read in the zone of its column', () => {
    const series = (type: string, ...times: string[]) => sqlData({ meta: [{ name: 't', type }, { name: 'n', type: 'UInt64' }], data: times.map((time, i) => [time, i + 1]), rows: times.length }, undefined, { fromMs: 0, toMs: 1 }, NOW)
    expect(series("DateTime('Europe/Berlin')", '2026-07-01 02:00:00', '2026-07-01 03:00:00')).toMatchObject({ fromMs: Date.UTC(2026, 6, 1), stepSeconds: 3600 })
    expect(series("Nullable(DateTime64(3, 'America/New_York'))", '2026-01-01 00:00:00.000', '2026-01-01 01:00:00.000')).toMatchObject({ fromMs: Date.UTC(2026, 0, 1, 5) })
    // The clocks go forward between these two, which are an hour apart.
    expect(series("DateTime('Europe/Berlin')", '2026-03-29 01:00:00', '2026-03-29 03:00:00')).toMatchObject({ fromMs: Date.UTC(2026, 2, 29), stepSeconds: 3600 })
    expect(series('DateTime', '2026-07-01 02:00:00', '2026-07-01 03:00:00')).toMatchObject({ fromMs: Date.UTC(2026, 6, 1, 2) })
    expect(series("DateTime('Mars/Olympus')", '2026-07-01 02:00:00', '2026-07-01 03:00:00')).toMatchObject({ fromMs: Date.UTC(2026, 6, 1, 2) })
  })
  it('by days is over time too', () => {
    const days = sqlData({ meta: [{ name: 'day', type: 'Date' }, { name: 'n', type: 'UInt64' }], data: [['1970-01-02', '1'], ['1970-01-03', '2']], rows: 2 }, undefined, { fromMs: 86_400_000, toMs: 259_200_000 }, NOW)
    expect(days).toMatchObject({ kind: 'series', stepSeconds: 86_400, series: [{ name: 'n', values: [1, 2] }] })
  })
  it('may have more rows than a call has arguments', () => {
    const many = 200_000
    const rows = Array.from({ length: many }, (_, i) => [new Date((i % 5000) * 1000).toISOString(), `s${Math.floor(i / 5000)}`, i])
    const data = sqlData({ meta, data: rows, rows: many }, undefined, { fromMs: 0, toMs: 5_000_000 }, NOW)
    expect(data.kind === 'series' && histogramOf(data).reduce((sum, bar) => sum + bar.count, 0)).toBe(many)
    const times = Array.from({ length: many }, (_, i) => [new Date(i * 1000).toISOString(), 'a', i])
    expect(sqlData({ meta, data: times, rows: many }, undefined, { fromMs: 0, toMs: many * 1000 }, NOW)).toMatchObject({ kind: 'series', stepSeconds: 1 })
  }, 30_000)
  it('may have a name in several rows, which stay several bars', () => {
    const table = sqlData({ meta: meta.slice(1), data: [['a', '1'], ['a (2)', '2'], ['a', '3'], ['a', '4']], rows: 4 }, undefined, { fromMs: 0, toMs: 1 }, NOW)
    if (table.kind !== 'table') throw new Error('no table')
    expect(barsOf(table, 'last').bars.map(({ name, value }) => [name, value])).toEqual([['a (4)', 4], ['a (3)', 3], ['a (2)', 2], ['a', 1]])
  })
  it('else it is a table', () => {
    expect(sqlData({ meta: meta.slice(1), data: [['a', '5'], [null, null]], rows: 2 }, undefined, { fromMs: 0, toMs: 1 }, NOW)).toMatchObject({ kind: 'table', rows: [{ cells: ['a', 5] }, { cells: [null, null] }] })
  })
})

describe('figures', () => {
  const data = metricsData(answer([{ name: 'A', result_unit: '', series: [{ labels: {}, values: [1, 3, null] }], series_total: 1 }]), {}, [{ name: 'A', source: 'metrics', metric: 'm' }], NOW)
  it('of one series', () => {
    const one = data.series[0]!
    expect([reduced(one, 'last', 3), reduced(one, 'sum', 3), reduced(one, 'avg', 3), reduced(one, 'last', 1)]).toEqual([3, 4, 2, 1])
    expect(tableOf(data).rows[0]?.cells).toEqual(['m', 3, 2, 1, 3])
  })
  it('have the decimals that are wanted, in the unit that fits', () => {
    const said = (unit: string, value: number, decimals: number) =>
      metricsData(answer([{ name: 'A', type: 'gauge', unit, result_unit: unit, series: [{ labels: {}, values: [value] }], series_total: 1 }]), { options: { decimals } }, [], NOW).format.format(value).replaceAll('\u202f', ' ')
    expect([said('By', 123_456_789, 2), said('s', 0.01234, 1), said('%', 99.98765, 3), said('{request}/s', 12.5, 0), said('1', 1234.5, 0), said('s', 5400, 2)]).toEqual([
      '123.46 MB', '12.3 ms', '99.988 %', '13 requests/s', '1,235', '1 h 30 min',
    ]) // prettier-ignore
  })
  it('in equal ranges', () => {
    const bars = histogramOf(data, 2)
    expect(bars.map((bar) => bar.count)).toEqual([1, 1])
  })
  it('reach thresholds', () => {
    const thresholds = [{ value: 5, level: 'error' as const }, { value: 1, level: 'warning' as const }]
    expect([levelOf(0, thresholds), levelOf(1, thresholds), levelOf(9, thresholds), levelOf(null, thresholds)]).toEqual(['', 'warning', 'error', ''])
  })
})

it('legends take labels', () => {
  expect(legendName('{{a}} of {{ b.c }} {{none}}', { a: 'x', 'b.c': 'y' })).toBe('x of y')
})

describe('what is not whole is said', () => {
  const spans = (is_cut: boolean, one_in: number) =>
    spanSeriesData([{ q: '{ } | rate()', query: { name: 'A', source: 'traceql' }, answer: { ...grid, series: [{ labels: [], values: [1] }], is_cut, one_in, scanned } as never }], undefined, NOW)
  it('of series', () => {
    expect(noteOf(spans(false, 1))).toBe('')
    expect(noteOf(spans(true, 1))).toBe('The 1 series with the most spans; there are more')
    expect(noteOf(spans(true, 10))).toBe('The 1 series with the most spans; there are more · ≈ estimated from a sample')
    expect(noteOf(tableOf(spans(false, 10)))).toBe('≈ estimated from a sample')
    expect(noteOf({ ...spans(false, 1), total: 1340 })).toBe('1 of 1,340 series')
    const limited = { ...spans(false, 1), leftOut: [{ service: 'shop', attribute: 'user.id', scope: 'point' as const, is_left_out: true }, { service: '', is_left_out: true }] }
    expect(noteOf(limited)).toBe('Without the series beyond the limit: user.id of shop, unnamed')
  })
  it('of lists', () => {
    expect(noteOf({ kind: 'logs', logs: [], q: '', cut: false })).toBe('')
    expect(noteOf({ kind: 'logs', logs: [{} as never, {} as never], q: '', cut: true })).toBe('The newest 2 records; there are more')
  })
})
