// A rule between document and form: what a new one begins with, what is wrong with it, and in words what it says. Knows no DOM.
import type { AlertSource, Backtest, ConditionKind, Limit, LimitOp, RuleCondition, RuleDocument, RuleQuery } from '../../api/alert_types'
import { formatNumber } from '../../base/units'
import { parseSpan } from '../../base/time'

export const SOURCES: readonly { value: AlertSource; label: string }[] = [
  { value: 'traceql', label: 'Traces' },
  { value: 'metrics', label: 'Metrics' },
  { value: 'logs', label: 'Logs' },
  { value: 'sql', label: 'SQL' },
  { value: 'silent_failures', label: 'Silent failures' },
  { value: 'slo', label: 'SLO' },
]

export const CONDITIONS: readonly { value: ConditionKind; label: string }[] = [
  { value: 'threshold', label: 'Threshold' },
  { value: 'change', label: 'Change' },
  { value: 'anomaly', label: 'Anomaly' },
  { value: 'absent', label: 'No data' },
]

// How long an evaluation looks back and how often there is one, where the document says nothing.
export const DEFAULTS = { window: '5m', interval: '1m', delay: '10s' } as const

export function newRuleQuery(source: AlertSource, name: string): RuleQuery {
  if (source === 'metrics') return { name, source, metric: 'traces.span.metrics.calls', aggregation: 'rate', group_by: ['service.name'] }
  if (source === 'traceql') return { name, source, query: '{ status = error } | rate() by (resource.service.name)' }
  if (source === 'logs') return { name, source, query: '{ severity >= error }', group_by: ['resource.service.name'] }
  if (source === 'sql') return { name, source, query: 'SELECT ServiceName AS service, count() AS spans\nFROM otel_traces\nWHERE Timestamp >= $from AND Timestamp < $to\nGROUP BY service' }
  if (source === 'slo') return { name, source, slo: '' }
  return { name, source }
}

export function emptyRule(): RuleDocument {
  return { schema: 1, name: '', queries: [newRuleQuery('traceql', 'A')], condition: { kind: 'threshold', op: 'above' }, for: '2m' }
}

// Without members that say nothing, as they are saved.
export function tidy(document: RuleDocument): RuleDocument {
  const clean = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(clean)
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).filter(([key, one]) => one !== undefined && !(one === '' && key !== 'name')).map(([key, one]) => [key, clean(one)]))
  }
  const { labels, annotations, formulas, ...rest } = clean(document) as RuleDocument
  const some = <T extends object>(value: T | undefined) => value !== undefined && Object.keys(value).length > 0
  return { ...rest, ...(some(formulas) && { formulas: formulas! }), ...(some(labels) && { labels: labels! }), ...(some(annotations) && { annotations: annotations! }) }
}

// Another kind keeps what it can of the limits.
export function withKind(document: RuleDocument, kind: ConditionKind): RuleDocument {
  const before = document.condition
  const limits = before.kind === 'threshold' || before.kind === 'change' ? before : null
  const of = (): RuleCondition => {
    if (kind === 'threshold') return { kind, op: limits?.op ?? 'above' }
    if (kind === 'change') return { kind, against: '1d', by: 'percent', op: limits?.op === 'below' ? 'below' : 'above' }
    if (kind === 'anomaly') return { kind, sensitivity: 3, direction: 'both' }
    if (kind === 'absent') return { kind }
    return { kind: 'burn_rate' }
  }
  return { ...document, condition: of() }
}

// A query of an SLO stands alone and is judged by its burn rate.
export function withSource(document: RuleDocument, at: number, source: AlertSource): RuleDocument {
  const name = document.queries[at]?.name ?? 'A'
  if (source === 'slo') {
    const { formulas: _, watch: __, ...rest } = document
    return { ...rest, queries: [newRuleQuery('slo', name)], condition: { kind: 'burn_rate' } }
  }
  const queries = document.queries.map((one, i) => (i === at ? newRuleQuery(source, name) : one))
  return { ...(document.condition.kind === 'burn_rate' ? withKind(document, 'threshold') : document), queries }
}

