// Rules that watch the charts of a service: its entry spans, counted before any sampling. Knows no DOM.
import type { RuleDocument, RuleQuery } from '../../api/alert_types'
import { quoted } from '../../base/traceql'

const FAILED = ' && .status.code = "STATUS_CODE_ERROR"'

export function serviceRules(service: string): { calls: RuleDocument; errors: RuleDocument; duration: RuleDocument } {
  const label = service || 'unnamed'
  const of = (name: string, metric: string, aggregation: NonNullable<RuleQuery['aggregation']>, more = ''): RuleQuery => ({
    name,
    source: 'metrics',
    metric,
    query: `{ resource.service.name = ${quoted(service)} && (.span.kind = "SPAN_KIND_SERVER" || .span.kind = "SPAN_KIND_CONSUMER")${more} }`,
    aggregation,
  })
  const calls = of('A', 'traces.span.metrics.calls', 'rate')
  return {
    calls: { schema: 1, name: `${label} is called unusually`, queries: [calls], condition: { kind: 'anomaly', direction: 'both' }, for: '5m' },
    errors: {
      schema: 1,
      name: `${label} fails`,
      queries: [of('E', 'traces.span.metrics.calls', 'rate', FAILED), calls],
      formulas: [{ name: 'S', expression: '100 * or(E, 0) / A' }],
      condition: { kind: 'threshold', op: 'above', warning: 1, critical: 5 },
      for: '2m',
      annotations: { summary: `{{value}} % of the requests to ${label} fail` },
    },
    duration: { schema: 1, name: `${label} is slow`, queries: [of('A', 'traces.span.metrics.duration', 'p95')], condition: { kind: 'change', against: '1d', by: 'percent', op: 'above', warning: 50, critical: 100 }, for: '5m' },
  }
}
