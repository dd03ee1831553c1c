// A backtest as a chart and lanes. Answers of the API in, specs out; knows no DOM.
import type { Backtest, BacktestSeries, Interval, Labels, Limit, RuleCondition, RuleDocument } from '../../api/alert_types'
import { seriesIndexes } from '../../base/colors'
import { valueFormat, type ValueFormat } from '../../base/series_units'
import { nanoToMs } from '../../base/time'
import type { ChartLevel, ChartShade } from '../../widgets/chart_overlays'
import { joined, type Lasting } from './timeline'

export const labelsText = (labels: Labels): string => Object.values(labels).map((value) => (value === '' ? 'unnamed' : value)).join(' · ') || 'all'

export interface TestedSeries {
  key: string
  name: string
  color: string
  labels: Labels
  values: (number | null)[]
  band: BacktestSeries['band'] | null
  intervals: Lasting[]
}

function lastingOf(list: readonly Interval[] | undefined, state: Lasting['state']): Lasting[] {
  return (list ?? []).map((one) => ({ fromMs: nanoToMs(one.from_unix_nano), toMs: nanoToMs(one.to_unix_nano), state, severity: one.severity ?? '', open: false }))
}

// Those that fired longest first.
export function testedSeries(test: Backtest): TestedSeries[] {
  const names = test.series.map((one) => labelsText(one.labels))
  const places = seriesIndexes(names)
  const firing = (one: TestedSeries) => one.intervals.filter(({ state }) => state === 'firing').reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
  return test.series
    .map((one, i) => ({
      key: JSON.stringify(one.labels),
      name: names[i] ?? '',
      color: `--series-${places[i] ?? 0}`,
      labels: one.labels,
      values: one.values,
      band: one.band ?? null,
      intervals: [...lastingOf(one.pending, 'pending'), ...lastingOf(one.firing, 'firing'), ...lastingOf(one.no_data, 'no_data')].sort((a, b) => a.fromMs - b.fromMs),
    }))
    .sort((a, b) => firing(b) - firing(a) || a.name.localeCompare(b.name, 'en'))
}

// Of several series what any of them was.
export function shadesOf(series: readonly TestedSeries[]): ChartShade[] {
  const all = series.flatMap((one) => one.intervals)
  const of = (wanted: (one: Lasting) => boolean, shade: Omit<ChartShade, 'fromMs' | 'toMs'>) => joined(all.filter(wanted)).map((span) => ({ ...span, ...shade }))
  return [
    ...of((one) => one.state === 'pending', { color: '--warn-mark', label: 'pending', hatched: true }),
    ...of((one) => one.state === 'firing' && one.severity === 'warning', { color: '--warn-mark', label: 'firing, warning' }),
    ...of((one) => one.state === 'firing' && one.severity !== 'warning', { color: '--error-mark', label: 'firing, critical' }),
  ]
}

// Thresholds as they lie on the chart; a change or an anomaly has none that stands still.
export function levelsOf(condition: RuleCondition): ChartLevel[] {
  if (condition.kind === 'burn_rate') return (condition.tiers ?? []).map((tier) => ({ value: tier.factor, color: tier.severity === 'critical' ? '--error' : '--warn', label: `${tier.severity}, ${tier.long}` }))
  if (condition.kind !== 'threshold') return []
  const lines = (limit: Limit | undefined, color: string, label: string) => (limit === undefined ? [] : Array.isArray(limit) ? limit : [limit]).map((value) => ({ value, color, label }))
  return [
    ...lines(condition.recovery, '--text-3', 'recovers'),
    ...lines(condition.warning, '--warn', 'warning'),
    ...lines(condition.critical, '--error', 'critical'),
  ]
}

// Numbers as limits are written: a share is no per cent here.
export const formatOfRule = (unit: string | undefined): ValueFormat => valueFormat(unit === '1' ? '' : (unit ?? ''))

// What the series depend on: another name or label asks nothing anew.
export function testedDocument(document: RuleDocument): RuleDocument {
  const { description: _, annotations: __, labels: ___, enabled: ____, ...rest } = document
  return { ...rest, name: 'backtest' }
}
