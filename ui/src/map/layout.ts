// Where nodes stand and calls run: callers left, what they call right of them. A function of the set of nodes and calls alone,
// never of their figures: new data moves nothing. Knows no DOM.
//
// Small graphs are dagre's as it makes them, with room for each call's label and lanes around the nodes for long calls. Of
// large ones that makes a drawing of many screens, in a second: each long call takes a lane, and the widest layer stands in one
// column. There layers are only ordered, each is set in as many columns as make the whole fit a screen, and calls run below
// the nodes.
import { Graph, layout as dagreLayout } from '@dagrejs/dagre'
import type { MapEdge, MapGraph } from './graph'

export interface Point {
  x: number
  y: number
}

export interface Box extends Point {
  w: number // x, y: the upper left corner
  h: number
}

export interface Path {
  points: Float64Array // x, y of a line of short pieces
  length: number
  middle: Point // where its label stands
}

export interface Layout {
  width: number
  height: number
  roomy: boolean // labels of calls have room
  boxes: Map<string, Box> // by id of the node
  paths: Map<string, Path> // by id of the edge
}

const ROOMY = { nodes: 40, edges: 70, w: 152, h: 66, nodesep: 18, ranksep: 20, edgesep: 12, labelW: 92, labelH: 32 }
const DENSE = { w: 156, h: 34, rowGap: 8, columnGap: 10, layerGap: 50 }
const ASPECT = 1.6 // of the screens that the dense layout is made for
const LAYERS_MAX = 14
const SWEEPS = 12 // over all layers; more change little
const MARGIN = 24
const PIECES = 20 // of a curve

// Which calls lead back in a circle, and which layer each node is in: its longest way from where calls come in, but its shortest
// one where those are too long to be seen, as in a mesh of circles. A caller that nobody calls stands just before what it calls.
export interface Layers {
  layer: Map<string, number>
  back: Set<string> // ids of edges that lead back in a circle
}

export function layersOf(graph: MapGraph): Layers {
  const calls = new Map<string, MapEdge[]>(graph.nodes.map((node) => [node.id, []]))
  const called = new Set<string>()
  const lead = new Map<string, number>() // how many more it calls than call it
  for (const edge of graph.edges) {
    if (edge.from === edge.to) continue
    calls.get(edge.from)?.push(edge)
    called.add(edge.to)
    lead.set(edge.from, (lead.get(edge.from) ?? 0) + 1)
    lead.set(edge.to, (lead.get(edge.to) ?? 0) - 1)
  }
  // A circle is entered where the most leads on, so that the fewest calls lead back.
  for (const edges of calls.values()) edges.sort((a, b) => (lead.get(b.to) ?? 0) - (lead.get(a.to) ?? 0))
  // Users first: what they reach is where calls come in.
  const rank = (node: MapGraph['nodes'][number]) => (node.kind === 'user' ? 0 : called.has(node.id) ? 2 : 1)
  const starts = [...graph.nodes].sort((a, b) => rank(a) - rank(b)).map((node) => node.id)
  const { back, order } = walk(starts, calls)
  const layer = new Map<string, number>()
  const forward = (id: string) => (calls.get(id) ?? []).filter((edge) => !back.has(edge.id))
  for (const id of order) {
    const own = layer.get(id) ?? 0
    layer.set(id, own)
    for (const { to } of forward(id)) layer.set(to, Math.max(layer.get(to) ?? 0, own + 1))
  }
  if (Math.max(0, ...layer.values()) >= LAYERS_MAX) shortestWays(starts, called, calls, layer)
  for (const node of graph.nodes) {
    if (called.has(node.id) || node.kind === 'user') continue
    const first = Math.min(...forward(node.id).map(({ to }) => layer.get(to) ?? 0))
    if (Number.isFinite(first)) layer.set(node.id, Math.max(0, first - 1))
  }
  return { layer, back }
}

type Calls = ReadonlyMap<string, MapEdge[]> // by their caller

// Depth first. Each node stands before what it calls, but for the calls that lead back.
function walk(starts: readonly string[], calls: Calls): { back: Set<string>; order: string[] } {
  const back = new Set<string>()
  const state = new Map<string, 'open' | 'done'>()
  const order: string[] = []
  for (const start of starts) {
    const stack = state.has(start) ? [] : [{ id: start, next: 0 }]
    state.set(start, state.get(start) ?? 'open')
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const edge = calls.get(top.id)?.[top.next++]
      if (edge === undefined) {
        state.set(top.id, 'done')
        order.push(top.id)
        stack.pop()
      } else if (state.get(edge.to) === 'open') {
        back.add(edge.id)
      } else if (!state.has(edge.to)) {
        state.set(edge.to, 'open')
        stack.push({ id: edge.to, next: 0 })
      }
    }
  }
  return { back, order: order.reverse() }
}

