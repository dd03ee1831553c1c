// Traces made by hand for tests: one line for each span.
import type { OutlineSpan, SpanKind, StatusCode, TraceOutline } from '../outline'

export interface SpanSketch {
  id: string
  parent?: string
  at: number
  to: number
  service?: string
  name?: string
  kind?: SpanKind
  status?: StatusCode
  message?: string
}

export function makeOutline(sketches: SpanSketch[]): TraceOutline {
  const services: string[] = []
  const numberOf = (name: string) => {
    if (!services.includes(name)) services.push(name)
    return services.indexOf(name)
  }
  const spans = sketches.map((sketch): OutlineSpan => ({
    span_id: sketch.id,
    parent_span_id: sketch.parent ?? '',
    name: sketch.name ?? sketch.id,
    kind: sketch.kind ?? 'Internal',
    service: numberOf(sketch.service ?? 'shop'),
    offset_nano: sketch.at,
    duration_nano: sketch.to - sketch.at,
    status: sketch.status ?? 'Unset',
    ...(sketch.message === undefined ? {} : { message: sketch.message }),
  }))
  spans.sort((a, b) => a.offset_nano - b.offset_nano)
  return {
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    cut: false,
    start_unix_nano: '1700000000000000000',
    duration_nano: Math.max(0, ...sketches.map((sketch) => sketch.to)),
    services,
    spans,
    has_critical_path: false,
  }
}

// The same numbers at each call: a test that fails does so again.
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** A tree of `count` spans of 12 services, as wide and deep as large batch jobs are. */
export function makeLargeOutline(count: number, seed = 7): TraceOutline {
  const random = seededRandom(seed)
  const starts = [0]
  const ends = [60e9]
  const parents = [-1]
  for (let i = 1; i < count; i++) {
    const parent = random() < 0.3 ? i - 1 : Math.floor(random() * Math.min(i, 2000))
    const start = starts[parent]! + random() * (ends[parent]! - starts[parent]!)
    parents.push(parent)
    starts.push(Math.floor(start))
    ends.push(Math.floor(start + random() * (ends[parent]! - start)))
  }
  const spans = starts.map((start, i): OutlineSpan => ({
    span_id: i.toString(16).padStart(16, '0'),
    parent_span_id: parents[i]! < 0 ? '' : parents[i]!.toString(16).padStart(16, '0'),
    name: `operation ${i % 300}`,
    kind: i === 0 ? 'Server' : 'Internal',
    service: i % 12,
    offset_nano: start,
    duration_nano: ends[i]! - start,
    status: random() < 0.01 ? 'Error' : 'Unset',
  }))
  spans.sort((a, b) => a.offset_nano - b.offset_nano)
  return {
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    cut: false,
    start_unix_nano: '1700000000000000000',
    duration_nano: 60e9,
    services: Array.from({ length: 12 }, (_, i) => `service-${i}`),
    spans,
    has_critical_path: false,
  }
}
