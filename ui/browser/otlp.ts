// OTLP/JSON requests for the browser tests, written as short sketches.
export interface SpanSketch {
  id: string // 16 hex digits
  parent?: string
  name: string
  service?: string
  kind?: number // 1 internal, 2 server, 3 client, 4 producer, 5 consumer
  startNano: bigint
  endNano: bigint
  status?: { code: 0 | 1 | 2; message?: string }
  attributes?: Record<string, unknown>
  events?: { name: string; atNano: bigint; attributes?: Record<string, unknown> }[]
  links?: { traceId: string; spanId: string }[]
}

export function anyValue(value: unknown): object {
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'bigint') return { intValue: String(value) }
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  if (typeof value === 'string') return { stringValue: value }
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } }
  if (value === null || value === undefined) return {}
  return { kvlistValue: { values: attributes(value as Record<string, unknown>) } }
}

export function attributes(values: Record<string, unknown>): { key: string; value: object }[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function span(traceId: string, sketch: SpanSketch): object {
  return {
    traceId,
    spanId: sketch.id,
    parentSpanId: sketch.parent ?? '',
    name: sketch.name,
    kind: sketch.kind ?? 1,
    startTimeUnixNano: String(sketch.startNano),
    endTimeUnixNano: String(sketch.endNano),
    attributes: attributes(sketch.attributes ?? {}),
    status: sketch.status ?? {},
    events: (sketch.events ?? []).map((event) => ({
      name: event.name,
      timeUnixNano: String(event.atNano),
      attributes: attributes(event.attributes ?? {}),
    })),
    links: sketch.links ?? [],
  }
}

/** One request with spans of any number of services. */
export function tracesRequest(traceId: string, sketches: readonly SpanSketch[]): object {
  const byService = new Map<string, SpanSketch[]>()
  for (const sketch of sketches) {
    const service = sketch.service ?? 'shop'
    const list = byService.get(service)
    if (list) list.push(sketch)
    else byService.set(service, [sketch])
  }
  return {
    resourceSpans: [...byService].map(([service, list]) => ({
      resource: { attributes: attributes({ 'service.name': service, 'service.version': '1.4.2', 'host.name': `${service}-0` }) },
      scopeSpans: [{ scope: { name: 'browser.test', version: '1' }, spans: list.map((sketch) => span(traceId, sketch)) }],
    })),
  }
}

export interface LogSketch {
  atNano: bigint
  body: unknown
  severity?: number
  span?: string
  attributes?: Record<string, unknown>
}

export function logsRequest(service: string, traceId: string, sketches: readonly LogSketch[], resource: Record<string, unknown> = {}): object {
  return {
    resourceLogs: [
      {
        resource: { attributes: attributes({ 'service.name': service, ...resource }) },
        scopeLogs: [
          {
            logRecords: sketches.map((sketch) => ({
              timeUnixNano: String(sketch.atNano),
              observedTimeUnixNano: String(sketch.atNano),
              severityNumber: sketch.severity ?? 9,
              body: anyValue(sketch.body),
              traceId,
              spanId: sketch.span ?? '',
              attributes: attributes(sketch.attributes ?? {}),
            })),
          },
        ],
      },
    ],
  }
}

// The same numbers at each run.
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** A tree of `count` spans of 12 services that ended `endNano`, as wide and deep as large batch jobs are. */
export function largeTrace(count: number, endNano: bigint, seed = 7): SpanSketch[] {
  const random = seeded(seed)
  const durationNano = 60_000_000_000
  const begin = endNano - BigInt(durationNano)
  const starts = [0]
  const ends = [durationNano]
  const parents = [-1]
  for (let i = 1; i < count; i++) {
    const parent = random() < 0.3 ? i - 1 : Math.floor(random() * Math.min(i, 2000))
    const start = Math.floor(starts[parent]! + random() * (ends[parent]! - starts[parent]!))
    parents.push(parent)
    starts.push(start)
    ends.push(Math.floor(start + random() * (ends[parent]! - start)))
  }
  const id = (i: number) => (i + 1).toString(16).padStart(16, '0')
  return starts.map((start, i) => ({
    id: id(i),
    parent: parents[i]! < 0 ? '' : id(parents[i]!),
    name: i === 0 ? 'POST /import' : `operation ${i % 300}`,
    service: `service-${i % 12}`,
    kind: i === 0 ? 2 : 1,
    startNano: begin + BigInt(start),
    endNano: begin + BigInt(ends[i]!),
    attributes: { 'batch.row': i, 'batch.key': `key-${i % 97}` },
    status: i > 0 && random() < 0.002 ? { code: 2 as const, message: 'row refused: value out of range' } : { code: 0 as const },
  }))
}
