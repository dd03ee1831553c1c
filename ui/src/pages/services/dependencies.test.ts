import { describe, expect, it } from 'vitest'

import type { GraphEdge } from '../../api/types'
import { calleesOf, callersOf } from './dependencies'

const side = (p50: number) => ({ spans: 10, p50_nano: p50, p90_nano: 2, p95_nano: 3, p99_nano: 4, max_nano: 5 })

function edge(client: string, server: string, connection_type: GraphEdge['connection_type'] = '', changes: Partial<GraphEdge> = {}): GraphEdge {
  return { client, server, connection_type, calls: 10, errors: 1, calls_per_second: 0.1, client_side: side(1), server_side: side(9), ...changes }
}

const EDGES = [
  edge('shop', 'pay'),
  edge('shop', 'mail', 'messaging_system'),
  edge('shop', 'kafka', 'messaging_system', { server_side: null }),
  edge('shop', 'postgresql/shop', 'database', { server_side: null }),
  edge('shop', 'redis', 'database', { server_side: null }),
  edge('shop', 'en.wikipedia.org', 'virtual_node', { server_side: null }),
  edge('user', 'shop', 'virtual_node', { client_side: null }),
  edge('web', 'shop'),
  edge('', 'shop'),
]

describe('what a service calls', () => {
  const callees = calleesOf(EDGES, 'shop')

  it('is parted by kind', () => {
    expect(callees.services.map((one) => one.name)).toEqual(['pay'])
    expect(callees.queues.map((one) => [one.name, one.isService])).toEqual([['mail', true], ['kafka', false]]) // prettier-ignore
    expect(callees.databases.map((one) => one.name)).toEqual(['postgresql/shop', 'redis'])
    expect(callees.peers.map((one) => one.name)).toEqual(['en.wikipedia.org'])
  })

  it('took as long as the service waited', () => {
    expect(callees.services[0]?.side?.p50_nano).toBe(1)
  })

  it('leads to the spans behind', () => {
    expect(callees.services[0]?.query).toBe('{ resource.service.name = "shop" } > { resource.service.name = "pay" }')
    expect(callees.databases[0]?.failed).toBe('{ resource.service.name = "shop" && span.db.system.name = "postgresql" && span.db.namespace = "shop" && status = error }')
    expect(callees.peers[0]?.query).toContain('span.server.address = "en.wikipedia.org"')
  })
})

it('names who calls, and takes the time that the service took', () => {
  const callers = callersOf(EDGES, 'shop')
  expect(callers.map((one) => [one.name, one.isService, one.side?.p50_nano])).toEqual([['user', false, 9], ['web', true, 9], ['', true, 9]]) // prettier-ignore
  expect(callers[0]?.query).toBe('{ resource.service.name = "shop" && kind = server && parent = nil }')
  expect(callers[2]?.query).toBe('{ resource.service.name = nil } > { resource.service.name = "shop" }')
})
