import { describe, expect, it } from 'vitest'
import type { DashboardPanel, DashboardQuery } from '../api/types'
import { canGroup, displaysOf, groupedBy, groupsOf, newPanel, nextName } from './panel_change'

const panel = (query: DashboardQuery, display: DashboardPanel['display'] = 'line'): DashboardPanel => ({ id: 'a', grid: { x: 0, y: 0, w: 12, h: 8 }, display, queries: [query] })
const spans = (query: string): DashboardQuery => ({ name: 'A', source: 'traceql', query })

describe('grouping', () => {
  it('goes into the TraceQL of numbers over time', () => {
    for (const [before, after] of [
      ['{ } | rate()', '{ } | rate() by (name)'],
      ['{ status = error } | quantile_over_time(duration, .95) by (resource.service.name)', '{ status = error } | quantile_over_time(duration, .95) by (name)'],
      ['{ } | rate() by (kind) | topk(5)', '{ } | rate() by (name) | topk(5)'],
    ] as const) {
      expect(groupedBy(panel(spans(before)), ['name']).queries?.[0]?.query).toBe(after)
      expect(groupsOf(spans(after))).toEqual(['name'])
      expect(groupedBy(panel(spans(after)), []).queries?.[0]?.query).not.toContain(' by ')
    }
    expect(canGroup(panel(spans('({ } | rate()) / ({ } | rate()) * 100')))).toBe(false)
  })
  it('is a member of the other queries, and legends of other labels go', () => {
    const metrics: DashboardQuery = { name: 'A', source: 'metrics', metric: 'm', group_by: ['a'], legend: '{{a}}' }
    expect(groupedBy(panel(metrics), ['b']).queries?.[0]).toEqual({ name: 'A', source: 'metrics', metric: 'm', group_by: ['b'] })
    expect(groupedBy(panel({ ...metrics, legend: 'p95' }), []).queries?.[0]).toEqual({ name: 'A', source: 'metrics', metric: 'm', legend: 'p95' })
  })
  it('turns a chart of log records into rows, and back', () => {
    const logs: DashboardQuery = { name: 'A', source: 'logs', query: '' }
    const rows = groupedBy(panel(logs, 'bars'), ['resource.service.name'])
    expect(rows.display).toBe('table')
    expect(groupedBy(rows, []).display).toBe('table')
  })
})

it('says what can be drawn', () => {
  expect(displaysOf(panel(spans('{ } | rate()')))).toContain('bars')
  expect(displaysOf(panel(spans('{ }'), 'table'))).toEqual(['table', 'horizontal_bar', 'bar', 'pie'])
  expect(displaysOf(panel(spans('{ }'), 'heatmap'))).toEqual([])
})

it('names queries by the next free letter', () => {
  expect(nextName({ ...panel(spans('')), formulas: [{ name: 'B', expression: 'A' }] })).toBe('C')
  expect(newPanel('p', 'traces', { x: 0, y: 0 }).queries).toHaveLength(1)
})
