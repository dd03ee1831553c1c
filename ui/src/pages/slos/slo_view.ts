// SLOs in words, and what is offered for a service. Knows no DOM.
import type { BurnTier, RuleDocument } from '../../api/alert_types'
import type { Sli, SloDocument, SloStatus, SloWindow } from '../../api/slo_types'
import { formatNumber } from '../../base/units'
import { parseSpan } from '../../base/time'
import { spanWords } from '../alerts/rule_form'

export type SloState = 'healthy' | 'at_risk' | 'exhausted' | 'unmeasured'

const FAST = 1 // faster than the budget lasts
const LOW = 0.2 // what is left of it is little

// At risk: little is left, or at the rate of the last hours none will be.
export function stateOf(status: SloStatus): SloState {
  const { remaining, exhausted_in_seconds } = status.budget
  if (remaining === null) return 'unmeasured'
  if (remaining <= 0) return 'exhausted'
  const recent = status.burn_rates.find((one) => one.window === '1h')
  const burns = recent?.measured === true && (recent.rate ?? 0) > 6
  if (remaining < LOW || exhausted_in_seconds !== null || burns) return 'at_risk'
  return status.measured ? 'healthy' : 'unmeasured'
}
export const STATE_WORDS: Record<SloState, string> = { healthy: 'healthy', at_risk: 'at risk', exhausted: 'exhausted', unmeasured: 'not measured' }
export const STATE_TONES = { healthy: 'ok', at_risk: 'warn', exhausted: 'error', unmeasured: 'neutral' } as const
const RANK: Record<SloState, number> = { exhausted: 0, at_risk: 1, unmeasured: 2, healthy: 3 }
export const stateRank = (state: SloState): number => RANK[state]

// Of shares near one the digits that differ count: 99.953 %, 99.5 %.
export function shareText(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return '–'
  const percent = share * 100
  if (percent >= 100) return '100 %'
  const missing = 100 - percent
  const decimals = Math.min(5, Math.max(1, 1 - Math.floor(Math.log10(missing))))
  // What is not all never reads as all.
  const text = (Math.floor(percent * 10 ** decimals + 1e-6) / 10 ** decimals).toFixed(decimals).replace(/0+$/, '').replace(/\.$/, '')
  return `${text} %`
}

export const objectiveText = (objective: number): string => `${formatNumber(Math.round(objective * 1e8) / 1e6, 8)} %`

export function windowWords(window: SloWindow): string {
  if (window.kind === 'calendar') return `this ${window.unit}`
  return spanWords((parseSpan(window.length) ?? 0) / 1000)
}

const span = (text: string): string => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|us|ns)$/.exec(text)
  return match ? `${match[1]} ${match[2]}` : text
}

export function sliWords(sli: Sli): string {
  if (sli.kind === 'requests') {
    const of = sli.operations && sli.operations.length > 0 ? `${sli.operations.length === 1 ? sli.operations[0] : `${sli.operations.length} operations`} of ${sli.service}` : `requests to ${sli.service}`
    return sli.good === 'no_error' ? `${of} without an error` : `${of} under ${span(sli.good.latency_under)}`
  }
  if (sli.kind === 'events') return `${sli.source === 'logs' ? 'log records' : sli.source === 'traceql' ? 'spans' : 'events'} that are good`
  if (sli.kind === 'time_slices') return `${span(sli.slice)} slices ${sli.op} ${formatNumber(sli.threshold)}`
  return `${sli.of.length} SLOs together`
}

// "99.5 % of requests to shop without an error over 30 d"
export const sloSentence = (document: SloDocument): string => `${objectiveText(document.objective)} of ${sliWords(document.sli)} over ${windowWords(document.window)}`

export function burnText(rate: number | null): string {
  return rate === null ? '–' : `${formatNumber(rate, rate < 10 ? 2 : 3)}×`
}
export function burnTone(rate: number | null): 'bad' | 'fast' | 'fine' {
  if (rate === null || rate <= FAST) return 'fine'
  return rate > 6 ? 'bad' : 'fast'
}

export function remainingText(remaining: number | null): string {
  if (remaining === null) return 'not measured'
  const percent = Math.round(remaining * 1000) / 10
  return `${percent.toLocaleString('en-US')} %`
}

export function forecastText(seconds: number | null, remaining: number | null): string {
  if (remaining !== null && remaining <= 0) return 'used up'
  return seconds === null ? 'lasts' : `used up in ${spanWords(seconds)}`
}

// ---- what is offered for a service

export interface Suggestion {
  key: string
  title: string
  document: SloDocument
}

