// Traffic whose service graph is known, for the tests of the map.
import type { Sightline } from './harness'
import { waitUntil } from './harness'
import type { ServiceGraphEdge } from '../src/api/types'
import { tracesRequest, type SpanSketch } from './otlp'
import { largeGraph, makeRandom } from '../src/map/testing/make_graph'

const MS = 1_000_000n
const MINUTES = 25
const TRACES_A_REQUEST = 200

type Random = () => number

// Spans of one trace, each call below the span that makes it.
class TraceMaker {
  readonly spans: SpanSketch[] = []
  readonly id: string

  constructor(
    private readonly random: Random,
    private readonly start: bigint,
  ) {
    this.id = this.hex(32)
  }

  private hex(digits: number): string {
    return Array.from({ length: digits }, () => Math.floor(this.random() * 16).toString(16)).join('')
  }

  span(service: string, name: string, kind: number, at: number, length: number, parent?: string, more: Partial<SpanSketch> = {}): string {
    const id = this.hex(16)
    const start = this.start + BigInt(Math.round(at * 1000)) * 1000n
    this.spans.push({
      id, ...(parent !== undefined && { parent }), name, service, kind, startNano: start, endNano: start + BigInt(Math.round(length * 1000)) * 1000n, ...more,
    }) // prettier-ignore
    return id
  }

  // A client's span and the server's below it; answers the server's.
  call(from: string, to: string, name: string, at: number, length: number, parent?: string, failed = false): string {
    const status = failed ? { status: { code: 2 as const, message: 'refused' } } : {}
    const client = this.span(from, name, 3, at, length, parent, status)
    return this.span(to, name, 2, at + 1, Math.max(0.5, length - 2), client, status)
  }
}

async function sendTraces(sightline: Sightline, traces: readonly TraceMaker[]): Promise<void> {
  for (let i = 0; i < traces.length; i += TRACES_A_REQUEST) {
    const parts = traces.slice(i, i + TRACES_A_REQUEST).map((trace) => tracesRequest(trace.id, trace.spans) as { resourceSpans: object[] })
    await sightline.send('traces', { resourceSpans: parts.flatMap((part) => part.resourceSpans) })
  }
}

/** Until the graph has so many edges with so many calls. */
export async function waitForGraph(sightline: Sightline, edges: number, calls: number): Promise<ServiceGraphEdge[]> {
  return waitUntil(async () => {
    const answer = await sightline.ask<{ edges: ServiceGraphEdge[] }>('/service-graph?last=3h')
    const found = answer?.edges ?? []
    return found.length === edges && Math.round(found.reduce((sum, edge) => sum + edge.calls, 0)) === calls ? found : null
  }, `${edges} edges, ${calls} calls`, 60_000) // prettier-ignore
}

const ORDERS = 240
const FAILED_EVERY = 20 // charges

