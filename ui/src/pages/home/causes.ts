// Failing traces by what failed at their bottom: the likely causes, most frequent first.
import type { TraceSummary } from '../../api/types'

export interface Cause {
  key: string
  service: string
  name: string
  kind: string
  message: string // of the newest
  target: string // who was asked; may be empty
  count: number // traces
  newest: { traceId: string; spanId: string; atNano: string }
  roots: string[] // what was asked for, most frequent first
}

// What differs from one occurrence to the next is no part of a message's kind.
export function messageKind(message: string): string {
  return message
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '#')
    .replace(/0x[0-9a-f]+|(?<![0-9a-z])(?=[0-9a-f]*\d)[0-9a-f]{8,}(?![0-9a-z])/gi, '#')
    .replace(/\d+(?:[.,:]\d+)*/g, '#')
}

export function causesOf(traces: readonly TraceSummary[]): Cause[] {
  const found = new Map<string, Cause & { rootCounts: Map<string, number> }>()
  for (const trace of traces) {
    const matched = { span_id: trace.matched.span_id, service: trace.matched.service, name: trace.matched.name, kind: 'Unspecified', message: '', target: '' }
    const failures = trace.failures.length > 0 ? trace.failures : [matched]
    const root = trace.root_name || trace.root_service
    const seen = new Set<string>() // the same failure twice in one trace counts once
    for (const failure of failures) {
      const key = [failure.service, failure.name, failure.target, messageKind(failure.message)].join('\n')
      if (seen.has(key)) continue
      seen.add(key)
      const at = { traceId: trace.trace_id, spanId: failure.span_id, atNano: trace.start_unix_nano }
      const cause = found.get(key)
      if (!cause) {
        const { service, name, kind, message, target } = failure
        found.set(key, { key, service, name, kind, message, target, count: 1, newest: at, roots: [], rootCounts: new Map([[root, 1]]) })
        continue
      }
      cause.count++
      cause.rootCounts.set(root, (cause.rootCounts.get(root) ?? 0) + 1)
      if (BigInt(at.atNano) > BigInt(cause.newest.atNano)) [cause.newest, cause.message] = [at, failure.message]
    }
  }
  return [...found.values()]
    .map(({ rootCounts, ...cause }) => ({ ...cause, roots: [...rootCounts].sort((a, b) => b[1] - a[1]).map(([root]) => root) }))
    .sort((a, b) => b.count - a.count || Number(BigInt(b.newest.atNano) - BigInt(a.newest.atNano)))
}
