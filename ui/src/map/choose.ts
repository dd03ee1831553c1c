// Which part of the graph is shown: focus, filter, what is hidden. Knows no DOM.
import { share, type MapEdge, type MapGraph, type NodeKind } from './graph'

export type Depth = 1 | 2 | 'all'
export type Hidden = 'databases' | 'peers'

export interface Choice {
  words: string // of names: every word in the name of either end
  focus: string // a node's id, "": none
  depth: Depth // how far around it
  hide: readonly Hidden[]
  failing: boolean // only calls that fail
}

export const WHOLE: Choice = { words: '', focus: '', depth: 1, hide: [], failing: false }

const HIDDEN_BY: Partial<Record<NodeKind, Hidden>> = { database: 'databases', peer: 'peers', messaging: 'peers' }

// Every word of `words` somewhere in the name.
export function named(name: string, words: string): boolean {
  const lower = name.toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word))
}

// What calls the node, over any number of others, and what it calls, each up to `depth` calls away. Who else calls its callees
// is another story.
function around(edges: readonly MapEdge[], focus: string, depth: Depth): Set<string> {
  const found = new Set([focus])
  for (const [near, far] of [['to', 'from'], ['from', 'to']] as const) {
    const next = new Map<string, string[]>()
    for (const edge of edges) {
      const list = next.get(edge[near])
      if (list) list.push(edge[far])
      else next.set(edge[near], [edge[far]])
    }
    const reached = new Set([focus])
    let border = [focus]
    for (let step = 0; border.length > 0 && (depth === 'all' || step < depth); step++) {
      border = border.flatMap((id) => next.get(id) ?? []).filter((id) => !reached.has(id) && reached.add(id))
    }
    for (const id of reached) found.add(id)
  } // prettier-ignore
  return found
}

// A node is shown if a call of it is; the one in focus always, if it is there at all.
export function choose(graph: MapGraph, choice: Choice): MapGraph {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
  const isHidden = (id: string) => {
    const by = HIDDEN_BY[nodes.get(id)?.kind ?? 'service']
    return by !== undefined && id !== choice.focus && choice.hide.includes(by)
  }
  let edges = graph.edges.filter((edge) => !isHidden(edge.from) && !isHidden(edge.to))
  if (choice.failing) edges = edges.filter((edge) => share(edge) > 0)
  if (choice.focus !== '') {
    const near = around(edges, choice.focus, choice.depth)
    edges = edges.filter((edge) => near.has(edge.from) && near.has(edge.to))
  }
  const words = choice.words.trim()
  if (words !== '') {
    const fits = (id: string) => named(nodes.get(id)?.name ?? '', words)
    edges = edges.filter((edge) => fits(edge.from) || fits(edge.to))
  }
  const shown = new Set(edges.flatMap((edge) => [edge.from, edge.to]))
  if (choice.focus !== '') shown.add(choice.focus)
  return { nodes: graph.nodes.filter((node) => shown.has(node.id)), edges }
}