// The nearest round durations above, in milliseconds.
const ROUND_MS = [1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 5000, 10_000, 30_000, 60_000]
export const roundAbove = (ms: number): number => ROUND_MS.find((one) => one >= ms) ?? Math.ceil(ms / 60_000) * 60_000
const msText = (ms: number): string => (ms >= 1000 && ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`)

const ERROR_SHARES = [0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1]

export interface ServiceFigures {
  calls: number
  errors: number
  p95_nano: number | null
  p99_nano: number | null
}

function documentFor(service: string, name: string, objective: number, good: 'no_error' | { latency_under: string }): SloDocument {
  return { schema: 1, name, objective, window: { kind: 'rolling', length: '30d' }, sli: { kind: 'requests', service, good } }
}

// What the service keeps now with some room, and what is one step stricter: a promise that is always broken helps nobody.
export function suggestionsFor(service: string, figures: ServiceFigures | undefined): Suggestion[] {
  const share = figures && figures.calls > 0 ? figures.errors / figures.calls : null
  const at = share === null ? 2 : Math.max(0, ERROR_SHARES.findIndex((one) => one >= share * 1.5))
  const shares = [...new Set([ERROR_SHARES[at], ERROR_SHARES[Math.max(0, at - 1)]])].filter((one): one is number => one !== undefined)
  const label = service || 'unnamed'
  const found: Suggestion[] = shares.map((allowed) => ({
    key: `errors-${allowed}`,
    title: `Less than ${formatNumber(allowed * 100)} % of requests fail`,
    document: documentFor(service, `${label}: errors under ${formatNumber(allowed * 100)} %`, 1 - allowed, 'no_error'),
  }))
  const latencies = [
    { objective: 0.99, ms: figures?.p99_nano ? roundAbove((figures.p99_nano / 1e6) * 1.1) : 300 },
    { objective: 0.95, ms: figures?.p95_nano ? roundAbove((figures.p95_nano / 1e6) * 1.1) : 150 },
  ]
  for (const { objective, ms } of latencies) {
    const text = msText(ms)
    found.push({ key: `latency-${objective}`, title: `${objective * 100} % of requests take less than ${span(text)}`, document: documentFor(service, `${label}: ${objective * 100} % under ${span(text)}`, objective, { latency_under: text }) })
  }
  return found.map((one) => ({ ...one, document: { ...one.document, objective: Math.round(one.document.objective * 1e6) / 1e6 } }))
}

// The Site Reliability Workbook's, for objectives that are neither too loose for them nor made of too little.
export const DEFAULT_TIERS: readonly BurnTier[] = [
  { long: '1h', short: '5m', factor: 14.4, severity: 'critical' },
  { long: '6h', short: '30m', factor: 6, severity: 'critical' },
  { long: '3d', short: '6h', factor: 1, severity: 'warning' },
]
export function burnRule(id: string, document: SloDocument): RuleDocument {
  return {
    schema: 1,
    name: `${document.name}: budget burns`,
    queries: [{ name: 'A', source: 'slo', slo: id }],
    condition: { kind: 'burn_rate', tiers: [...DEFAULT_TIERS] },
    ...(document.labels && Object.keys(document.labels).length > 0 && { labels: document.labels }),
    annotations: { summary: `The error budget of ${document.name} burns {{value}} times as fast as it lasts`, slo: `/slos/${id}` },
  }
}

// ---- what is wrong with a document

export function sloProblems(document: SloDocument): Record<string, string> {
  const problems: Record<string, string> = {}
  if (document.name.trim() === '') problems.name = 'A name is wanted'
  if (!(document.objective >= 0.01 && document.objective <= 0.999999)) problems.objective = '1 % to 99.9999 % is wanted'
  if (document.window.kind === 'rolling') {
    const ms = parseSpan(document.window.length)
    if (ms === null || ms < 3600_000 || ms > 92 * 86_400_000 || ms % 60_000 !== 0) problems['window.length'] = 'Whole minutes from 1h to 92d are wanted'
  }
  const { sli } = document
  if (sli.kind === 'requests' && sli.service === '') problems['sli.service'] = 'A service is wanted'
  if (sli.kind === 'requests' && typeof sli.good === 'object' && !/^\d+(\.\d+)?(ns|us|ms|s|m|h)$/.test(sli.good.latency_under)) problems['sli.good'] = 'A duration such as 300ms is wanted'
  if (sli.kind === 'events') {
    for (const side of ['good', 'total'] as const) {
      if (sli.source === 'metrics' ? !sli[side].metric : sli.source === 'sql' && !sli[side].query) problems[`sli.${side}`] = sli.source === 'metrics' ? 'A metric is wanted' : 'A statement is wanted'
    }
  }
  if (sli.kind === 'time_slices') {
    if (sli.source === 'metrics' ? !sli.query.metric : !sli.query.query) problems['sli.query'] = 'A query is wanted'
    if (!Number.isFinite(sli.threshold)) problems['sli.threshold'] = 'A number is wanted'
  }
  if (sli.kind === 'composite' && sli.of.length === 0) problems['sli.of'] = 'An SLO is wanted'
  return problems
}
