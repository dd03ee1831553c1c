// What a service calls and who calls it, from the edges of the service graph, with the queries that find the spans behind.
// API's answers in, rows out; knows no DOM.
import type { GraphEdge, GraphSide } from '../../api/types'
import { quoted } from '../../base/traceql'

export interface Dependency {
  key: string
  name: string
  isService: boolean // it has a page of its own
  calls: number
  errors: number
  calls_per_second: number
  side: GraphSide | null
  query: string // TraceQL: the calls' spans
  failed: string // those that failed
}

export interface Callees {
  services: Dependency[]
  databases: Dependency[]
  queues: Dependency[]
  peers: Dependency[]
}

const of = (service: string) => (service === '' ? 'resource.service.name = nil' : `resource.service.name = ${quoted(service)}`)
const spans = (...conditions: string[]) => `{ ${conditions.join(' && ')} }`

// The name of a database is its system and namespace, or the one of them that is known.
function databaseConditions(name: string): string[] {
  const at = name.indexOf('/')
  if (at < 0) return [`(span.db.system.name = ${quoted(name)} || span.db.namespace = ${quoted(name)})`]
  return [`span.db.system.name = ${quoted(name.slice(0, at))}`, `span.db.namespace = ${quoted(name.slice(at + 1))}`]
}

function dependency(edge: GraphEdge, name: string, isService: boolean, side: GraphSide | null, before: string, conditions: string[]): Dependency {
  return {
    key: JSON.stringify([edge.client, edge.server, edge.connection_type]),
    name,
    isService,
    calls: edge.calls,
    errors: edge.errors,
    calls_per_second: edge.calls_per_second,
    side,
    query: before + spans(...conditions),
    failed: before + spans(...conditions, 'status = error'),
  }
}

// As the service measures them, that is with the way there and back.
export function calleesOf(edges: readonly GraphEdge[], service: string): Callees {
  const callees: Callees = { services: [], databases: [], queues: [], peers: [] }
  for (const edge of edges) {
    if (edge.client !== service) continue
    const make = (isService: boolean, before: string, conditions: string[]) =>
      dependency(edge, edge.server, isService, edge.client_side ?? edge.server_side, before, conditions)
    const peer = quoted(edge.server)
    if (edge.connection_type === 'database') callees.databases.push(make(false, '', [of(service), ...databaseConditions(edge.server)]))
    else if (edge.connection_type === 'virtual_node')
      callees.peers.push(make(false, '', [of(service), 'kind = client', `(span.peer.service = ${peer} || span.server.address = ${peer})`]))
    else if (edge.server_side !== null) {
      const list = edge.connection_type === '' ? callees.services : callees.queues
      list.push(make(true, `${spans(of(service))} > `, [of(edge.server)]))
    } else callees.queues.push(make(false, '', [of(service), 'kind = producer', `span.messaging.system = ${peer}`]))
  }
  return callees
}

// As the service itself measures them.
export function callersOf(edges: readonly GraphEdge[], service: string): Dependency[] {
  return edges
    .filter((edge) => edge.server === service && edge.connection_type !== 'database')
    .map((edge) => {
      const outside = edge.connection_type === 'virtual_node'
      const before = outside ? '' : `${spans(of(edge.client))} > `
      const conditions = outside ? [of(service), 'kind = server', 'parent = nil'] : [of(service)]
      return dependency(edge, edge.client, !outside, edge.server_side ?? edge.client_side, before, conditions)
    })
}
