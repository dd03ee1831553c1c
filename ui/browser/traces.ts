// The traces that the browser tests look at: one that is odd in every way that the trace page has words for, and one
// whose spans have all that a span can have.
import type { SpanSketch } from './otlp'

const MS = 1_000_000n

export interface TraceSketch {
  traceId: string
  spans: SpanSketch[]
}

/** Missing parents, a further root, clock skew, the same id twice, a ring, spans of no length. */
export function oddTrace(traceId: string, startNano: bigint): TraceSketch {
  const at = (ms: number) => startNano + BigInt(Math.round(ms * 1000)) * 1000n
  const failed = { code: 2 as const, message: 'deadline exceeded after 150 ms' }
  return {
    traceId,
    spans: [
      { id: 'a000000000000001', name: 'POST /checkout', service: 'gateway', kind: 2, startNano: at(0), endNano: at(400) },
      { id: 'a000000000000002', parent: 'a000000000000001', name: 'cart.load', service: 'cart', kind: 2, startNano: at(-12), endNano: at(90) },
      { id: 'a000000000000003', parent: 'a000000000000002', name: 'GET cart:42', service: 'cart', kind: 3, startNano: at(10), endNano: at(10) },
      { id: 'a000000000000004', parent: 'a000000000000002', name: 'GET cart:43', service: 'cart', kind: 3, startNano: at(40), endNano: at(40) },
      { id: 'a000000000000005', parent: 'a000000000000001', name: 'payment.charge', service: 'payment', kind: 2, startNano: at(100), endNano: at(260), status: failed },
      { id: 'a000000000000006', parent: 'a000000000000005', name: 'POST psp.example/charges', service: 'payment', kind: 3, startNano: at(105), endNano: at(255), status: failed },
      { id: 'a000000000000007', parent: 'a000000000000001', name: 'order.placed publish', service: 'gateway', kind: 4, startNano: at(300), endNano: at(310) },
      { id: 'a000000000000008', parent: 'a000000000000007', name: 'order.placed process', service: 'mailer', kind: 5, startNano: at(380), endNano: at(700) },
      { id: 'a000000000000009', parent: 'b000000000000001', name: 'stock.reserve', service: 'stock', kind: 2, startNano: at(270), endNano: at(296) },
      { id: 'a00000000000000a', parent: 'b000000000000001', name: 'UPDATE stock', service: 'stock', kind: 3, startNano: at(275), endNano: at(290) },
      { id: 'a00000000000000b', name: 'cron: expire carts', service: 'cart', startNano: at(500), endNano: at(640) },
      { id: 'a00000000000000c', parent: 'a000000000000001', name: 'audit.write', service: 'audit', startNano: at(320), endNano: at(330) },
      { id: 'a00000000000000c', parent: 'a000000000000001', name: 'audit.write', service: 'audit', startNano: at(335), endNano: at(345) },
      { id: 'a00000000000000d', parent: 'a00000000000000e', name: 'ring.one', service: 'audit', startNano: at(350), endNano: at(360) },
      { id: 'a00000000000000e', parent: 'a00000000000000d', name: 'ring.two', service: 'audit', startNano: at(352), endNano: at(358) },
    ], // prettier-ignore
  }
}

const STACK = `Traceback (most recent call last):
  File "/srv/app/ranker.py", line 88, in predict
    score = self.model.forward(features)
  File "/srv/app/model.py", line 41, in forward
    raise ValueError(f"feature vector has {len(x)} values, the model wants 128")
ValueError: feature vector has 127 values, the model wants 128
`

/** A failed model call under a root that says nothing of it, with every type of attribute, events, links. */
export function richTrace(traceId: string, startNano: bigint, linkedTraceId: string): TraceSketch {
  const at = (ms: number) => startNano + BigInt(ms) * MS
  const message = 'feature vector has 127 values, the model wants 128'
  return {
    traceId,
    spans: [
      { id: 'c000000000000001', name: 'GET /search', service: 'recommender', kind: 2, startNano: at(0), endNano: at(320), attributes: { 'http.request.method': 'GET', 'http.route': '/search', 'http.response.status_code': 200, 'url.full': 'https://shop.example/search?q=graph+databases&page=2', 'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36' } },
      { id: 'c000000000000002', parent: 'c000000000000001', name: 'rank', service: 'recommender', startNano: at(20), endNano: at(300) },
      {
        id: 'c000000000000003', parent: 'c000000000000002', name: 'model.predict', service: 'model-server', kind: 2, startNano: at(30), endNano: at(280),
        status: { code: 2, message },
        attributes: {
          'gen_ai.request.model': 'ranker-7b', 'model.version': '2026-10-01', 'model.features': 127, 'request.hash': 9007199254740993n, 'model.score': 0.5, 'model.cached': false,
          'model.labels': ['fresh', 'experiment-b'], 'model.options': { temperature: 0.2, stop: ['\\n'], limits: { tokens: 512 } },
          'request.body': '{"query":"graph databases","filters":{"lang":"en","year":{"gte":2020}},"k":20}', 'docs.url': 'https://docs.example/models/ranker-7b#inputs',
          'request.digest': new Uint8Array([0, 1, 254, 255]), 'empty.value': null, 'empty.text': '',
          'db.query.text': 'SELECT id, title FROM articles WHERE articles MATCH ? ORDER BY rank LIMIT 50',
        },
        events: [
          { name: 'features.loaded', atNano: at(34), attributes: { count: 127 } },
          { name: 'exception', atNano: at(279), attributes: { 'exception.type': 'ValueError', 'exception.message': message, 'exception.stacktrace': STACK, 'exception.escaped': true } },
        ],
        links: [{ traceId: linkedTraceId, spanId: 'a000000000000001' }],
      },
      { id: 'c000000000000004', parent: 'c000000000000002', name: 'load features', service: 'recommender', kind: 3, startNano: at(22), endNano: at(29) },
    ], // prettier-ignore
  }
}
