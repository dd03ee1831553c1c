// The rule that watches what the page of a metric shows. Knows no DOM.
import type { RuleDocument } from '../../api/alert_types'
import { serviceOfParam } from '../../base/routes'
import { attributeField, queryOf, quoted, type Condition } from '../../base/traceql'
import type { Aggregation, MetricType, MetricView } from './metrics_query'

// Attributes are written "key=value".
export function metricRule(name: string, type: MetricType, view: Pick<MetricView, 'service' | 'attributes' | 'groupBy'>, aggregation: Aggregation): RuleDocument {
  const conditions: Condition[] = [
    ...(view.service === '' ? [] : [{ field: 'resource.service.name', operator: '=', value: quoted(serviceOfParam(view.service)) } as const]),
    ...view.attributes.map((text): Condition => {
      const at = text.indexOf('=')
      return { field: attributeField('', text.slice(0, at)), operator: '=', value: quoted(text.slice(at + 1)) }
    }),
  ]
  return {
    schema: 1,
    name,
    queries: [
      {
        name: 'A',
        source: 'metrics',
        metric: name,
        type,
        aggregation,
        ...(conditions.length > 0 && { query: queryOf(conditions) }),
        ...(view.groupBy.length > 0 && { group_by: [...view.groupBy] }),
      },
    ],
    condition: { kind: 'threshold', op: 'above' },
    for: '2m',
  }
}
