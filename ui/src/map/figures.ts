// The words of a map: what stands on nodes and calls, and what is said of them. Knows no DOM.
import { formatCalls, formatDuration, formatPercent } from '../base/units'
import { edgeSide, isAsync, share, type MapEdge, type MapNode, type NodeKind } from './graph'

export const KIND_WORDS: Record<NodeKind, string> = {
  service: 'Service',
  database: 'Database',
  messaging: 'Messaging system',
  peer: 'External peer',
  user: 'Callers from outside',
}

export function nodeName({ kind, name }: Pick<MapNode, 'kind' | 'name'>): string {
  if (kind === 'user') return 'Users'
  return name === '' ? 'unnamed' : name
}

// Failures stand by themselves, as they are drawn in another colour; "" where there are none.
export interface Figures {
  rate: string
  failed: string
  p95: string
}

export function nodeFigures(node: MapNode): Figures {
  if (node.kind === 'user') return { rate: '', failed: '', p95: '' } // nobody calls them
  return {
    rate: formatCalls(node.rate, node.calls),
    failed: node.errors > 0 ? formatPercent(share(node)) : '',
    p95: node.p95 === null ? '' : `${node.p95AtMost ? '≤ ' : ''}${formatDuration(node.p95)}`,
  }
}

export function edgeFigures(edge: MapEdge): Figures {
  return {
    rate: formatCalls(edge.rate, edge.calls),
    failed: edge.errors > 0 ? formatPercent(share(edge)) : '',
    p95: formatDuration(edgeSide(edge)?.p95_nano),
  }
}

const FAILING_SHARE = 0.01 // of calls: fewer are said, and not shouted

export function isFailing(node: MapNode): boolean {
  return share(node) >= FAILING_SHARE
}

// For those who hear it.
export function nodeWords(node: MapNode, callers: number, callees: number): string {
  const { rate, failed, p95 } = nodeFigures(node)
  const ways = [callers > 0 ? `called by ${callers}` : '', callees > 0 ? `calls ${callees}` : ''].filter(Boolean).join(', ')
  return [nodeName(node), KIND_WORDS[node.kind], rate, failed && `${failed} failed`, p95 && `p95 ${p95}`, ways].filter(Boolean).join(', ')
}

export function edgeWay(edge: MapEdge): string {
  if (edge.type === 'database') return 'Database call'
  return isAsync(edge) ? 'Through a queue' : 'Call'
}

const WIDTH_MIN = 1
const WIDTH_MAX = 4.5
const THINNEST = 1000 // so many times fewer calls than the most

// By the logarithm of its rate, from the most calls of the map downwards.
export function edgeWidth(rate: number, most: number): number {
  if (!(rate > 0 && most > 0)) return WIDTH_MIN
  const share = 1 + Math.log10(Math.min(1, rate / most)) / Math.log10(THINNEST)
  return WIDTH_MIN + (WIDTH_MAX - WIDTH_MIN) * Math.max(0, share)
}
