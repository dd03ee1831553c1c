// Traces that are still arriving: how long to wait for one, whether it may grow, and where its logs lie on the rows.
// Data: what the API answers -> decisions; no DOM, no clock.
import type { LogRecord } from '../../api/types'
import type { TraceModel } from '../../flame/model'
import type { RowMark } from '../../flame/trace_view'
import { nanoBetween, nanoToMs } from '../../base/time'
import type { WholeOutline } from './trace_pages'

export const ARRIVAL_WAIT_MS = 1000
export const ARRIVAL_TRIES_MAX = 6 // a batch is sent every 5 s at the latest, by the SDKs' default

const GROWS_MS_MAX = 10 * 60_000 // spans are sent when they end: what ended long ago has all it will have

/** Whether more of it may come: its last span ended a short while ago. */
export function growsStill(outline: { start_unix_nano: string; duration_nano: number }, nowMs: number): boolean {
  return nowMs - (nanoToMs(outline.start_unix_nano) + outline.duration_nano / 1e6) < GROWS_MS_MAX
}

const LOOK_MS = 2000
const LOOK_MS_MAX = 60_000

/** How long until the next look at a trace that may grow, after so many looks that found nothing new. */
export function lookAfterMs(looks: number): number {
  return Math.min(LOOK_MS * 2 ** looks, LOOK_MS_MAX)
}

/** Spans never change once stored, so an outline is another one only if there are more of them. */
export function sameOutline(a: WholeOutline, b: WholeOutline): boolean {
  return (
    a.trace_id === b.trace_id &&
    a.spans.length === b.spans.length &&
    a.cut === b.cut &&
    a.start_unix_nano === b.start_unix_nano &&
    a.duration_nano === b.duration_nano
  )
}

const SEVERE_MIN = 17 // ERROR

type Logged = Pick<LogRecord, 'time_unix_nano' | 'severity_number'>

/** All log records of the trace on its time axis, by time. */
export function timeMarks(model: TraceModel, logs: readonly Logged[]): RowMark[] {
  const start = String(model.startUnixNano)
  return logs.map((log) => ({ at: nanoBetween(start, log.time_unix_nano), severe: log.severity_number >= SEVERE_MIN })).sort((a, b) => a.at - b.at)
}

/** Log records by the row of their span, in order of time. */
export function logMarks(model: TraceModel, logs: readonly Pick<LogRecord, 'time_unix_nano' | 'severity_number' | 'span_id'>[]): Map<number, RowMark[]> {
  const start = String(model.startUnixNano)
  const marks = new Map<number, RowMark[]>()
  for (const log of logs) {
    const row = log.span_id ? model.rowOf(log.span_id) : -1
    if (row < 0) continue
    const mark = { at: nanoBetween(start, log.time_unix_nano), severe: log.severity_number >= SEVERE_MIN }
    const list = marks.get(row)
    if (list) list.push(mark)
    else marks.set(row, [mark])
  }
  for (const list of marks.values()) list.sort((a, b) => a.at - b.at)
  return marks
}
