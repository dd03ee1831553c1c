// Clocks that seem to differ: calls between two services whose inner span starts before the outer one. What the inner clock
// must be moved by, so that each call lies within its caller, is a range for each call; together they narrow it down.
// Data: TraceModel -> estimates; nothing is moved.
import { serviceName, STARTS_EARLY, type TraceModel } from './model'

export interface Skew {
  service: string // its clock is behind
  than: string // that of its caller
  least: number // ns
  most: number // Infinity where nothing limits it
  calls: number // that it is estimated from
}

/** One for each pair of services with a span that starts too early; the largest first. */
export function skews(model: TraceModel): Skew[] {
  const pairs = new Map<number, Skew & { early: boolean }>()
  for (let row = 0; row < model.rows; row++) {
    const parent = model.parent[row]!
    if (parent < 0 || !model.spans[row] || !model.spans[parent] || model.service[row] === model.service[parent]) continue
    const key = model.service[parent]! * model.services.length + model.service[row]!
    let pair = pairs.get(key)
    if (!pair) {
      pair = { service: serviceName(model, row), than: serviceName(model, parent), least: -Infinity, most: Infinity, calls: 0, early: false }
      pairs.set(key, pair)
    }
    pair.calls++
    pair.early ||= (model.flags[row]! & STARTS_EARLY) !== 0
    pair.least = Math.max(pair.least, model.start[parent]! - model.start[row]!)
    // A span that is longer than its caller was not waited for: its end says nothing.
    const room = model.end[parent]! - model.end[row]!
    if (model.end[row]! - model.start[row]! <= model.end[parent]! - model.start[parent]!) pair.most = Math.min(pair.most, room)
  }
  return [...pairs.values()]
    .filter((pair) => pair.early)
    .map(({ service, than, least, most, calls }) => ({ service, than, least, most: Math.max(least, most), calls }))
    .sort((a, b) => b.least - a.least)
}

/** The estimate for a span's service against its caller's; null where there is none. */
export function skewOf(model: TraceModel, row: number): Skew | null {
  const parent = model.parent[row] ?? -1
  if (parent < 0) return null
  return skews(model).find(({ service, than }) => service === serviceName(model, row) && than === serviceName(model, parent)) ?? null
}
