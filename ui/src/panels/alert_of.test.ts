import { describe, expect, it } from 'vitest'
import type { DashboardPanel } from '../api/types'
import { ruleOf } from './alert_of'

const panel = (changes: Partial<DashboardPanel>): DashboardPanel => ({ id: 'a', title: 'Errors', grid: { x: 0, y: 0, w: 12, h: 8 }, display: 'line', ...changes })
const chosen = new Map([['service', { values: ['shop'], all: false }]])

describe('ruleOf', () => {
  it('takes queries, formulas and limits along, with the variables that are chosen', () => {
    const rule = ruleOf(
      panel({
        title: 'Errors of $service',
        queries: [{ name: 'E', source: 'metrics', metric: 'calls', query: '{ resource.service.name =~ $service }', aggregation: 'rate', hidden: true, top: 5, legend: 'x' }],
        formulas: [{ name: 'S', expression: '100 * E', unit: '%' }],
        options: { thresholds: [{ value: 1, level: 'warning' }, { value: 5, level: 'error' }] }, // prettier-ignore
      }),
      chosen,
    )
    expect(rule).toEqual({
      schema: 1,
      name: 'Errors of shop',
      queries: [{ name: 'E', source: 'metrics', metric: 'calls', query: '{ resource.service.name =~ "shop" }', aggregation: 'rate' }],
      formulas: [{ name: 'S', expression: '100 * E' }],
      condition: { kind: 'threshold', op: 'above', warning: 1, critical: 5 },
      for: '2m',
    })
  })
  it('leaves the times of SQL to the rule', () => {
    const query = 'SELECT count() FROM otel_traces WHERE Timestamp >= $from AND ServiceName IN ($service)'
    expect(ruleOf(panel({ queries: [{ name: 'A', source: 'sql', query }] }), chosen)?.queries[0]?.query).toBe("SELECT count() FROM otel_traces WHERE Timestamp >= $from AND ServiceName IN ('shop')")
  })
  it('is none of what has no value to watch', () => {
    expect(ruleOf(panel({ display: 'text' }), chosen)).toBeNull()
    expect(ruleOf(panel({ queries: [{ name: 'A', source: 'traceql', query: '{ status = error }' }] }), chosen)).toBeNull()
    expect(ruleOf(panel({ queries: [{ name: 'A', source: 'metrics', metric: '$gone' }] }), chosen)).toBeNull()
    expect(ruleOf(panel({}), chosen)).toBeNull()
  })
})
