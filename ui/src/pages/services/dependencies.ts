// What a service calls and who calls it, from the edges of the service graph, with the queries that find the spans behind.
// API's answers in, rows out; knows no DOM.
import type { ServiceGraphEdge, ServiceGraphSide } from '../../api/types'
import { callQuery } from '../../map/calls_query'
import { callsOf, edgeSide, isAsync, mapGraph, nodeId, type MapEdge, type MapNode } from '../../map/graph'

export interface Dependency {
  key: string
  node: MapNode // at the other end
  calls: number
  errors: number
  calls_per_second: number
  side: ServiceGraphSide
  query: string // TraceQL: the calls' spans
  failed: string // those that failed
}

export interface Dependencies {
  callers: Dependency[] // as the service itself measures them
  // As the service measures them, that is with the way there and back.
  services: Dependency[]
  databases: Dependency[]
  queues: Dependency[]
  peers: Dependency[]
}

export function dependenciesOf(answers: readonly ServiceGraphEdge[], service: string): Dependencies {
  const graph = mapGraph(answers, [])
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
  const found: Dependencies = { callers: [], services: [], databases: [], queues: [], peers: [] }
  const add = (list: Dependency[], edge: MapEdge, end: 'from' | 'to', side: ServiceGraphSide) => {
    const [from, to] = [nodes.get(edge.from), nodes.get(edge.to)]
    if (from === undefined || to === undefined) return
    list.push({
      key: edge.id,
      node: end === 'from' ? from : to,
      calls: edge.calls,
      errors: edge.errors,
      calls_per_second: edge.rate,
      side,
      query: callQuery(edge, from, to),
      failed: callQuery(edge, from, to, true),
    })
  }
  const { callers, callees } = callsOf(graph, nodeId('service', service))
  for (const edge of callers) add(found.callers, edge, 'from', edge.serverSide ?? edge.clientSide)
  for (const edge of callees) {
    const kind = nodes.get(edge.to)?.kind
    const list = kind === 'database' ? found.databases : kind === 'peer' ? found.peers : isAsync(edge) ? found.queues : found.services
    add(list, edge, 'to', edgeSide(edge))
  }
  return found
}