export const isPair = (op: LimitOp): boolean => op === 'outside' || op === 'inside'

// Another comparison: numbers become pairs and back.
export function withOp<T extends Extract<RuleCondition, { op: LimitOp }>>(condition: T, op: T['op']): T {
  const as = (limit: Limit | undefined): Limit | undefined => {
    if (limit === undefined || Array.isArray(limit) === isPair(op)) return limit
    return Array.isArray(limit) ? (op === 'below' ? limit[0] : limit[1]) : undefined
  }
  return { ...condition, op, warning: as(condition.warning), critical: as(condition.critical), recovery: as(condition.recovery) }
}

// ---- what is wrong, by member

export type Problems = Record<string, string>

function spanProblem(text: string | undefined, min = 0): string | null {
  if (text === undefined || text === '' || text === '0s' || text === '0') return null
  const ms = parseSpan(text)
  if (ms === null) return 'A time such as 5m or 1h is wanted'
  if (ms % 1000 !== 0) return 'Whole seconds are wanted'
  return ms / 1000 < min ? `At least ${min} s is wanted` : null
}

// Whether all that breaches `inner` breaches `outer` too.
function isWithin(op: LimitOp, inner: Limit, outer: Limit): boolean {
  if (typeof inner === 'number' && typeof outer === 'number') return op === 'below' ? inner <= outer : inner >= outer
  if (!Array.isArray(inner) || !Array.isArray(outer)) return false
  return op === 'outside' ? inner[0] <= outer[0] && inner[1] >= outer[1] : inner[0] >= outer[0] && inner[1] <= outer[1]
}

function limitProblems(condition: Extract<RuleCondition, { op: LimitOp }>): Problems {
  const problems: Problems = {}
  const { op, warning, critical, recovery } = condition
  for (const [name, limit] of Object.entries({ warning, critical, recovery })) {
    if (Array.isArray(limit) && !(limit[0] <= limit[1])) problems[`condition.${name}`] = 'The first number is the smaller one'
  }
  const lowest = warning ?? critical
  if (lowest === undefined) problems['condition.critical'] = 'A limit is wanted, for warning or critical'
  else {
    if (warning !== undefined && critical !== undefined && !isWithin(op, critical, warning)) problems['condition.critical'] = 'What is critical must be a warning too'
    if (recovery !== undefined && !isWithin(op, lowest, recovery)) problems['condition.recovery'] = `It lies on the wrong side of ${warning === undefined ? 'critical' : 'warning'}`
  }
  return problems
}

// What can be told without the server; it checks all of it again, and queries.
export function ruleProblems(document: RuleDocument): Problems {
  const problems: Problems = {}
  if (document.name.trim() === '') problems.name = 'A name is wanted'
  document.queries.forEach((one, i) => {
    const at = `queries[${i}]`
    if ((one.source === 'traceql' || one.source === 'sql') && (one.query ?? '').trim() === '') problems[`${at}.query`] = 'A query is wanted'
    if (one.source === 'metrics' && (one.metric ?? '') === '') problems[`${at}.metric`] = 'A metric is wanted'
    if (one.source === 'slo' && (one.slo ?? '') === '') problems[`${at}.slo`] = 'An SLO is wanted'
  })
  for (const [name, min] of [['window', 1], ['interval', 1], ['delay', 0], ['for', 0], ['keep_firing_for', 0]] as const) {
    const problem = spanProblem(document[name], min)
    if (problem !== null) problems[name] = problem
  } // prettier-ignore
  const { condition } = document
  if (condition.kind === 'threshold' || condition.kind === 'change') Object.assign(problems, limitProblems(condition))
  if (condition.kind === 'change') {
    const problem = condition.against === '' ? 'How long ago is wanted' : spanProblem(condition.against, 60)
    if (problem !== null) problems['condition.against'] = problem
  }
  if (condition.kind === 'anomaly' && condition.sensitivity !== undefined && !(condition.sensitivity >= 0.5 && condition.sensitivity <= 20)) problems['condition.sensitivity'] = '0.5 to 20 is wanted'
  return problems
}

