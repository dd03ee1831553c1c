import { describe, expect, it } from 'vitest'

import type { ServiceGraphEdge } from '../../api/types'
import { nodeName } from '../../map/figures'
import { dependenciesOf } from './dependencies'

const side = (p50: number) => ({ spans: 10, p50_nano: p50, p90_nano: 2, p95_nano: 3, p99_nano: 4, max_nano: 5 })

function edge(client: string, server: string, connection_type: ServiceGraphEdge['connection_type'] = '', changes: Partial<ServiceGraphEdge> = {}): ServiceGraphEdge {
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
  const found = dependenciesOf(EDGES, 'shop')

  it('is parted by kind', () => {
    expect(found.services.map((one) => one.node.name)).toEqual(['pay'])
    expect(found.queues.map((one) => [one.node.name, one.node.kind]).sort()).toEqual([['kafka', 'messaging'], ['mail', 'service']]) // prettier-ignore
    expect(found.databases.map((one) => one.node.name)).toEqual(['postgresql/shop', 'redis'])
    expect(found.peers.map((one) => one.node.name)).toEqual(['en.wikipedia.org'])
  })

  it('took as long as the service waited', () => {
    expect(found.services[0]?.side?.p50_nano).toBe(1)
  })

  it('leads to the spans behind as the map does', () => {
    expect(found.services[0]?.query).toBe('{ resource.service.name = "shop" && kind = client } > { resource.service.name = "pay" && kind = server }')
    expect(found.services[0]?.failed).toContain(') || (')
    expect(found.databases[0]?.failed).toContain('(span.db.namespace = "shop" || span.db.name = "shop") && status = error }')
    expect(found.peers[0]?.query).toContain('span.server.address = "en.wikipedia.org"')
  })
})

it('names who calls, and takes the time that the service took', () => {
  const { callers } = dependenciesOf(EDGES, 'shop')
  expect(callers.map((one) => [nodeName(one.node), one.side?.p50_nano]).sort()).toEqual([['Users', 9], ['unnamed', 9], ['web', 9]]) // prettier-ignore
  const queryOf = (name: string) => callers.find((one) => nodeName(one.node) === name)?.query
  expect(queryOf('Users')).toBe('{ resource.service.name = "shop" && kind = server && parent = nil }')
  expect(queryOf('unnamed')).toBe('{ kind = client } > { resource.service.name = "shop" && kind = server }')
})
