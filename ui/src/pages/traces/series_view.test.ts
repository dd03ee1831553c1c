import { describe, expect, it } from 'vitest'
import type { SpanSeries } from '../../api/types'
import { narrowed, readExplorerView } from './explorer_view'
import { readSeriesChoice, seriesQueryText, seriesUrlChange, shownSpans, type SeriesChoice } from './series_view'

const choice = (given: Partial<SeriesChoice> = {}): SeriesChoice => ({ fn: 'rate', of: 'duration', by: [], bars: false, log: false, only: '', ...given })
const scanned = { rows: 1, bytes: 1, millis: 1 } as unknown as SpanSeries['scanned']
const START = 1_700_000_000_000

const answer = (series: SpanSeries['series']): SpanSeries => ({
  from_unix_nano: `${START}000000`, to_unix_nano: `${START + 40_000}000000`, step_seconds: 10, series, is_cut: false, one_in: 1, scanned,
}) // prettier-ignore

describe('the question', () => {
  it('is the query with a function behind it', () => {
    expect(seriesQueryText('', choice())).toBe('{ } | rate()')
    expect(seriesQueryText('{ kind = server }', choice({ by: ['name', 'span.http.route'] }))).toBe('{ kind = server } | rate() by (name, span.http.route)')
    expect(seriesQueryText('{ }', choice({ fn: 'p99' }))).toBe('{ } | quantile_over_time(duration, .99)')
    expect(seriesQueryText('{ }', choice({ fn: 'p50' }))).toBe('{ } | quantile_over_time(duration, .5)')
    expect(seriesQueryText('{ }', choice({ fn: 'max', of: 'span.model.score', by: ['name'] }))).toBe('{ } | max_over_time(span.model.score) by (name)')
  })

  it('holds failed spans against all', () => {
    expect(seriesQueryText('{ kind = server }', choice({ fn: 'errors', by: ['name'] }))).toBe(
      '({ kind = server && status = error } | rate() by (name)) / ({ kind = server } | rate() by (name))',
    )
    expect(seriesQueryText('{ kind = server || kind = client }', choice({ fn: 'errors' }))).toBe(
      '({ kind = server || kind = client } | { status = error } | rate()) / ({ kind = server || kind = client } | rate())',
    )
  })

  it('leaves a query that makes numbers as it is', () => {
    const written = '{ } | histogram_over_time(duration)'
    expect(seriesQueryText(written, choice({ fn: 'p99', by: ['name'] }))).toBe(written)
    expect(readExplorerView(new URLSearchParams(), written)).toBe('series')
    expect(narrowed(written, [{ field: 'name', operator: '=', value: '"a"' }])).toBe('{ name = "a" }')
    expect(narrowed('{ status = error } | rate() by (name)', [{ field: 'name', operator: '=', value: '"a"' }])).toBe('{ status = error && name = "a" }')
  })
})

describe('the choice in the URL', () => {
  it('comes back as it was written', () => {
    const wanted = choice({ fn: 'max', of: 'span.x', by: ['name', '.b'], bars: true, log: true, only: 'v1' })
    const params = new URLSearchParams()
    for (const [key, value] of Object.entries(seriesUrlChange(wanted))) for (const one of [value].flat()) if (one !== null) params.append(key, one)
    expect(readSeriesChoice(params)).toEqual(wanted)
  })

  it('says nothing where it is usual, and forgives nonsense', () => {
    expect(Object.values(seriesUrlChange(choice())).every((value) => value === null)).toBe(true)
    expect(readSeriesChoice(new URLSearchParams('fn=toString&draw=pie'))).toEqual(choice())
  })

  it('leaves no series alone when the groups are others', () => {
    expect(seriesUrlChange({ by: ['name'] })).toEqual({ by: ['name'], only: null })
  })
})

describe('the answer as it is drawn', () => {
  it('names series by their groups, and knows what their spans have in common', () => {
    const labels = [
      { field: 'resource.service.name', literal: '"shop"' },
      { field: 'span.n', literal: 'nil' },
      { field: 'span:name', literal: '"GET /"' },
      { field: 'p', literal: '0.95' },
    ]
    const shown = shownSpans(answer([{ labels, values: [1, null, 2, 3] }]), '', choice({ fn: 'p95', by: ['a', 'b', 'c'] }), START + 35_000)
    expect(shown.series[0]?.name).toBe('shop · no n · GET /')
    expect(shown.series[0]?.conditions).toEqual([
      { field: 'resource.service.name', operator: '=', value: '"shop"' },
      { field: 'span.n', operator: '=', value: 'nil' },
      { field: 'name', operator: '=', value: '"GET /"' },
    ])
    expect(shown.unfinished).toBe(3)
    expect(shown.series[0]?.figures).toMatchObject({ last: 2, min: 1, max: 2 })
    expect(shown.isDuration).toBe(true)
  })

  it('gives one series the name of its function', () => {
    const shown = shownSpans(answer([{ labels: [], values: [0.5] }]), '', choice({ fn: 'errors' }), START)
    expect(shown.series[0]).toMatchObject({ name: 'Error share', color: '--series-0' })
    expect(shown.format.format(0.5)).toBe('50 %')
  })

  it('names the quantiles of a query that asks for several', () => {
    const base = '{ } | quantile_over_time(duration, .5, .99)'
    const shown = shownSpans(answer([{ labels: [{ field: 'p', literal: '0.5' }], values: [1] }, { labels: [{ field: 'p', literal: '0.99' }], values: [2] }]), base, choice(), START)
    expect(shown.series.map((series) => series.name)).toEqual(['p50', 'p99'])
  })
})
