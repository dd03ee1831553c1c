// What /status says of a signal, in two looks, as a person would put it.
import type { SignalStatus, Status } from '../../api/types'
import { nanoBetween, nanoToMs } from '../../base/time'
import { formatCount } from '../../base/units'

export const SIGNALS = ['traces', 'logs', 'metrics'] as const
export type Signal = (typeof SIGNALS)[number]

export const SIGNAL_NAMES: Record<Signal, string> = { traces: 'Traces', logs: 'Logs', metrics: 'Metrics' }
const ITEMS: Record<Signal, string> = { traces: 'span', logs: 'record', metrics: 'point' }

// 1 span, 12.3 k spans; without a count: spans.
export function itemsText(signal: Signal, count?: number, format = formatCount): string {
  if (count === undefined) return `${ITEMS[signal]}s`
  return `${format(count)} ${ITEMS[signal]}${count === 1 ? '' : 's'}`
}

const QUIET_MS = 5 * 60_000 // nothing for so long, though there was something

export interface SignalState {
  status: SignalStatus
  perSecond: number | null // null: one look only
  refusedPerSecond: number | null
  arrivedMs: number | null
  quiet: boolean
}

export function signalState(signal: Signal, status: Status, previous: Status | null): SignalState {
  const now = status.signals[signal]
  const before = previous?.signals[signal]
  const seconds = previous ? nanoBetween(previous.now_unix_nano, status.now_unix_nano) / 1e9 : 0
  const rate = (a: number | undefined, b: number) => (a !== undefined && seconds > 0.2 ? Math.max(0, b - a) / seconds : null)
  const arrivedMs = now.last_arrival_unix_nano === null ? null : nanoToMs(now.last_arrival_unix_nano)
  return {
    status: now,
    perSecond: rate(before?.accepted_since_start, now.accepted_since_start),
    refusedPerSecond: rate(before?.refused_since_start, now.refused_since_start),
    arrivedMs,
    quiet: arrivedMs !== null && nanoToMs(status.now_unix_nano) - arrivedMs > QUIET_MS,
  }
}

// Nothing was ever received: a new program.
export function isEmpty(status: Status): boolean {
  return SIGNALS.every((signal) => status.signals[signal].rows === 0 && status.signals[signal].accepted_since_start === 0)
}