function shortestWays(starts: readonly string[], called: ReadonlySet<string>, calls: Calls, layer: Map<string, number>): void {
  layer.clear()
  const spread = (from: readonly string[]) => {
    for (const id of from) layer.set(id, 0)
    for (let border = [...from], next = 1; border.length > 0; next++) {
      border = border.flatMap((id) => (calls.get(id) ?? []).map((edge) => edge.to)).filter((id) => !layer.has(id) && layer.set(id, next))
    }
  }
  spread(starts.filter((id) => !called.has(id)))
  for (const id of starts) if (!layer.has(id)) spread([id]) // a circle that nobody enters
}

export function layOut(graph: MapGraph): Layout {
  const layers = layersOf(graph)
  const roomy = graph.nodes.length <= ROOMY.nodes && graph.edges.length <= ROOMY.edges
  return roomy ? layOutRoomy(graph, layers) : layOutDense(graph, layers)
}

// ---- small graphs

function layOutRoomy(graph: MapGraph, { back }: Layers): Layout {
  const { w, h } = ROOMY
  const made = new Graph({ multigraph: true })
  made.setGraph({ rankdir: 'LR', nodesep: ROOMY.nodesep, ranksep: ROOMY.ranksep, edgesep: ROOMY.edgesep, marginx: MARGIN, marginy: MARGIN })
  for (const node of graph.nodes) made.setNode(node.id, { width: w, height: h })
  for (const edge of graph.edges) {
    if (edge.from === edge.to) continue
    const [from, to] = back.has(edge.id) ? [edge.to, edge.from] : [edge.from, edge.to]
    made.setEdge(from, to, { width: ROOMY.labelW, height: ROOMY.labelH, labelpos: 'c' }, edge.id)
  }
  dagreLayout(made)
  const boxes = new Map<string, Box>()
  for (const { id } of graph.nodes) {
    const { x = 0, y = 0 } = made.node(id) as Partial<Point>
    boxes.set(id, { x: x - w / 2, y: y - h / 2, w, h })
  }
  const bends = new Map<string, { inner: Point[]; label: Point }>()
  for (const edge of graph.edges) {
    if (edge.from === edge.to) continue
    const turned = back.has(edge.id)
    const { points = [], x = 0, y = 0 } = made.edge(turned ? edge.to : edge.from, turned ? edge.from : edge.to, edge.id) as { points?: Point[] } & Partial<Point>
    const inner = points.slice(1, -1)
    bends.set(edge.id, { inner: turned ? inner.reverse() : inner, label: { x, y } })
  }
  const { width = 0, height = 0 } = made.graph() as { width?: number; height?: number }
  return { width, height, roomy: true, boxes, paths: pathsOf(graph, boxes, bends) }
}

// ---- large graphs

function layOutDense(graph: MapGraph, { layer, back }: Layers): Layout {
  const layers = ordered(graph, layer, back)
  const sizes = layers.map((ids) => ids.length)
  const rows = rowsThatFit(sizes)
  const { height } = denseSize(sizes, rows)
  const boxes = new Map<string, Box>()
  let left = MARGIN
  for (const ids of layers) {
    if (ids.length === 0) continue
    const columns = Math.ceil(ids.length / rows)
    const used = Math.ceil(ids.length / columns)
    const top = (height - used * (DENSE.h + DENSE.rowGap) + DENSE.rowGap) / 2
    ids.forEach((id, i) => {
      const [column, row] = [i % columns, Math.floor(i / columns)]
      boxes.set(id, { x: left + column * (DENSE.w + DENSE.columnGap), y: top + row * (DENSE.h + DENSE.rowGap), w: DENSE.w, h: DENSE.h })
    })
    left += columns * (DENSE.w + DENSE.columnGap) - DENSE.columnGap + DENSE.layerGap
  }
  return { width: left - DENSE.layerGap + MARGIN, height, roomy: false, boxes, paths: pathsOf(graph, boxes, new Map()) }
}

