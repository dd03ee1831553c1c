// What lasted, out of transitions: lanes of intervals for each instance. Data in, data out; knows no DOM.
import type { InstanceState, Labels, Severity, Transition } from '../../api/alert_types'
import { nanoToMs } from '../../base/time'

export interface Lasting {
  fromMs: number
  toMs: number
  state: Exclude<InstanceState, 'inactive'>
  severity: Severity | ''
  open: boolean // it had not ended
}

export interface Lane {
  key: string
  ruleId: string
  ruleName: string
  labels: Labels
  intervals: Lasting[]
  newestMs: number
}

// The newest first.
export function lanesOf(transitions: readonly Transition[], { fromMs, toMs }: { fromMs: number; toMs: number }): Lane[] {
  const byInstance = new Map<string, Transition[]>()
  for (const one of transitions) {
    const list = byInstance.get(one.fingerprint)
    if (list) list.push(one)
    else byInstance.set(one.fingerprint, [one])
  }
  const lanes = [...byInstance].map(([key, list]): Lane => {
    const sorted = [...list].sort((a, b) => nanoToMs(a.at_unix_nano) - nanoToMs(b.at_unix_nano))
    const first = sorted[0]!
    const intervals: Lasting[] = []
    const add = (state: InstanceState, severity: Severity | '', from: number, to: number, open: boolean) => {
      if (state !== 'inactive' && to > from) intervals.push({ fromMs: from, toMs: to, state, severity, open })
    }
    // Of what was before the first transition only the state is known.
    add(first.from, first.from === 'firing' ? first.severity : '', fromMs, nanoToMs(first.at_unix_nano), false)
    sorted.forEach((one, i) => {
      const next = sorted[i + 1]
      add(one.to, one.severity, Math.max(fromMs, nanoToMs(one.at_unix_nano)), Math.min(toMs, next ? nanoToMs(next.at_unix_nano) : toMs), next === undefined)
    })
    return { key, ruleId: first.rule_id, ruleName: first.rule_name, labels: first.labels, intervals, newestMs: nanoToMs(sorted.at(-1)!.at_unix_nano) }
  })
  return lanes.sort((a, b) => b.newestMs - a.newestMs)
}

// Of a lane: where an interval stands between 0 and 1.
export function placeOf({ fromMs, toMs }: { fromMs: number; toMs: number }, range: { fromMs: number; toMs: number }): { left: number; width: number } {
  const length = Math.max(1, range.toMs - range.fromMs)
  const left = Math.min(1, Math.max(0, (fromMs - range.fromMs) / length))
  const right = Math.min(1, Math.max(0, (toMs - range.fromMs) / length))
  return { left, width: Math.max(0, right - left) }
}

// Intervals that overlap or touch become one.
export function joined<T extends { fromMs: number; toMs: number }>(intervals: readonly T[]): { fromMs: number; toMs: number }[] {
  const sorted = [...intervals].sort((a, b) => a.fromMs - b.fromMs)
  const result: { fromMs: number; toMs: number }[] = []
  for (const { fromMs, toMs } of sorted) {
    const last = result.at(-1)
    if (last && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
    else result.push({ fromMs, toMs })
  }
  return result
}
