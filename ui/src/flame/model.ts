// A trace as rows: the outline's spans, put into a tree and numbered depth first, so that the spans under row r are the
// rows r+1 .. r+size[r]-1. Everything that later walks the tree (collapse, search, layout, critical path) is a loop over
// flat arrays, which is what keeps 50,000 spans fluent. Data: outline -> TraceModel; no DOM, no clock.
//
// What real traces do and this answers for:
// - spans whose parent did not arrive get a stand-in row (MISSING) above them, one for each missing parent;
// - a ring of parents is cut at its earliest span (CYCLE), which becomes a root;
// - the same span id twice: both are shown (DUPLICATE), children go to the first;
// - children outside of their parents keep their times and are marked (STARTS_EARLY, ENDS_LATE).
import type { OutlineSpan, TraceOutline } from './outline'

export const FAILED = 1 << 0 // its own status is Error
export const FAILED_BELOW = 1 << 1 // a span under it failed
export const MISSING = 1 << 2 // a stand-in: spans name it as their parent, it did not arrive
export const ORPHAN = 1 << 3 // its parent is such a stand-in
export const CYCLE = 1 << 4 // the parents form a ring that was cut here
export const DUPLICATE = 1 << 5 // another span has the same id
export const STARTS_EARLY = 1 << 6 // before its parent
export const ENDS_LATE = 1 << 7 // after its parent

export interface ServiceShare {
  service: number // place in TraceModel.services
  name: string
  spans: number
  failed: number
  selfNano: number // time in which its spans waited for no child
}

export interface TraceModel {
  traceId: string
  cut: boolean
  startUnixNano: bigint
  duration: number // ns, first start to last end, at least 1
  services: string[]
  rows: number // with stand-ins
  spanCount: number // without
  failedCount: number
  depthMax: number
  roots: number[]
  mainRoot: number // the row that names the trace: the earliest true root, else the first row; -1 without rows
  rootMissing: boolean
  pathIsGiven: boolean // the server says how long each span was on the critical path
  spans: (OutlineSpan | null)[] // null: a stand-in
  spanIds: string[]
  parent: Int32Array // row, -1 for none
  depth: Uint16Array
  size: Uint32Array // rows in the subtree, itself included
  start: Float64Array // ns from startUnixNano
  end: Float64Array
  service: Int32Array // -1 for a stand-in
  flags: Uint8Array
  failedBelow: Uint32Array // failed spans under it
  self: Float64Array // ns that no child covers
  children: Uint32Array // direct ones
  rowOf: (spanId: string) => number // the first row with that span id, -1 where there is none
  serviceShares: ServiceShare[] // largest self time first
}

/** Builds the rows of an outline. 50,000 spans take well below 200 ms. */
export function buildModel(outline: TraceOutline): TraceModel {
  const order = byStart(outline.spans)
  const links = linkParents(outline.spans, order)
  const model = numberRows(outline, links)
  markOutside(model)
  sumSubtrees(model)
  sumSelfTimes(model)
  model.serviceShares = shareOfServices(model)
  return model
}

// Nodes are the spans in order of start, then the stand-ins.
interface Links {
  nodes: (OutlineSpan | null)[]
  ids: string[]
  byId: Map<string, number> // the first of each id
  parent: Int32Array
  marks: Uint8Array
}

function byStart(spans: OutlineSpan[]): OutlineSpan[] {
  // The API sorts by start. Of spans that start together the longer goes first: it is likelier to be the outer one.
  const inOrder = (a: OutlineSpan, b: OutlineSpan) => a.offset_nano - b.offset_nano || b.duration_nano - a.duration_nano
  for (let i = 1; i < spans.length; i++) {
    if (inOrder(spans[i - 1]!, spans[i]!) > 0) return [...spans].sort(inOrder)
  }
  return spans
}

