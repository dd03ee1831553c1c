// What the page of silent failures computes of an answer: shares, words, the query that finds them again. API's answers in;
// knows no DOM.
import type { SilentFailure, SilentFailureServices } from '../../api/types'
import { hashText } from '../../base/hash'
import { quoted, serviceIs, spansWith } from '../../base/traceql'
import { formatPercent } from '../../base/units'

// The same failure has the same key in each answer; short enough for the URL.
export function failureKey(one: SilentFailure): string {
  return hashText(JSON.stringify([one.service, one.name, one.kind, one.target, one.message])).toString(36)
}

// Of the requests of the operations that were hit; null where those are not counted. What is estimated and what is counted may
// differ by a hair: never more than all.
export function hitShare(one: Pick<SilentFailure, 'requests' | 'requests_in_all'>): number | null {
  return one.requests_in_all !== null && one.requests_in_all > 0 ? Math.min(1, one.requests / one.requests_in_all) : null
}

export function shareText(share: number | null): string {
  return share === null ? '–' : formatPercent(share)
}

// What of its requests went on well after a later try; null where none did.
export function retriedText(one: Pick<SilentFailure, 'requests' | 'retried_requests'>): string | null {
  if (one.retried_requests <= 0) return null
  return one.retried_requests >= one.requests ? 'retried with success' : `retried with success in ${formatPercent(one.retried_requests / one.requests)}`
}

// TraceQL that finds the failed spans under spans that answered well.
export function failureQuery(one: SilentFailure): string {
  const failed = `(status = error || event:name = "exception" || span.http.response.status_code >= 400)`
  const span = spansWith(serviceIs(one.service), `name = ${quoted(one.name)}`, `kind = ${one.kind.toLowerCase()}`, failed)
  const [entry] = one.entries
  // Recorded on the request's own span: there is none above.
  const own = one.entries.some((each) => each.service === one.service && each.name === one.name && each.kind === one.kind)
  if (own || entry === undefined) return span
  const operation = one.entries_in_all === 1 ? [`name = ${quoted(entry.name)}`, `kind = ${entry.kind.toLowerCase()}`] : []
  return `${spansWith(serviceIs(entry.service), ...operation, 'status != error')} >> ${span}`
}

export interface Hits {
  requests: number
  share: number | null
  isComplete: boolean // else more may have been hit: the older part of the range was not examined
}
// By service.
export function hitsByService(counts: SilentFailureServices | undefined): Map<string, Hits> {
  return new Map((counts?.services ?? []).map((one) => [one.service, { requests: one.requests, share: hitShare(one), isComplete: counts?.examined.is_complete ?? true }]))
}
