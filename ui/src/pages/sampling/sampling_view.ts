// What the page of sampling computes from the API's answers.
import type { KeptByPolicy, SamplingHistory, SamplingTotals } from '../../api/types'
import { nanoToMs } from '../../base/time'

// What people read for a policy: spans without one were kept before sampling was turned on.
export function policyLabel(policy: string): string {
  return policy || 'Without sampling'
}

// The part of what was seen that is stored; null where nothing was seen. Stored spans may have been seen in a minute before.
export function keptShare(spans: number, seen: number): number | null {
  return seen > 0 ? Math.min(1, spans / seen) : null
}

// How far what stored spans stand for is from what was seen.
export function deviation(standFor: number, seen: number): number | null {
  return seen > 0 ? standFor / seen - 1 : null
}

export function formatDeviation(share: number | null): string {
  if (share === null) return '–'
  const percent = Math.abs(share) * 100
  if (percent < 0.05) return '±0 %'
  return `${share < 0 ? '−' : '+'}${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`
}

const DAY_MS = 86_400_000

// What makes a day of the figures of a range, of which only what has passed counts.
export function dayFactor(totals: Pick<SamplingTotals, 'from_unix_nano' | 'to_unix_nano'>, nowMs: number): number {
  const from = nanoToMs(totals.from_unix_nano)
  const passed = Math.min(nanoToMs(totals.to_unix_nano), nowMs) - from
  return passed > 0 ? DAY_MS / passed : 0
}

export interface NamedSeries {
  name: string
  values: (number | null)[]
}

// The series of one metric, those with something in them, named by one of their labels.
export function seriesOf(history: SamplingHistory, name: SamplingHistory['series'][number]['name'], label: string, only: Record<string, string> = {}): NamedSeries[] {
  return history.series
    .filter((one) => one.name === name && Object.entries(only).every(([key, value]) => one.labels[key] === value))
    .filter((one) => one.values.some((value) => value !== null && value > 0))
    .map((one) => ({ name: one.labels[label] ?? '', values: one.values }))
}

export function sumOf(series: readonly NamedSeries[]): number {
  return series.reduce((sum, one) => sum + one.values.reduce<number>((all, value) => all + (value ?? 0), 0), 0)
}

export function perSecond(values: readonly (number | null)[], stepSeconds: number): (number | null)[] {
  return values.map((value) => (value === null ? null : value / stepSeconds))
}

// The share of each policy in what is stored, of the largest for the bars.
export function barShares(policies: readonly KeptByPolicy[]): number[] {
  const most = Math.max(1, ...policies.map((one) => one.spans))
  return policies.map((one) => one.spans / most)
}

// Half of the interval in which what was seen lies 19 times out of 20, from the estimate's own variance. Spans of a trace are
// kept together, so a trace counts as one draw of its spans: sum of n² w (w - 1), here by policy with the means of n and w.
export function intervalOf(policies: readonly KeptByPolicy[]): number {
  const variance = policies.reduce((sum, one) => {
    if (one.spans === 0 || one.traces === 0) return sum
    const weight = one.stand_for / one.spans
    const perTrace = one.spans / one.traces
    return sum + one.traces * perTrace ** 2 * Math.max(0, weight * (weight - 1))
  }, 0)
  return 1.96 * Math.sqrt(variance)
}

// In words, for the head of the page.
export function headlineOf(totals: Pick<SamplingTotals, 'spans' | 'seen'>, format: (share: number) => string): string {
  const share = keptShare(totals.spans, totals.seen)
  if (share === null) return 'No spans in this time'
  return share >= 1 ? 'Every span is kept' : `${format(share)} of the spans are kept; all are counted`
}

// What a newcomer would set: the policies of the article.
export const DEFAULT_POLICIES = `sampling:
  tail_sampling:
    decision_wait: 30s
    policies:
      - {name: errors, type: error}
      - {name: slow-roots, type: root_latency, root_latency: {threshold_ms: 1000}}
      - {name: one-percent, type: probabilistic, probabilistic: {sampling_percentage: 1}}
`
