// The columns of the table of calls. Knows no DOM.
import { nodeName } from '../../map/figures'
import { edgeSide, share, type MapEdge, type MapNode } from '../../map/graph'

export type CallKey = 'client' | 'server' | 'calls' | 'errors' | 'p50' | 'p95' | 'p99' | 'callee'
export const CALL_KEYS: readonly CallKey[] = ['client', 'server', 'calls', 'errors', 'p50', 'p95', 'p99', 'callee']

export interface CallRow {
  edge: MapEdge
  from: MapNode
  to: MapNode
}

export function callRows(edges: readonly MapEdge[], nodes: ReadonlyMap<string, MapNode>): CallRow[] {
  return edges.flatMap((edge) => {
    const [from, to] = [nodes.get(edge.from), nodes.get(edge.to)]
    return from && to ? [{ edge, from, to }] : []
  })
}

export function callValue({ edge, from, to }: CallRow, key: CallKey): number | string | null {
  if (key === 'client') return nodeName(from)
  if (key === 'server') return nodeName(to)
  if (key === 'calls') return edge.rate
  if (key === 'errors') return share(edge)
  if (key === 'callee') return edge.serverSide?.p95_nano ?? null
  return edgeSide(edge)?.[`${key}_nano`] ?? null
}
