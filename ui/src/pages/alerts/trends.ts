// Values of alerts over the last hour, by the backtest of their rule: one question for all alerts of a rule, kept for a minute.
import { alerts } from '../../api/alerts'
import type { Alert, Backtest } from '../../api/alert_types'
import { HOUR, MINUTE, msToNano } from '../../base/time'
import { testedDocument } from './backtest_view'

const kept = new Map<string, { minute: number; test: Promise<Backtest | null> }>()

async function ask(rule: string, nowMs: number): Promise<Backtest | null> {
  try {
    const { document } = await alerts.getRule(rule)
    return await alerts.backtest(testedDocument(document), { from: msToNano(nowMs - HOUR), to: msToNano(nowMs) })
  } catch {
    return null // the list is worth reading without it
  }
}

// The series whose labels the alert has, whatever its rule adds to them.
export function valuesFor(test: Backtest, alert: Pick<Alert, 'labels'>): (number | null)[] | null {
  return test.series.find((one) => Object.entries(one.labels).every(([key, value]) => alert.labels[key] === value))?.values ?? null
}

export async function trendOf(alert: Pick<Alert, 'rule_id' | 'labels'>, nowMs: number): Promise<(number | null)[] | null> {
  const minute = Math.floor(nowMs / MINUTE)
  const known = kept.get(alert.rule_id)
  const asked = known?.minute === minute ? known : { minute, test: ask(alert.rule_id, nowMs) }
  kept.set(alert.rule_id, asked)
  const test = await asked.test
  return test === null ? null : valuesFor(test, alert)
}
