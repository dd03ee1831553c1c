// The service graph as a map shows it: answers of the API in, nodes and edges with their figures out. Knows no DOM.
import type { Service, ServiceGraph, ServiceGraphEdge, ServiceGraphSide } from '../api/types'

export type NodeKind = 'service' | 'database' | 'messaging' | 'peer' | 'user'

export interface MapNode {
  id: string // "database:postgresql/shop"; also stands in the URL
  kind: NodeKind
  name: string
  calls: number
  errors: number
  rate: number // calls a second
  p95: number | null // nanoseconds
  p95AtMost: boolean // no figure of its own: the largest of its callers', which it cannot exceed
}

export interface MapEdge {
  id: string
  from: string // ids of nodes
  to: string
  type: ServiceGraphEdge['connection_type']
  calls: number
  errors: number
  rate: number
  clientSide: ServiceGraphSide
  serverSide: ServiceGraphSide
}

// Both sorted by id: the same graph is the same, whatever the order of the answer.
export interface MapGraph {
  nodes: MapNode[]
  edges: MapEdge[]
}

export const nodeId = (kind: NodeKind, name: string): string => `${kind}:${name}`
export const edgeId = (from: string, to: string, type: string): string => JSON.stringify([from, to, type])

// Who calls from outside is known by no span of its own, as the server's span has no parent.
function clientKind(edge: ServiceGraphEdge): NodeKind {
  return edge.connection_type === 'virtual_node' && edge.client_side === null ? 'user' : 'service'
}

// Without spans of its own it is what the calling span names. A queue's consumer is a service.
function serverKind(edge: ServiceGraphEdge): NodeKind {
  if (edge.server_side !== null) return 'service'
  const kinds = { database: 'database', messaging_system: 'messaging', virtual_node: 'peer', '': 'service' } as const
  return kinds[edge.connection_type]
}

const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

// `services`: the figures of services as they were counted; a service that has none has those of the calls to it.
export function mapGraph(answers: readonly ServiceGraphEdge[], services: readonly Service[]): MapGraph {
  const nodes = new Map<string, MapNode & { callers: number }>()
  const edges = new Map<string, MapEdge>()
  const node = (kind: NodeKind, name: string) => {
    const id = nodeId(kind, name)
    let found = nodes.get(id)
    if (found === undefined) nodes.set(id, (found = { id, kind, name, calls: 0, errors: 0, rate: 0, p95: null, p95AtMost: false, callers: 0 }))
    return found
  }
  for (const answer of answers) {
    const client = node(clientKind(answer), answer.client)
    const server = node(serverKind(answer), answer.server)
    const id = edgeId(client.id, server.id, answer.connection_type)
    if (edges.has(id)) continue // of a page that moved meanwhile
    edges.set(id, {
      id,
      from: client.id,
      to: server.id,
      type: answer.connection_type,
      calls: answer.calls,
      errors: answer.errors,
      rate: answer.calls_per_second,
      clientSide: answer.client_side,
      serverSide: answer.server_side,
    })
    server.calls += answer.calls
    server.errors += answer.errors
    server.rate += answer.calls_per_second
    server.callers++
    const p95 = (answer.server_side ?? answer.client_side)?.p95_nano ?? null
    if (p95 !== null) server.p95 = Math.max(server.p95 ?? 0, p95)
    server.p95AtMost = server.callers > 1
  }
  for (const one of services) {
    const counted = nodes.get(nodeId('service', one.service))
    if (counted === undefined) continue
    Object.assign(counted, { calls: one.calls, errors: one.errors, rate: one.calls_per_second, p95: one.p95_nano, p95AtMost: false })
  }
  return {
    nodes: [...nodes.values()].map(({ callers: _, ...one }) => one).sort(byId),
    edges: [...edges.values()].sort(byId),
  }
}

// What a call's duration is, where one figure must do: as the caller waited for it.
export function edgeSide(edge: MapEdge): ServiceGraphSide {
  return edge.clientSide ?? edge.serverSide
}

export function share({ calls, errors }: { calls: number; errors: number }): number {
  return calls > 0 ? Math.min(1, errors / calls) : 0
}

// Through a queue: nobody waits for it.
export function isAsync(edge: MapEdge): boolean {
  return edge.type === 'messaging_system'
}

// Calls of and to a node, most calls first.
export function callsOf(graph: MapGraph, id: string): { callers: MapEdge[]; callees: MapEdge[] } {
  const most = (edges: MapEdge[]) => edges.sort((a, b) => b.calls - a.calls || byId(a, b))
  return { callers: most(graph.edges.filter((edge) => edge.to === id)), callees: most(graph.edges.filter((edge) => edge.from === id)) }
}

export const EDGES_MAX = 4000 // that are asked for

export interface WholeGraph {
  edges: ServiceGraphEdge[]
  cut: boolean // there are more
  scanned: ServiceGraph['scanned']
}

// All pages as one list, up to EDGES_MAX. `ask` gets the cursor of the page before.
export async function wholeGraph(ask: (cursor: string | undefined) => Promise<ServiceGraph>): Promise<WholeGraph> {
  let page = await ask(undefined)
  const whole: WholeGraph = { edges: [...page.edges], cut: false, scanned: { ...page.scanned } }
  while (page.next_cursor !== null && whole.edges.length < EDGES_MAX) {
    page = await ask(page.next_cursor)
    whole.edges.push(...page.edges)
    whole.scanned.rows += page.scanned.rows
    whole.scanned.bytes += page.scanned.bytes
    whole.scanned.elapsed_seconds += page.scanned.elapsed_seconds
  }
  whole.cut = page.next_cursor !== null
  return whole
}
