// The critical path: which span the end of the trace waited for, at each moment. Data: TraceModel -> segments.
// src/otlp/critical_path.h is the same for the server; both are held to src/otlp/testdata/critical_path.json.
//
// Walk back from the end of a span. Of its children that ended by then, the one that ended last is what the span waited
// for: what lies after that child's end is the span's own time, the child's time is explained by the child in the same
// way, and the walk goes on from the child's start. So every nanosecond of a root belongs to exactly one span, and
// shortening any other span would not have made the root shorter.
//
// What real traces add:
// - A child that outlives its parent was not waited for where both clocks are one (same service) or the child takes from
//   a queue (Consumer); it is left out. Between services clocks differ by milliseconds: there the child is cut to its
//   parent, since leaving a slow call out for a bit of skew would hide the very thing one looks for.
// - A child that still runs when a later sibling starts did not hold that sibling up, and gets no part there.
// - Several roots (and stand-ins for missing parents) are taken as children of the whole trace; time in which no root
//   runs belongs to nobody.
import type { TraceModel } from './model'

export interface CriticalPath {
  // Segment i: row[i] was waited for from from[i] to to[i] (ns). In order of time, without overlap.
  row: Int32Array
  from: Float64Array
  to: Float64Array
  own: Float64Array // by row: ns on the path
  onPath: Uint8Array // by row: 1 if it or something under it is on the path
  total: number // ns explained
}

interface Frame {
  row: number // -1: the trace as a whole
  from: number
  at: number // what lies after this is explained
  next: number // place in `byEnd` of the next child to look at
  last: number
}

export function criticalPath(model: TraceModel): CriticalPath {
  const { first, byEnd } = childrenByEnd(model)
  const rows: number[] = []
  const from: number[] = []
  const to: number[] = []
  const emit = (row: number, begin: number, end: number) => {
    if (row < 0 || end <= begin) return
    rows.push(row)
    from.push(begin)
    to.push(end)
  }
  // Place 0 of `first` is the trace, place r + 1 is row r.
  const open = (row: number, begin: number, end: number): Frame => ({
    row,
    from: begin,
    at: end,
    next: first[row + 1]!,
    last: first[row + 2]!,
  })
  const traceEnd = model.roots.reduce((end, root) => Math.max(end, model.end[root]!), model.duration)
  const stack: Frame[] = [open(-1, 0, traceEnd)]
  while (stack.length > 0) {
    const frame = stack[stack.length - 1]!
    const child = nextChild(model, byEnd, frame)
    if (child < 0) {
      emit(frame.row, frame.from, frame.at)
      stack.pop()
      continue
    }
    const end = frame.row < 0 ? model.end[child]! : Math.min(model.end[child]!, model.end[frame.row]!, frame.at)
    const begin = Math.max(model.start[child]!, frame.from)
    emit(frame.row, end, frame.at)
    frame.at = begin
    stack.push(open(child, begin, end))
  }
  return finish(model, rows.reverse(), from.reverse(), to.reverse())
}

// The child that ended last of those that ended by frame.at.
function nextChild(model: TraceModel, byEnd: Uint32Array, frame: Frame): number {
  while (frame.next < frame.last && frame.at > frame.from) {
    const child = byEnd[frame.next++]!
    if (model.start[child]! >= frame.at) continue
    let end = model.end[child]!
    if (frame.row >= 0 && end > model.end[frame.row]!) {
      if (!wasAwaited(model, frame.row, child)) continue
      end = model.end[frame.row]!
    }
    if (end > frame.at || end <= frame.from) continue
    if (end <= model.start[child]!) continue // takes no time, or lies outside of its parent
    return child
  }
  return -1
}

function wasAwaited(model: TraceModel, parent: number, child: number): boolean {
  if (model.spans[parent] === null) return true
  return model.service[parent] !== model.service[child] && model.spans[child]?.kind !== 'Consumer'
}

function childrenByEnd(model: TraceModel): { first: Uint32Array; byEnd: Uint32Array } {
  const first = new Uint32Array(model.rows + 3)
  for (let row = 0; row < model.rows; row++) first[model.parent[row]! + 3]!++
  for (let i = 1; i < first.length; i++) first[i]! += first[i - 1]!
  const byEnd = new Uint32Array(model.rows)
  for (let row = 0; row < model.rows; row++) byEnd[first[model.parent[row]! + 2]!++] = row
  for (let place = 0; place <= model.rows; place++) {
    const list = byEnd.subarray(first[place]!, first[place + 1]!)
    if (list.length > 1) list.sort((a, b) => model.end[b]! - model.end[a]! || model.start[b]! - model.start[a]!)
  }
  return { first, byEnd }
}

function finish(model: TraceModel, rows: number[], from: number[], to: number[]): CriticalPath {
  const own = new Float64Array(model.rows)
  const onPath = new Uint8Array(model.rows)
  let total = 0
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    own[row]! += to[i]! - from[i]!
    total += to[i]! - from[i]!
    for (let at = row; at >= 0 && onPath[at] === 0; at = model.parent[at]!) onPath[at] = 1
  }
  // The server computes the same; where it did, its numbers are shown, as they are what searches and SQL see.
  if (model.pathIsGiven) model.spans.forEach((span, row) => span && (own[row] = span.critical_path_nano ?? 0))
  return { row: Int32Array.from(rows), from: Float64Array.from(from), to: Float64Array.from(to), own, onPath, total }
}
