import { describe, expect, it } from 'vitest'

import type { Metric, MetricExemplars, MetricSeries } from '../../api/types'
import {
  addsUp, aggregationChoice, describeType, exemplarsQuery, labelParams, metricUrlChange, readMetricView, SERIES_LIMIT, seriesQuery, shownSeries,
  startMetrics, stepChoices,
} from './metrics_query' // prettier-ignore
import { exemplarMarks } from '../../widgets/exemplar_marks'

const scanned = { rows: 0, bytes: 0, elapsed_seconds: 0 }
const metric = (name: string, change: Partial<Metric> = {}): Metric => ({
  name,
  type: 'gauge',
  unit: '1',
  description: '',
  temporality: 'unspecified',
  monotonic: false,
  services: [],
  series_count: 1,
  attribute_keys: [],
  last_seen_unix_nano: null,
  ...change,
})

describe('a metric in the URL', () => {
  it('is read and asked for under the same names', () => {
    const params = new URLSearchParams('name=a.b&type=sum&service=s&aggregation=rate&step=5m&limit=100&group_by=k1&group_by=k2&attribute=x%3D1')
    expect(seriesQuery(readMetricView(params))).toEqual({
      type: 'sum',
      service: 's',
      aggregation: 'rate',
      group_by: ['k1', 'k2'],
      attribute: ['x=1'],
      step: '5m',
      limit: 100,
    })
  })

  it('has no part that the API would refuse', () => {
    const params = new URLSearchParams('name=a&type=loud&aggregation=median&step=x&limit=7&attribute=y')
    for (const key of ['a', 'a', 'b', 'c', 'd', '']) params.append('group_by', key)
    expect(seriesQuery(readMetricView(params))).toEqual({ group_by: ['a', 'b', 'c'] })
    expect(readMetricView(params).limit).toBe(SERIES_LIMIT)
  })

  it('forgets which series is alone when the series become others', () => {
    expect(metricUrlChange({ groupBy: ['k'] })).toEqual({ group_by: ['k'], only: null })
    expect(metricUrlChange({ attributes: [] })).toEqual({ attribute: null, only: null })
    expect(metricUrlChange({ bars: true })).toEqual({ draw: 'bars' })
    expect(metricUrlChange({ only: 'x', log: false, aggregation: '' })).toEqual({ only: 'x', scale: null, aggregation: null })
  })
})

describe('aggregationChoice', () => {
  it('fits the type', () => {
    expect(aggregationChoice(metric('g')).normal).toBe('avg')
    expect(aggregationChoice(metric('s', { type: 'sum', monotonic: true, temporality: 'cumulative' })).normal).toBe('rate')
    expect(aggregationChoice(metric('s', { type: 'sum', temporality: 'cumulative' })).normal).toBe('sum')
    expect(aggregationChoice(metric('h', { type: 'histogram' })).normal).toBe('p95')
    expect(aggregationChoice(metric('h', { type: 'exponential_histogram' })).near).toContain('p99')
    expect(aggregationChoice(metric('h', { type: 'summary' })).normal).toBe('rate')
  })

  it('offers no level of a delta sum and no quantile of what has none', () => {
    expect(aggregationChoice(metric('s', { type: 'sum', monotonic: true, temporality: 'delta' })).all).toEqual(['rate', 'increase', 'sum'])
    expect(aggregationChoice(metric('g')).all).not.toContain('p95')
    expect(aggregationChoice(metric('h', { type: 'histogram' })).all).not.toContain('max')
  })

  it('has what is near among all, the normal one too', () => {
    for (const type of ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'] as const) {
      for (const monotonic of [true, false]) {
        for (const temporality of ['delta', 'cumulative', 'unspecified'] as const) {
          const choice = aggregationChoice({ type, monotonic, temporality })
          expect(choice.all).toEqual(expect.arrayContaining([...choice.near, choice.normal]))
        }
      }
    }
  })

  it('stacks only what adds up', () => {
    expect([addsUp('rate'), addsUp('p95'), addsUp('avg')]).toEqual([true, false, false])
  })

  it('is said in words', () => {
    expect(describeType(metric('s', { type: 'sum', monotonic: true, temporality: 'delta' }))).toBe('counter, delta')
    expect(describeType(metric('s', { type: 'sum', temporality: 'cumulative' }))).toBe('up-down counter, cumulative')
    expect(describeType(metric('g'))).toBe('gauge')
  })
})

describe('stepChoices', () => {
  it('are few enough points to draw and enough to see', () => {
    expect(stepChoices(3_600_000)).toEqual(['10s', '30s', '1m', '5m', '15m'])
    expect(stepChoices(7 * 86_400_000)).toEqual(['15m', '1h', '6h', '1d'])
    expect(stepChoices(1000)).toEqual([])
  })
})