// "document.condition.critical" and "condition.critical: too low" name the same member of the form; "" where none is named.
export function memberOf(where: string | null, message: string): string {
  const named = where ?? /^([a-z_]+(?:\[\d+\])?(?:\.[A-Za-z_.]+(?:\[\d+\])?)*): /.exec(message)?.[1] ?? ''
  return named.replace(/^(?:document|body)\.(?=.)/, '').replace(/\.(?=\d)/g, '.')
}

// The problem of a member: its own, or the server's where it names it or something within it.
export function problemAt(problems: Problems, member: string): string | undefined {
  if (problems[member] !== undefined) return problems[member]
  const within = Object.keys(problems).find((key) => key.startsWith(`${member}.`) || key.startsWith(`${member}[`))
  return within === undefined ? undefined : problems[within]
}

// ---- in words

const span = (text: string): string => spanWords((parseSpan(text) ?? 0) / 1000)

function limitWords(limit: Limit, op: LimitOp, format: (value: number) => string): string {
  if (Array.isArray(limit)) return `${op === 'inside' ? 'within' : 'outside'} ${format(limit[0])} to ${format(limit[1])}`
  return `${op} ${format(limit)}`
}

export function conditionWords(document: RuleDocument, format: (value: number) => string = formatNumber): string {
  const { condition } = document
  const lasting = document.for && (parseSpan(document.for) ?? 0) > 0 ? ` for ${span(document.for)}` : ''
  const limit = 'op' in condition ? (condition.critical ?? condition.warning) : undefined
  if (condition.kind === 'threshold') return limit === undefined ? 'no limit yet' : limitWords(limit, condition.op, format) + lasting
  if (condition.kind === 'change') {
    const unit = (value: number) => `${formatNumber(value)}${condition.by === 'absolute' ? '' : ' %'}`
    return limit === undefined ? 'no limit yet' : `change against ${span(condition.against)} ago ${limitWords(limit, condition.op, unit)}${lasting}`
  }
  if (condition.kind === 'anomaly') return `${condition.direction === 'above' || condition.direction === 'below' ? condition.direction : 'outside'} what is expected${lasting}`
  if (condition.kind === 'absent') return `no data${lasting}`
  return `burns its budget too fast${lasting}`
}

const times = (count: number): string => (count === 0 ? 'never' : count === 1 ? 'once' : `${count.toLocaleString('en-US')} times`)

// "Would have fired 3 times, 24 min in all, flapped once, 4 notifications."
export function backtestSentence({ times_fired, seconds_firing, flaps, notifications }: Backtest['summary'], over: string): string {
  if (times_fired === 0) return `Would not have fired over ${over}`
  const parts = [`Would have fired ${times(times_fired)} over ${over}`, `${spanWords(seconds_firing)} in all`]
  if (flaps > 0) parts.push(`flapped ${times(flaps)}`)
  parts.push(notifications === 1 ? '1 notification' : `${notifications.toLocaleString('en-US')} notifications`)
  return parts.join(', ')
}

// Two units at most: 24 min, 1 h 5 min, 2 d 3 h.
export function spanWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  const parts: [number, string][] = [[Math.floor(whole / 86_400), 'd'], [Math.floor(whole / 3600) % 24, 'h'], [Math.floor(whole / 60) % 60, 'min']] // prettier-ignore
  const first = parts.findIndex(([count]) => count > 0)
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(' ')
}

// {{name}} is the label's value, {{value}} the value; what is not there is nothing.
export function expandTemplate(template: string, labels: Readonly<Record<string, string>>, value: string): string {
  return template.replace(/\{\{\s*([^{}]*?)\s*\}\}/g, (_, name: string) => (name === 'value' ? value : (labels[name] ?? '')))
}

// Of the same kind, told apart by what is new: the name of a copy.
export const copyName = (name: string): string => `${name.slice(0, 190)} copy`
