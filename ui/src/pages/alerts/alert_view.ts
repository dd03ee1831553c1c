// Alerts as lists have them: order, words, links. Knows no DOM.
import type { Alert, InstanceState, RuleDocument, RuleStatus, Severity } from '../../api/alert_types'
import { formatNumber } from '../../base/units'

export type Tone = 'neutral' | 'error' | 'warn' | 'ok' | 'accent'

export const STATE_WORDS: Record<InstanceState | 'disabled', string> = { disabled: 'disabled', inactive: 'inactive', pending: 'pending', firing: 'firing', no_data: 'no data', error: 'error' }

export function toneOf(state: InstanceState | 'disabled', severity: Severity | '' = ''): Tone {
  if (state === 'firing') return severity === 'warning' ? 'warn' : 'error'
  if (state === 'error' || state === 'no_data') return 'warn'
  return state === 'inactive' ? 'ok' : 'neutral'
}

const RANK: Record<RuleStatus['state'], number> = { firing: 0, error: 1, no_data: 2, pending: 3, inactive: 4, disabled: 5 }
const SEVERITY_RANK: Record<Severity | '', number> = { critical: 0, warning: 1, '': 2 }

// What must be acted on first: critical before warning, what nobody has taken before what somebody has, the newest first.
export function byUrgency(alerts: readonly Alert[]): Alert[] {
  const quiet = (one: Alert) => Number(one.acknowledged || one.silenced_by.length > 0)
  return [...alerts].sort(
    (a, b) => RANK[a.state] - RANK[b.state] || quiet(a) - quiet(b) || SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity] || Number(BigInt(b.since_unix_nano) - BigInt(a.since_unix_nano)) || a.rule_name.localeCompare(b.rule_name, 'en'),
  )
}

export const ruleRank = (state: RuleStatus['state']): number => RANK[state]

// Labels of the rule say the same on each of its alerts: those of the group come first.
export function labelPairs(labels: Readonly<Record<string, string>>): [string, string][] {
  const own = (key: string) => Number(!key.includes('.'))
  return Object.entries(labels).sort(([a], [b]) => own(a) - own(b) || a.localeCompare(b, 'en'))
}

export function summaryOf(alert: Pick<Alert, 'annotations' | 'message'>): string {
  return alert.annotations.summary || alert.annotations.description || alert.message || ''
}

export const valueText = (value: number | null): string => (value === null ? '–' : formatNumber(value, 4))

// "2 firing, 1 with an error, 30 rules"
export function ruleCounts(states: readonly RuleStatus['state'][]): string {
  const count = (state: RuleStatus['state']) => states.filter((one) => one === state).length
  const parts = [
    [count('firing'), 'firing'],
    [count('pending'), 'pending'],
    [count('no_data'), 'without data'],
    [count('error'), 'with an error'],
  ] as const
  return [`${states.length.toLocaleString('en-US')} ${states.length === 1 ? 'rule' : 'rules'}`, ...parts.filter(([n]) => n > 0).map(([n, word]) => `${n} ${word}`)].join(', ')
}

// A silence of exactly this alert.
export function matchersOf(alert: Pick<Alert, 'rule_name' | 'labels'>): { label: string; op: '='; value: string }[] {
  return [{ label: 'alertname', op: '=' as const, value: alert.rule_name }, ...Object.entries(alert.labels).map(([label, value]) => ({ label, op: '=' as const, value }))]
}

// What a new rule begins with, as its page has it in the URL.
export function documentOfParam(text: string): RuleDocument | null {
  if (text === '') return null
  try {
    const value = JSON.parse(text) as Partial<RuleDocument> | null
    return value !== null && typeof value === 'object' && Array.isArray(value.queries) && value.queries.length > 0 && typeof value.condition === 'object' ? ({ ...value, schema: 1, name: value.name ?? '' } as RuleDocument) : null
  } catch {
    return null
  }
}