// The nodes of each layer, from the top: each at the mean height of its callers, then of what it calls, and again.
function ordered(graph: MapGraph, layer: Map<string, number>, back: Set<string>): string[][] {
  const layers: string[][] = Array.from({ length: Math.max(0, ...layer.values()) + 1 }, () => [])
  for (const node of graph.nodes) layers[layer.get(node.id) ?? 0]?.push(node.id)
  const callers = new Map<string, string[]>(graph.nodes.map((node) => [node.id, []]))
  const callees = new Map<string, string[]>(graph.nodes.map((node) => [node.id, []]))
  for (const edge of graph.edges) {
    if (edge.from === edge.to || back.has(edge.id)) continue
    callees.get(edge.from)?.push(edge.to)
    callers.get(edge.to)?.push(edge.from)
  }
  const height = new Map<string, number>() // 0 to 1
  const settle = (ids: string[]) => ids.forEach((id, i) => height.set(id, (i + 0.5) / ids.length))
  layers.forEach(settle)
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0
    for (const ids of down ? layers : [...layers].reverse()) {
      const mean = new Map<string, number>()
      for (const id of ids) {
        const others = (down ? callers : callees).get(id) ?? []
        const sum = others.reduce((total, other) => total + (height.get(other) ?? 0), 0)
        mean.set(id, others.length > 0 ? sum / others.length : (height.get(id) ?? 0))
      }
      ids.sort((a, b) => (mean.get(a) ?? 0) - (mean.get(b) ?? 0) || (height.get(a) ?? 0) - (height.get(b) ?? 0))
      settle(ids)
    }
  }
  return layers
}

function denseSize(sizes: readonly number[], rows: number): { width: number; height: number } {
  const filled = sizes.filter((size) => size > 0)
  const columns = filled.reduce((sum, size) => sum + Math.ceil(size / rows), 0)
  const tallest = Math.max(...filled.map((size) => Math.ceil(size / Math.ceil(size / rows))))
  return {
    width: columns * (DENSE.w + DENSE.columnGap) + filled.length * (DENSE.layerGap - DENSE.columnGap) - DENSE.layerGap + 2 * MARGIN,
    height: tallest * (DENSE.h + DENSE.rowGap) - DENSE.rowGap + 2 * MARGIN,
  }
}

// Nodes below each other with which the whole is largest on a screen.
function rowsThatFit(sizes: readonly number[]): number {
  let [best, bestScale] = [1, 0]
  for (let rows = 1; rows <= Math.max(...sizes); rows++) {
    const { width, height } = denseSize(sizes, rows)
    const scale = Math.min(ASPECT / width, 1 / height)
    if (scale > bestScale) [best, bestScale] = [rows, scale]
  }
  return best
}

// ---- calls

type Side = 'left' | 'right'

// Each call's two ends on the sides of its nodes, those of one side below each other in the order of where they lead.
function pathsOf(graph: MapGraph, boxes: ReadonlyMap<string, Box>, bends: ReadonlyMap<string, { inner: Point[]; label: Point }>): Map<string, Path> {
  const none: Box = { x: 0, y: 0, w: 0, h: 0 }
  const box = (id: string) => boxes.get(id) ?? none
  const sides = (edge: MapEdge): [Side, Side] => {
    const [from, to] = [box(edge.from), box(edge.to)]
    if (to.x >= from.x + from.w) return ['right', 'left']
    return to.x + to.w <= from.x ? ['left', 'right'] : ['right', 'right']
  }
  interface End {
    edge: MapEdge
    at: 'from' | 'to'
    towards: number
  }
  const ends = new Map<string, End[]>()
  for (const edge of graph.edges) {
    if (edge.from === edge.to) continue
    const inner = bends.get(edge.id)?.inner ?? []
    const [fromSide, toSide] = sides(edge)
    for (const [at, side, towards] of [
      ['from', fromSide, inner[0]?.y ?? box(edge.to).y],
      ['to', toSide, inner.at(-1)?.y ?? box(edge.from).y],
    ] as const) {
      const key = `${side} ${edge[at]}`
      const list = ends.get(key) ?? []
      list.push({ edge, at, towards })
      ends.set(key, list)
    }
  }
  const ports = new Map<string, Point>()
  for (const [key, list] of ends) {
    list.sort((a, b) => a.towards - b.towards || (a.edge.id < b.edge.id ? -1 : 1))
    for (const [i, { edge, at }] of list.entries()) {
      const { x, y, w, h } = box(edge[at])
      const step = Math.min(9, (h * 0.7) / list.length)
      ports.set(`${at} ${edge.id}`, { x: key.startsWith('right') ? x + w : x, y: y + h / 2 + (i - (list.length - 1) / 2) * step })
    }
  }
  const paths = new Map<string, Path>()
  for (const edge of graph.edges) {
    const line = new Line()
    if (edge.from === edge.to) line.loop(box(edge.from))
    else {
      const [from, to] = [ports.get(`from ${edge.id}`) ?? none, ports.get(`to ${edge.id}`) ?? none]
      const [fromSide, toSide] = sides(edge)
      if (fromSide === toSide) line.around(from, to)
      else line.through([from, ...(bends.get(edge.id)?.inner ?? []), to])
    }
    paths.set(edge.id, line.path(bends.get(edge.id)?.label))
  }
  return paths
}