describe('an answer as it is drawn', () => {
  const answer = (change: Partial<MetricSeries> = {}): MetricSeries => ({
    name: 'cpu',
    type: 'gauge',
    unit: '1',
    result_unit: '1',
    aggregation: 'avg',
    from_unix_nano: '1000000000000',
    to_unix_nano: '1180000000000',
    step_seconds: 60,
    series: [{ labels: {}, values: [0.25, null, 0.5] }],
    series_total: 1,
    scanned,
    ...change,
  })

  it('leaves the step that is not over out of the figures', () => {
    const shown = shownSeries(answer(), [], 1_150_000)
    expect(shown.unfinished).toBe(2)
    expect(shown.series[0]).toMatchObject({ name: 'cpu', color: '--series-0', figures: { last: 0.25, max: 0.25, points: 1 } })
    expect(shownSeries(answer(), [], 1_180_000).series[0]?.figures.last).toBe(0.5)
  })

  it('knows a share from a count', () => {
    expect(shownSeries(answer(), [], 0).format.format(0.25)).toBe('25 %')
    expect(shownSeries(answer({ type: 'sum' }), [], 0).format.format(0.25)).toBe('0.25')
    expect(shownSeries(answer({ unit: 'By', result_unit: 'By/s' }), [], 0).format.format(2000)).toBe('2 kB/s')
  })

  it('names series by the values of what they are grouped by', () => {
    const series: MetricSeries['series'] = [
      { labels: { route: '/a', 'service.name': 's' }, values: [1] },
      { labels: { 'service.name': 's' }, values: [1] },
    ]
    const shown = shownSeries(answer({ series }), ['route', 'service.name'], 0)
    expect(shown.series.map((one) => one.name)).toEqual(['/a · s', 'no route · s'])
    expect(new Set(shown.series.map((one) => one.color)).size).toBe(2)
  })

  it('leads to spans and records by its labels', () => {
    expect(labelParams({ 'service.name': 's', 'http.route': '/a' })).toEqual({ service: 's', attribute: ['http.route=/a'] })
    expect(labelParams({})).toEqual({ attribute: [] })
  })
})

describe('startMetrics', () => {
  it('has well-known ones first, then the own ones, each once', () => {
    const all = ['orders.placed', 'process.cpu.time', 'process.threads', 'http.server.request.duration', 'orders.placed', 'app.queue'].map((name) => metric(name))
    expect(startMetrics(all, 9).map(({ name }) => name)).toEqual([
      'http.server.request.duration', 'process.cpu.time', 'orders.placed', 'app.queue', 'process.threads',
    ]) // prettier-ignore
    expect(startMetrics(all, 3)).toHaveLength(3)
    expect(startMetrics([], 9)).toEqual([])
  })
})

describe('exemplars', () => {
  const series: MetricSeries = {
    name: 'm', type: 'histogram', unit: 's', result_unit: 's', aggregation: 'p95', from_unix_nano: '0', to_unix_nano: '120000000000', step_seconds: 60,
    series: [
      { labels: { route: '/a' }, values: [0.1, 0.2] },
      { labels: { route: '/b', 'service.name': 'shop' }, values: [0.1, 0.2] },
    ],
    series_total: 2, scanned,
  } // prettier-ignore
  const exemplar = (change: Partial<MetricExemplars['exemplars'][number]>) => ({
    time_unix_nano: '61500000000', value: 0.25, trace_id: 'ab'.repeat(16), span_id: 'cd'.repeat(8), is_stored: true, service: 'shop',
    labels: { route: '/a' }, attributes: { user: 'u1' }, ...change,
  }) // prettier-ignore
  const answer = (...exemplars: MetricExemplars['exemplars']): MetricExemplars => ({
    name: 'm', type: 'histogram', unit: 's', from_unix_nano: '0', to_unix_nano: '120000000000', step_seconds: 60, exemplars, scanned,
  }) // prettier-ignore
  const shown = shownSeries(series, ['route', 'service.name'], 1e15)
  const options = { atFoot: false, series: shown.series, only: null, zone: 'utc' as const, link: (trace: string, span: string) => `/traces/${trace}?span=${span}` }

  it('are asked for with the conditions of the series', () => {
    const view = readMetricView(new URLSearchParams('name=a&type=sum&service=s&aggregation=rate&step=5m&group_by=k&attribute=x%3D1&exemplars=shown'))
    expect(view.exemplars).toBe(true)
    expect(exemplarsQuery(seriesQuery(view))).toEqual({ type: 'sum', service: 's', attribute: ['x=1'], step: '5m', limit: 200 })
    expect(metricUrlChange({ exemplars: false })).toEqual({ exemplars: null })
  })

  it('stand where they were measured, in the colour of their series, and lead to the span', () => {
    const [mark] = exemplarMarks(answer(exemplar({})), options)
    expect(mark).toMatchObject({ ms: 61500, value: 0.25, color: shown.series[0]?.color, href: `/traces/${'ab'.repeat(16)}?span=${'cd'.repeat(8)}` })
    expect(mark?.rows).toEqual([
      { name: 'Value', text: '250 ms' },
      { name: 'Service', text: 'shop' },
      { name: 'Trace', text: 'abababab' },
      { name: 'route', text: '/a' },
      { name: 'user', text: 'u1' },
    ])
    expect(mark?.label).toContain('Value 250 ms, Service shop, Trace abababab')
  })

  it('have no height where a step has no measurement as its value, and lead nowhere without a stored trace', () => {
    const [mark] = exemplarMarks(answer(exemplar({ is_stored: false })), { ...options, atFoot: true, series: [] })
    expect(mark).toMatchObject({ value: null, href: '', color: '--accent' })
    expect(mark?.label).toContain('not stored')
  })

  it('are those of the series that is alone; labels of resources are not known', () => {
    const both = answer(exemplar({}), exemplar({ labels: { route: '/b' } }), exemplar({ labels: { route: '/b' }, service: 'pay' }))
    const only = shown.series[1] ?? null
    expect(exemplarMarks(both, { ...options, only })).toHaveLength(1)
    const ofHost = shownSeries({ ...series, series: [{ labels: { 'host.name': 'h' }, values: [1] }] }, ['host.name'], 1e15).series[0] ?? null
    expect(exemplarMarks(both, { ...options, only: ofHost })).toHaveLength(3)
  })
})
