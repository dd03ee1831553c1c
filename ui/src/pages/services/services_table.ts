// What the tables of services and operations compute: shares, rates by step, figures of a column. API's answers in, numbers
// out; knows no DOM.
import type { Operation, Service, ServiceList } from '../../api/types'
import { nanoToMs } from '../../base/time'

export interface Figures {
  calls: number
  errors: number
}

// null: nothing was called, so nothing can have failed.
export function errorShare({ calls, errors }: Figures): number | null {
  return calls > 0 ? errors / calls : null
}

// Of each step; null where nothing was called.
export function errorShares(series: Service['series']): (number | null)[] {
  return series.calls.map((calls, step) => errorShare({ calls, errors: series.errors[step] ?? 0 }))
}

export function perSecond(counts: readonly number[], stepSeconds: number): number[] {
  return counts.map((count) => count / stepSeconds)
}

// Calls that did not fail. Estimates of a sampled stream may differ by a hair: never below nothing.
export function fineCalls(series: Pick<Service['series'], 'calls' | 'errors'>): number[] {
  return series.calls.map((calls, step) => Math.max(0, calls - (series.errors[step] ?? 0)))
}

// Bands of apdex as its makers have them: below 0.7 users are not content.
export function poorApdex(apdex: number): boolean {
  return apdex < 0.7
}

export function formatApdex(apdex: number): string {
  return apdex.toFixed(2)
}

type FigureKey = 'calls' | 'errors' | 'p50' | 'p90' | 'p95' | 'p99'

function figureValue(one: Service | Operation, key: FigureKey): number | null {
  if (key === 'calls') return one.calls_per_second
  return key === 'errors' ? errorShare(one) : one[`${key}_nano`]
}

export type ServiceKey = 'service' | FigureKey | 'apdex' | 'seen'
export const SERVICE_KEYS: readonly ServiceKey[] = ['service', 'calls', 'errors', 'apdex', 'p50', 'p90', 'p95', 'p99', 'seen']

export function serviceValue(one: Service, key: ServiceKey): number | string | null {
  if (key === 'service') return one.service
  if (key === 'apdex') return one.calls > 0 ? one.apdex : null
  return key === 'seen' ? nanoToMs(one.last_seen_unix_nano) : figureValue(one, key)
}

export type OperationKey = 'name' | 'kind' | FigureKey | 'max'
export const OPERATION_KEYS: readonly OperationKey[] = ['name', 'kind', 'calls', 'errors', 'p50', 'p90', 'p95', 'p99', 'max']

export function operationValue(one: Operation, key: OperationKey): number | string | null {
  if (key === 'name' || key === 'kind') return one[key]
  return key === 'max' ? one.max_nano : figureValue(one, key)
}

// Spans of one name may be of several kinds, at the edge and inside.
export function operationKey(one: Operation): string {
  return JSON.stringify([one.name, one.kind, one.entry])
}

// Every word of the search somewhere in the name.
export function namedLike(name: string, search: string): boolean {
  const lower = name.toLowerCase()
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word))
}

const PAGES_MAX = 10 // of 1,000 services each

// All pages as one list. `ask` gets the cursor of the page before.
export async function allServices(ask: (cursor: string | undefined) => Promise<ServiceList>): Promise<ServiceList> {
  const first = await ask(undefined)
  const services = [...first.services]
  const scanned = { ...first.scanned }
  let next = first.next_cursor
  for (let page = 1; next !== null && page < PAGES_MAX; page++) {
    const more: ServiceList = await ask(next)
    services.push(...more.services)
    scanned.rows += more.scanned.rows
    scanned.bytes += more.scanned.bytes
    scanned.elapsed_seconds += more.scanned.elapsed_seconds
    next = more.next_cursor
  }
  return { ...first, services, scanned, next_cursor: next }
}