class Line {
  private readonly xy: number[] = []

  // Level at each point.
  through(points: readonly Point[]): void {
    for (let i = 1; i < points.length; i++) {
      const [a, b] = [points[i - 1]!, points[i]!]
      const middle = (a.x + b.x) / 2
      this.curve(a, { x: middle, y: a.y }, { x: middle, y: b.y }, b)
    }
  }

  // Between two right sides in one column.
  around(a: Point, b: Point): void {
    const out = Math.max(a.x, b.x) + Math.min(60, 24 + Math.abs(a.y - b.y) / 6)
    this.curve(a, { x: out, y: a.y }, { x: out, y: b.y }, b)
  }

  // A service that calls itself.
  loop({ x, y, w, h }: Box): void {
    this.curve({ x: x + w - 22, y }, { x: x + w - 16, y: y - 26 }, { x: x + w + 30, y: y - 10 }, { x: x + w, y: y + h / 2 - 4 })
  }

  private curve(a: Point, b: Point, c: Point, d: Point): void {
    for (let i = this.xy.length === 0 ? 0 : 1; i <= PIECES; i++) {
      const t = i / PIECES
      const [p, q, r, s] = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t ** 2, t ** 3]
      this.xy.push(p * a.x + q * b.x + r * c.x + s * d.x, p * a.y + q * b.y + r * c.y + s * d.y)
    }
  }

  path(label: Point | undefined): Path {
    const points = Float64Array.from(this.xy)
    let length = 0
    for (let i = 2; i < points.length; i += 2) length += Math.hypot(points[i]! - points[i - 2]!, points[i + 1]! - points[i - 1]!)
    return { points, length, middle: label ?? pointAt(points, length / 2) }
  }
}

export function pointAt(points: Float64Array, along: number): Point {
  let left = along
  for (let i = 2; i < points.length; i += 2) {
    const [ax, ay, bx, by] = [points[i - 2]!, points[i - 1]!, points[i]!, points[i + 1]!]
    const piece = Math.hypot(bx - ax, by - ay)
    if (piece >= left && piece > 0) return { x: ax + ((bx - ax) * left) / piece, y: ay + ((by - ay) * left) / piece }
    left -= piece
  }
  return { x: points.at(-2) ?? 0, y: points.at(-1) ?? 0 }
}

// How far a point is from a path; more than `within` is Infinity.
export function distanceTo({ points }: Path, { x, y }: Point, within: number): number {
  let nearest = Infinity
  for (let i = 2; i < points.length; i += 2) {
    const [ax, ay, bx, by] = [points[i - 2]!, points[i - 1]!, points[i]!, points[i + 1]!]
    if (Math.min(ax, bx) - within > x || Math.max(ax, bx) + within < x || Math.min(ay, by) - within > y || Math.max(ay, by) + within < y) continue
    const [dx, dy] = [bx - ax, by - ay]
    const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)))
    nearest = Math.min(nearest, Math.hypot(x - ax - t * dx, y - ay - t * dy))
  }
  return nearest <= within ? nearest : Infinity
}

// The node that is next in a direction: callers left, callees right (the one with most calls first), the next one of its
// column above and below. Null: there is none.
export function neighbour(graph: MapGraph, layout: Layout, id: string, direction: 'left' | 'right' | 'up' | 'down'): string | null {
  if (direction === 'left' || direction === 'right') {
    const [near, far] = direction === 'left' ? (['to', 'from'] as const) : (['from', 'to'] as const)
    const edges = graph.edges.filter((edge) => edge[near] === id && edge[far] !== id)
    return edges.reduce<MapEdge | null>((best, edge) => (best === null || edge.calls > best.calls ? edge : best), null)?.[far] ?? null
  }
  const own = layout.boxes.get(id)
  if (own === undefined) return null
  let best: { id: string; away: number } | null = null
  for (const [other, box] of layout.boxes) {
    const away = direction === 'down' ? box.y - own.y : own.y - box.y
    if (away <= 0 || Math.abs(box.x - own.x) > own.w / 2) continue
    if (best === null || away < best.away) best = { id: other, away }
  }
  return best?.id ?? null
}
