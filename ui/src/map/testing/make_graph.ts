// Graphs for tests, as the API answers them.
import type { ServiceGraphEdge } from '../../api/types'

const side = (ms: number, spans = 100) => ({ spans, p50_nano: ms * 0.5e6, p90_nano: ms * 0.9e6, p95_nano: ms * 1e6, p99_nano: ms * 2e6, max_nano: ms * 4e6 })

export function call(client: string, server: string, more: Partial<ServiceGraphEdge> = {}): ServiceGraphEdge {
  return { client, server, connection_type: '', calls: 100, errors: 0, calls_per_second: 2, client_side: side(12), server_side: side(10), ...more }
}

export const userCall = (server: string): ServiceGraphEdge => call('user', server, { connection_type: 'virtual_node', client_side: null })
export const databaseCall = (client: string, server: string): ServiceGraphEdge => call(client, server, { connection_type: 'database', server_side: null })
export const peerCall = (client: string, server: string): ServiceGraphEdge => call(client, server, { connection_type: 'virtual_node', server_side: null })

export function makeRandom(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}

// Gateways, services in three layers, databases; some calls skip layers, a few lead back.
export function largeGraph(nodes: number, calls: number, seed = 7): ServiceGraphEdge[] {
  const random = makeRandom(seed)
  const tiers = [0.03, 0.25, 0.45, 0.75, 1].map((share) => Math.round(share * nodes))
  const tierOf = (i: number) => tiers.findIndex((end) => i < end)
  const name = (i: number) => (tierOf(i) === 4 ? `postgresql/store-${i}` : `service-${String(i).padStart(3, '0')}`)
  const made = new Map<string, ServiceGraphEdge>()
  const add = (from: number, to: number) => {
    const key = `${from} ${to}`
    if (from !== to && tierOf(from) < 4 && !made.has(key)) made.set(key, tierOf(to) === 4 ? databaseCall(name(from), name(to)) : call(name(from), name(to)))
  }
  for (let i = 0; i < nodes; i++) {
    const tier = tierOf(i)
    if (tier === 0) made.set(`user ${i}`, userCall(name(i)))
    else add((tiers[tier - 2] ?? 0) + Math.floor(random() * (tiers[tier - 1]! - (tiers[tier - 2] ?? 0))), i)
  }
  while (made.size < calls) {
    const [from, to] = [Math.floor(random() * nodes), Math.floor(random() * nodes)]
    const down = tierOf(to) - tierOf(from)
    if (down === 1 || down === 2 || random() < 0.02) add(from, to)
  }
  return [...made.values()]
}

export function shuffled<T>(list: readonly T[], seed: number): T[] {
  const random = makeRandom(seed)
  return list
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value)
}
