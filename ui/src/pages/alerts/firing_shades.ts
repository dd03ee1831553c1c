// When alerts fired, as shades over charts. Knows no DOM.
import type { Transition } from '../../api/alert_types'
import type { ChartShade } from '../../widgets/chart_overlays'
import { lanesOf } from './timeline'

const SERVICE_LABELS = ['service.name', 'resource.service.name', 'service']

// `services`: only of these, by the label that names one; null: of all.
export function firingShades(transitions: readonly Transition[], range: { fromMs: number; toMs: number }, services: readonly string[] | null): ChartShade[] {
  const lanes = lanesOf(transitions, range).filter(({ labels }) => services === null || SERVICE_LABELS.some((name) => services.includes(labels[name] ?? '\0')))
  return lanes.flatMap((lane) =>
    lane.intervals
      .filter((one) => one.state === 'firing')
      .map(({ fromMs, toMs, severity }) => ({ fromMs, toMs, color: severity === 'warning' ? '--warn-mark' : '--error-mark', label: `${lane.ruleName} fires` })),
  )
}
