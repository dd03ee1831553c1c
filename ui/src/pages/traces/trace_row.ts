// What a row of the trace list says about its trace, and how much room that takes. TraceSummary in; knows no DOM.
import type { TraceSummary } from '../../api/types'
import type { Asked } from './traces_query'

// A likely cause of the failure; equal ones (retries, a loop) are one with a count.
export interface Cause {
  spanId: string // of the earliest
  service: string
  name: string
  message: string
  target: string // who was asked; may be empty
  count: number
}

export function causesOf(trace: Pick<TraceSummary, 'failures'>): Cause[] {
  const causes = new Map<string, Cause>()
  for (const { span_id, service, name, message, target } of trace.failures) {
    const key = JSON.stringify([service, name, message, target])
    const same = causes.get(key)
    if (same === undefined) causes.set(key, { spanId: span_id, service, name, message, target, count: 1 })
    else same.count++
  }
  return [...causes.values()]
}

export type Verdict = 'fine' | 'failed' | 'hidden'

// hidden: something in it failed, and the root, which is all that most tools look at, does not say so.
export function verdictOf(trace: Pick<TraceSummary, 'root_status' | 'error_count' | 'failures' | 'root_missing'>): Verdict {
  if (trace.error_count === 0 && trace.failures.length === 0) return 'fine'
  return trace.root_status === 'Error' || trace.root_missing ? 'failed' : 'hidden'
}

// The span that met the conditions, where it is another than the root. Where any span meets them, or any of the root's
// service, it is just one of many: then it says nothing.
export function matchedOf(trace: TraceSummary, asked: Asked): TraceSummary['matched'] | null {
  const { matched } = trace
  if (asked === 'anything') return null
  if (matched.service === trace.root_service && (asked === 'a service' || matched.name === trace.root_name)) return null
  return matched
}

export const LINE_PX = 30 // what every row has
export const NARROW_LINE_PX = 52 // in two lines, where there is no room for columns
const CAUSE_PX = 20
const CAUSES_END_PX = 6

export function rowHeight(causes: number, narrow: boolean): number {
  return (narrow ? NARROW_LINE_PX : LINE_PX) + (causes > 0 ? causes * CAUSE_PX + CAUSES_END_PX : 0)
}

// The first line of a message; the rest is on hover and in the trace.
export function firstLine(message: string): string {
  return message.trim().split('\n', 1)[0] ?? ''
}
