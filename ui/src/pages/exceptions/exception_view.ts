// What the screens say of groups of exceptions. No DOM.
import type { ExceptionDecision, ExceptionGroup, ExceptionState, NewExceptionDecision } from '../../api/types'
import { attributeField, quoted, serviceIs, spansWith } from '../../base/traceql'

// Which groups a list shows; the first is the usual one.
export const SHOWN = [
  { value: 'unresolved', label: 'Unresolved', states: ['open', 'regressed'] },
  { value: 'regressed', label: 'Regressed', states: ['regressed'] },
  { value: 'resolved', label: 'Resolved', states: ['resolved'] },
  { value: 'ignored', label: 'Ignored', states: ['ignored'] },
  { value: 'all', label: 'All', states: ['open', 'regressed', 'resolved', 'ignored'] },
] as const satisfies readonly { value: string; label: string; states: readonly ExceptionState[] }[]
export type Shown = (typeof SHOWN)[number]

export function shownBy(param: string): Shown {
  return SHOWN.find((one) => one.value === param) ?? SHOWN[0]
}

export function countOf(shown: Shown, states: Record<ExceptionState, number>): number {
  return shown.states.reduce((sum, state) => sum + states[state], 0)
}

// The spans of the service that threw the type. Its frames are of no condition: a search by the whole stack trace would miss those
// that differ in a line.
export function spansQuery(group: Pick<ExceptionGroup, 'service' | 'type'>): string {
  return spansWith(serviceIs(group.service), `${attributeField('event', 'exception.type')} = ${quoted(group.type)}`)
}

export function logsQuery(group: Pick<ExceptionGroup, 'service' | 'type'>): string {
  return spansWith(serviceIs(group.service), `${attributeField('log', 'exception.type')} = ${quoted(group.type)}`)
}

// What was done, for a notice.
export function doneText(state: ExceptionDecision['state'], type: string): string {
  const words = { resolved: 'Resolved', ignored: 'Ignored', open: 'Opened again:' }
  return `${words[state]} ${type || 'the exception'}`
}

// The decision that takes back the one of `version`. What had regressed is open again rather than resolved: it needs somebody.
export function undoOf(before: ExceptionDecision | null, version: number): NewExceptionDecision {
  if (before === null || before.regressed_unix_nano !== null) return { state: 'open', version }
  return { state: before.state, note: before.note, resolved_in_version: before.resolved_in_version, version }
}