function linkParents(spans: OutlineSpan[], order: OutlineSpan[]): Links {
  const nodes: (OutlineSpan | null)[] = [...order]
  const ids: string[] = new Array<string>(spans.length)
  const byId = new Map<string, number>()
  const duplicates = new Set<number>()
  for (let i = 0; i < order.length; i++) {
    const id = order[i]!.span_id
    ids[i] = id
    const first = byId.get(id)
    if (first === undefined) {
      byId.set(id, i)
    } else {
      duplicates.add(i).add(first)
    }
  }
  const parents: number[] = new Array<number>(order.length)
  const orphans: number[] = []
  const standIns = new Map<string, number>()
  for (let i = 0; i < order.length; i++) {
    const parentId = order[i]!.parent_span_id
    if (parentId === '') {
      parents[i] = -1
      continue
    }
    let parent = byId.get(parentId)
    if (parent === undefined) {
      parent = standIns.get(parentId)
      if (parent === undefined) {
        parent = nodes.length
        standIns.set(parentId, parent)
        nodes.push(null)
        ids.push(parentId)
      }
      orphans.push(i)
    }
    parents[i] = parent
  }
  const parent = new Int32Array(nodes.length).fill(-1)
  parent.set(parents)
  const marks = new Uint8Array(nodes.length)
  for (const i of orphans) marks[i]! |= ORPHAN
  for (const i of duplicates) marks[i]! |= DUPLICATE
  for (const i of standIns.values()) marks[i]! |= MISSING
  cutRings(parent, marks)
  for (const [id, node] of standIns) byId.set(id, node)
  return { nodes, ids, byId, parent, marks }
}

// Follows each span's parents until something known; a walk that meets itself is a ring, cut at its earliest span.
function cutRings(parent: Int32Array, marks: Uint8Array): void {
  const walk = new Uint32Array(parent.length) // number of the walk that saw it
  for (let i = 0; i < parent.length; i++) {
    let at = i
    while (at !== -1 && walk[at] === 0) {
      walk[at] = i + 1
      at = parent[at]!
    }
    if (at === -1 || walk[at] !== i + 1) continue
    let earliest = at
    for (let ring = parent[at]!; ring !== at; ring = parent[ring]!) earliest = Math.min(earliest, ring)
    parent[earliest] = -1
    marks[earliest]! |= CYCLE
  }
}

// Children of each node in order of start, as one array: those of n are list[first[n]] .. list[first[n + 1] - 1].
function childLists(parent: Int32Array): { first: Uint32Array; list: Uint32Array } {
  const count = parent.length
  const first = new Uint32Array(count + 2)
  for (let i = 0; i < count; i++) if (parent[i]! >= 0) first[parent[i]! + 2]!++
  for (let i = 2; i < first.length; i++) first[i]! += first[i - 1]!
  const list = new Uint32Array(count)
  for (let i = 0; i < count; i++) if (parent[i]! >= 0) list[first[parent[i]! + 1]!++] = i
  return { first, list }
}

function numberRows(outline: TraceOutline, links: Links): TraceModel {
  const count = links.nodes.length
  const { first, list } = childLists(links.parent)
  const starts = new Float64Array(count)
  const ends = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const span = links.nodes[i]
    if (span) {
      starts[i] = span.offset_nano
      ends[i] = span.offset_nano + span.duration_nano
      continue
    }
    // A stand-in covers its children: they are spans, which came before it.
    starts[i] = Infinity
    for (let c = first[i]!; c < first[i + 1]!; c++) {
      starts[i] = Math.min(starts[i]!, starts[list[c]!]!)
      ends[i] = Math.max(ends[i]!, ends[list[c]!]!)
    }
  }
  const roots: number[] = []
  for (let i = 0; i < count; i++) if (links.parent[i]! < 0) roots.push(i)
  roots.sort((a, b) => starts[a]! - starts[b]! || a - b)

  const model: TraceModel = {
    traceId: outline.trace_id,
    cut: outline.cut,
    startUnixNano: BigInt(outline.start_unix_nano),
    duration: Math.max(1, outline.duration_nano),
    services: outline.services,
    rows: count,
    spanCount: outline.spans.length,
    failedCount: 0,
    depthMax: 0,
    roots: [],
    mainRoot: -1,
    rootMissing: false,
    pathIsGiven: outline.has_critical_path,
    spans: new Array<OutlineSpan | null>(count),
    spanIds: new Array<string>(count),
    parent: new Int32Array(count),
    depth: new Uint16Array(count),
    size: new Uint32Array(count).fill(1),
    start: new Float64Array(count),
    end: new Float64Array(count),
    service: new Int32Array(count),
    flags: new Uint8Array(count),
    failedBelow: new Uint32Array(count),
    self: new Float64Array(count),
    children: new Uint32Array(count),
    rowOf: () => -1,
    serviceShares: [],
  }

  const rowOfNode = new Int32Array(count)
  const stack: number[] = []
  for (let i = roots.length - 1; i >= 0; i--) stack.push(roots[i]!)
  for (let row = 0; stack.length > 0; row++) {
    const node = stack.pop()!
    rowOfNode[node] = row
    const span = links.nodes[node] ?? null
    const parent = links.parent[node]! < 0 ? -1 : rowOfNode[links.parent[node]!]!
    model.spans[row] = span
    model.spanIds[row] = links.ids[node]!
    model.parent[row] = parent
    model.depth[row] = parent < 0 ? 0 : Math.min(65535, model.depth[parent]! + 1)
    model.start[row] = starts[node]!
    model.end[row] = ends[node]!
    model.service[row] = span ? span.service : -1
    model.flags[row] = links.marks[node]! | (span?.status === 'Error' ? FAILED : 0)
    model.children[row] = first[node + 1]! - first[node]!
    model.depthMax = Math.max(model.depthMax, model.depth[row]!)
    if (parent < 0) model.roots.push(row)
    for (let c = first[node + 1]! - 1; c >= first[node]!; c--) stack.push(list[c]!)
  }
  model.rowOf = (spanId) => {
    const node = links.byId.get(spanId)
    return node === undefined ? -1 : rowOfNode[node]!
  }
  const trueRoot = model.roots.find((row) => model.spans[row]?.parent_span_id === '')
  model.mainRoot = trueRoot ?? (count > 0 ? 0 : -1)
  model.rootMissing = trueRoot === undefined && count > 0
  return model
}