/** A shop: calls in a circle, databases by both generations of names, a queue with and without a consumer, peers. */
export async function shopTraffic(sightline: Sightline): Promise<ServiceGraphEdge[]> {
  const random = makeRandom(21)
  const now = BigInt(Date.now()) * MS
  const traces: TraceMaker[] = []
  let calls = 0
  const made = new Set<string>()
  const count = (edge: string) => {
    made.add(edge)
    calls++
  }
  for (let i = 0; i < ORDERS; i++) {
    const trace = new TraceMaker(random, now - BigInt(Math.floor(random() * MINUTES * 60_000)) * MS - 5_000n * MS)
    traces.push(trace)
    const slow = 1 + random() * 0.6
    const call = (from: string, to: string, name: string, at: number, length: number, parent?: string, failed = false) => {
      count(`${from}>${to}`)
      return trace.call(from, to, name, at, length * slow, parent, failed)
    }
    const peer = (from: string, to: string, name: string, at: number, length: number, parent: string, attributes: Record<string, unknown>, kind = 3, failed = false) => {
      count(`${from}>${to}`)
      trace.span(from, name, kind, at, length * slow, parent, { attributes, ...(failed && { status: { code: 2, message: 'card refused' } }) })
    }
    const failed = i % FAILED_EVERY === 3
    count('user>web')
    const web = trace.span('web', 'POST /orders', 2, 0, 300 * slow, undefined, failed ? { status: { code: 2, message: 'payment failed' } } : {})
    const catalog = call('web', 'catalog', 'GET /items', 5, 40, web)
    peer('catalog', 'postgresql/catalog', 'SELECT items', 8, 12, catalog, { 'db.system.name': 'postgresql', 'db.namespace': 'catalog' })
    if (i % 3 === 0) {
      const search = call('web', 'search', 'GET /search', 6, 60, web)
      peer('search', 'elasticsearch', 'search items', 9, 45, search, { 'db.system': 'elasticsearch' })
    }
    const checkout = call('web', 'checkout', 'POST /checkout', 60, 220, web, failed)
    const cart = call('checkout', 'cart', 'GET /cart', 64, 20, checkout)
    peer('cart', 'redis/0', 'HGETALL', 66, 1.5, cart, { 'db.system': 'redis', 'db.name': 0 })
    const pricing = call('cart', 'pricing', 'POST /prices', 70, 9, cart)
    if (i % 4 === 0) call('pricing', 'catalog', 'GET /items', 72, 5, pricing)
    if (i % 8 === 0) call('pricing', 'cart', 'GET /discounts', 74, 4, pricing)
    const payment = call('checkout', 'payment', 'POST /charge', 100, 140, checkout, failed)
    peer('payment', 'psp.example', 'POST /charges', 104, 120, payment, { 'server.address': 'psp.example' }, 3, failed)
    if (!failed) {
      peer('payment', 'postgresql/ledger', 'INSERT', 230, 6, payment, { 'db.system': 'postgresql', 'db.name': 'ledger' })
      count('checkout>mailer')
      const sent = trace.span('checkout', 'orders publish', 4, 250, 3, checkout, { attributes: { 'messaging.system': 'kafka' } })
      trace.span('mailer', 'orders process', 5, 280 + random() * 100, 80 * slow, sent, { attributes: { 'messaging.system': 'kafka' } })
    }
    peer('web', 'kafka', 'clicks publish', 280, 2, web, { 'messaging.system': 'kafka' }, 4)
  }
  await sendTraces(sightline, traces)
  return waitForGraph(sightline, made.size, calls)
}

/** So many services and databases with so many edges, each called once to some dozen times; some of them fail at times. */
export async function largeTraffic(sightline: Sightline, nodes: number, edges: number): Promise<ServiceGraphEdge[]> {
  const random = makeRandom(5)
  const now = BigInt(Date.now()) * MS
  const traces: TraceMaker[] = []
  for (const edge of largeGraph(nodes, edges)) {
    const count = 1 + Math.floor(random() ** 3 * 12)
    const failing = random() < 0.04
    const length = 2 + random() ** 4 * 400
    for (let i = 0; i < count; i++) {
      const trace = new TraceMaker(random, now - BigInt(Math.floor(random() * MINUTES * 60_000)) * MS - 5_000n * MS)
      const failed = failing && random() < 0.4
      if (edge.connection_type === 'database') {
        const [system, namespace] = edge.server.split('/')
        trace.span(edge.client, 'SELECT', 3, 0, length, undefined, {
          attributes: { 'db.system.name': system, 'db.namespace': namespace }, ...(failed && { status: { code: 2 } }),
        }) // prettier-ignore
      } else if (edge.client === 'user') trace.span(edge.server, 'GET /', 2, 0, length)
      else trace.call(edge.client, edge.server, 'call', 0, length, undefined, failed)
      traces.push(trace)
    }
  }
  await sendTraces(sightline, traces)
  return waitForGraph(sightline, edges, traces.length)
}
