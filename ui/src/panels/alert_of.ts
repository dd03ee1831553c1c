// The rule that watches what a chart shows: a panel in, a document out, or why there is none. Knows no DOM.
import type { RuleDocument, RuleQuery } from '../api/alert_types'
import type { DashboardPanel, DashboardQuery } from '../api/types'
import { isMetrics } from '../base/traceql'
import { substitute, type Variables } from '../base/variables'

function ruleQuery(query: DashboardQuery, variables: Variables): RuleQuery | null {
  const { name, source, metric, type, aggregation, over_time, over_series } = query
  const text = substitute(query.query ?? '', source === 'sql' ? 'sql' : 'traceql', variables, source === 'sql' ? { from: '$from', to: '$to', step: '$step' } : undefined)
  const group_by = (query.group_by ?? []).flatMap((key) => substitute(key, 'text', variables).split(', ')).filter((key) => key !== '')
  if (source === 'traceql') return isMetrics(text) ? { name, source, query: text } : null
  if (source === 'sql') return { name, source, query: text }
  const grouped = group_by.length > 0 ? { group_by: source === 'metrics' ? group_by.slice(0, 3) : group_by } : {}
  if (source === 'logs') return { name, source, ...(text !== '' && { query: text }), ...grouped }
  return {
    name,
    source,
    metric: substitute(metric ?? '', 'text', variables),
    ...(text !== '' && { query: text }),
    ...(type && { type }),
    ...(aggregation && { aggregation }),
    ...(over_time && { over_time }),
    ...(over_series && { over_series }),
    ...grouped,
  }
}

// What a panel calls its warning and error from are a rule's limits. Null: it shows nothing that can be watched.
export function ruleOf(panel: Pick<DashboardPanel, 'title' | 'display' | 'queries' | 'formulas' | 'options'>, variables: Variables): RuleDocument | null {
  if (panel.display === 'text' || panel.display === 'traces' || panel.display === 'heatmap') return null
  try {
    const queries = (panel.queries ?? []).map((one) => ruleQuery(one, variables))
    if (queries.length === 0 || queries.some((one) => one === null)) return null
    const formulas = (panel.formulas ?? []).map(({ name, expression }) => ({ name, expression }))
    const limit = (level: 'warning' | 'error') => panel.options?.thresholds?.find((one) => one.level === level)?.value
    const [warning, critical] = [limit('warning'), limit('error')]
    return {
      schema: 1,
      name: substitute(panel.title ?? '', 'text', variables).slice(0, 200),
      queries: queries as RuleQuery[],
      ...(formulas.length > 0 && { formulas }),
      condition: { kind: 'threshold', op: 'above', ...(warning !== undefined && { warning }), ...(critical !== undefined && { critical }) },
      for: '2m',
    }
  } catch {
    return null // a variable without a value
  }
}
