// Where each span lies in the flame graph: time to the right, depth downwards. Data: TraceModel -> lanes.
//
// Spans that run at the same time under one parent must not cover each other. So the children of a span are packed into
// bands (a child goes to the first band whose last subtree has ended), a band is as high as its highest subtree, and
// bands lie below each other. A subtree thus stays one block under its parent, and nothing overlaps, not even with
// children that outlive their parents.
import type { TraceModel } from './model'

export interface Icicle {
  lane: Uint32Array // by row
  lanes: number
  byLane: Uint32Array[] // rows of each lane, by start
}

export function icicle(model: TraceModel): Icicle {
  const from = Float64Array.from(model.start) // of the subtree
  const to = Float64Array.from(model.end)
  for (let row = model.rows - 1; row >= 0; row--) {
    const parent = model.parent[row]!
    if (parent < 0) continue
    from[parent] = Math.min(from[parent]!, from[row]!)
    to[parent] = Math.max(to[parent]!, to[row]!)
  }
  const below = new Uint32Array(model.rows) // lanes between the parent and the subtree
  const height = new Uint32Array(model.rows).fill(1) // of the subtree
  const { first, list } = siblings(model)
  // Children before their parents: the last row first; place 0 is the trace itself.
  for (let place = model.rows; place >= 0; place--) {
    const children = list.subarray(first[place]!, first[place + 1]!)
    if (children.length === 0) continue
    const bands = packBands(children, from, to, height, below)
    if (place > 0) height[place - 1] = 1 + bands
    else return placeLanes(model, below, bands)
  }
  return { lane: new Uint32Array(0), lanes: 0, byLane: [] }
}

// Sets `below` of the children, and answers how many lanes they take.
function packBands(
  children: Uint32Array,
  from: Float64Array,
  to: Float64Array,
  height: Uint32Array,
  below: Uint32Array,
): number {
  children.sort((a, b) => from[a]! - from[b]! || to[b]! - to[a]!)
  const free = new BandEnds()
  const bandOf = new Uint32Array(children.length)
  const bandHeights: number[] = []
  for (let i = 0; i < children.length; i++) {
    const child = children[i]!
    // Zero-width children at one moment must not share a band either: they end a nanosecond later.
    const end = Math.max(to[child]!, from[child]! + 1)
    const band = free.take(from[child]!, end)
    bandOf[i] = band
    bandHeights[band] = Math.max(bandHeights[band] ?? 0, height[child]!)
  }
  const bandTops = new Uint32Array(bandHeights.length)
  let lanes = 0
  for (let band = 0; band < bandHeights.length; band++) {
    bandTops[band] = lanes
    lanes += bandHeights[band]!
  }
  for (let i = 0; i < children.length; i++) below[children[i]!] = bandTops[bandOf[i]!]!
  return lanes
}

function placeLanes(model: TraceModel, below: Uint32Array, lanes: number): Icicle {
  const lane = new Uint32Array(model.rows)
  const counts = new Uint32Array(lanes)
  for (let row = 0; row < model.rows; row++) {
    const parent = model.parent[row]!
    lane[row] = below[row]! + (parent < 0 ? 0 : lane[parent]! + 1)
    counts[lane[row]!]!++
  }
  const byLane = Array.from(counts, (count) => new Uint32Array(count))
  counts.fill(0)
  for (let row = 0; row < model.rows; row++) byLane[lane[row]!]![counts[lane[row]!]!++] = row
  for (const rows of byLane) rows.sort((a, b) => model.start[a]! - model.start[b]!)
  return { lane, lanes, byLane }
}

// Children by parent; place 0 holds the roots, place r + 1 the children of row r.
function siblings(model: TraceModel): { first: Uint32Array; list: Uint32Array } {
  const first = new Uint32Array(model.rows + 3)
  for (let row = 0; row < model.rows; row++) first[model.parent[row]! + 3]!++
  for (let i = 1; i < first.length; i++) first[i]! += first[i - 1]!
  const list = new Uint32Array(model.rows)
  for (let row = 0; row < model.rows; row++) list[first[model.parent[row]! + 2]!++] = row
  return { first, list }
}

// The ends of the bands, as a tree of minima: the first band that is free at a time is found in log(bands), so that
// 50,000 spans side by side stay fast.
class BandEnds {
  private size = 1
  private minima = new Float64Array(2).fill(-Infinity)
  private used = 0

  take(start: number, end: number): number {
    let band = this.used
    if (this.used > 0 && this.minima[1]! <= start) {
      let node = 1
      while (node < this.size) node = this.minima[2 * node]! <= start ? 2 * node : 2 * node + 1
      band = node - this.size
    }
    if (band >= this.used) {
      band = this.used++
      if (band >= this.size) this.grow()
    }
    let node = band + this.size
    this.minima[node] = end
    for (node >>= 1; node >= 1; node >>= 1) {
      this.minima[node] = Math.min(this.minima[2 * node]!, this.minima[2 * node + 1]!)
    }
    return band
  }

  private grow(): void {
    const ends = this.minima.slice(this.size, 2 * this.size)
    this.size *= 2
    this.minima = new Float64Array(2 * this.size).fill(-Infinity)
    this.minima.set(ends, this.size)
    for (let node = this.size - 1; node >= 1; node--) {
      this.minima[node] = Math.min(this.minima[2 * node]!, this.minima[2 * node + 1]!)
    }
  }
}
