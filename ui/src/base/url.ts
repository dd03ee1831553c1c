// The URL is the state of a view. Parameters that belong to all views stay while moving between pages; the rest belongs
// to the page.
import { DEFAULT_LAST, parseSpan, spanToText, type TimeRange } from './time'

export const SHARED_PARAMS = ['last', 'from', 'to', 'live', 'service'] as const

export type ParamValue = string | number | boolean | null | undefined | readonly string[]

// Without those that say nothing. Order is kept, so that the same state has the same URL.
export function encodeParams(params: Record<string, ParamValue>): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(params)) {
    if (value === null || value === undefined || value === '' || value === false) continue
    if (Array.isArray(value)) for (const item of value as readonly string[]) search.append(key, item)
    else search.set(key, value === true ? '1' : String(value))
  }
  return search.toString().replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%2F', '/')
}

export function makeHref(path: string, params: Record<string, ParamValue> = {}): string {
  const query = encodeParams(params)
  return query ? `${path}?${query}` : path
}

// The shared ones of `search`, in their order.
export function sharedOf(search: URLSearchParams): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const key of SHARED_PARAMS) {
    const value = search.get(key)
    if (value !== null && value !== '') kept[key] = value
  }
  return kept
}

// A wrong or missing range is the default one: a URL typed by hand never breaks a page.
export function rangeOf(search: URLSearchParams): TimeRange {
  const [from, to] = [search.get('from'), search.get('to')]
  if (from && to && isNano(from) && isNano(to) && BigInt(to) > BigInt(from)) return { kind: 'absolute', from, to }
  const span = parseSpan(search.get('last') ?? DEFAULT_LAST)
  return { kind: 'last', last: span === null ? DEFAULT_LAST : spanToText(span) }
}

export function rangeParams(range: TimeRange): Record<'last' | 'from' | 'to', string | null> {
  if (range.kind === 'absolute') return { last: null, from: range.from, to: range.to }
  return { last: range.last === DEFAULT_LAST ? null : range.last, from: null, to: null }
}

function isNano(text: string): boolean {
  return /^[0-9]{1,19}$/.test(text)
}

// Seconds between refreshes; 0: off. Only the offered ones.
export const LIVE_SECONDS = [5, 10, 30, 60, 300] as const

export function liveOf(search: URLSearchParams): number {
  const ms = parseSpan(search.get('live') ?? '')
  return ms !== null && (LIVE_SECONDS as readonly number[]).includes(ms / 1000) ? ms / 1000 : 0
}