function markOutside(model: TraceModel): void {
  for (let row = 0; row < model.rows; row++) {
    const parent = model.parent[row]!
    if (parent < 0 || model.spans[parent] === null) continue
    if (model.start[row]! < model.start[parent]!) model.flags[row]! |= STARTS_EARLY
    if (model.end[row]! > model.end[parent]!) model.flags[row]! |= ENDS_LATE
  }
}

// Rows of a subtree and failures in it, from the last row up: children have larger numbers than their parents.
function sumSubtrees(model: TraceModel): void {
  for (let row = model.rows - 1; row >= 0; row--) {
    const failed = model.flags[row]! & FAILED ? 1 : 0
    model.failedCount += failed
    if (model.failedBelow[row]! > 0) model.flags[row]! |= FAILED_BELOW
    const parent = model.parent[row]!
    if (parent < 0) continue
    model.size[parent]! += model.size[row]!
    model.failedBelow[parent]! += model.failedBelow[row]! + failed
  }
}

// Self time: the span's own duration without the union of its children's. Children come by start, so that one pass with
// the furthest end so far is enough.
function sumSelfTimes(model: TraceModel): void {
  const coveredTo = Float64Array.from(model.start)
  for (let row = 0; row < model.rows; row++) {
    model.self[row] = model.spans[row] ? model.end[row]! - model.start[row]! : 0
    const parent = model.parent[row]!
    if (parent < 0) continue
    const from = Math.max(model.start[row]!, coveredTo[parent]!)
    const to = Math.min(model.end[row]!, model.end[parent]!)
    if (to <= from) continue
    if (model.spans[parent]) model.self[parent]! -= to - from
    coveredTo[parent] = to
  }
}

function shareOfServices(model: TraceModel): ServiceShare[] {
  const shares = model.services.map((name, service) => ({ service, name, spans: 0, failed: 0, selfNano: 0 }))
  for (let row = 0; row < model.rows; row++) {
    const share = shares[model.service[row]!]
    if (!share) continue
    share.spans++
    share.failed += model.flags[row]! & FAILED
    share.selfNano += model.self[row]!
  }
  return shares.filter((share) => share.spans > 0).sort((a, b) => b.selfNano - a.selfNano || b.spans - a.spans)
}

/** The rows above `row`, nearest first. */
export function ancestors(model: TraceModel, row: number): number[] {
  const above: number[] = []
  for (let at = model.parent[row] ?? -1; at >= 0; at = model.parent[at]!) above.push(at)
  return above
}

/** What a row is called; stand-ins have no name of their own. */
export function rowName(model: TraceModel, row: number): string {
  return model.spans[row]?.name ?? 'Missing parent'
}

export function serviceName(model: TraceModel, row: number): string {
  return model.services[model.service[row]!] ?? ''
}
