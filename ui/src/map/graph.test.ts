import { describe, expect, it } from 'vitest'
import type { Service, ServiceGraph } from '../api/types'
import { callsOf, edgeSide, EDGES_MAX, isAsync, mapGraph, share, wholeGraph } from './graph'
import { call, databaseCall, largeGraph, peerCall, shuffled, userCall } from './testing/make_graph'

const kinds = (edges: Parameters<typeof mapGraph>[0]) => mapGraph(edges, []).nodes.map((node) => node.id)

describe('mapGraph', () => {
  it('tells what a node is by its calls', () => {
    const edges = [
      userCall('shop'),
      call('shop', 'cart'),
      databaseCall('cart', 'postgresql/shop'),
      peerCall('shop', 'psp.example'),
      call('shop', 'kafka', { connection_type: 'messaging_system', server_side: null }),
      call('shop', 'mailer', { connection_type: 'messaging_system' }),
    ]
    expect(kinds(edges)).toEqual([
      'database:postgresql/shop', 'messaging:kafka', 'peer:psp.example', 'service:cart', 'service:mailer', 'service:shop', 'user:user',
    ]) // prettier-ignore
  })

  it('takes a service that is called "user" for a service', () => {
    expect(kinds([call('user', 'shop'), userCall('user')])).toEqual(['service:shop', 'service:user', 'user:user'])
  })

  it('is the same whatever the order of the answer, and takes a call that comes twice once', () => {
    const edges = largeGraph(60, 150)
    expect(mapGraph(shuffled([...edges, edges[3]!], 3), [])).toEqual(mapGraph(edges, []))
  })

  it('adds up the calls to a node; its p95 is at most the largest of its callers', () => {
    const edges = [databaseCall('a', 'redis'), { ...databaseCall('b', 'redis'), calls: 50, errors: 5, calls_per_second: 1 }]
    edges[1]!.client_side = { ...edges[1]!.client_side!, p95_nano: 30e6 }
    expect(mapGraph(edges, []).nodes.find((node) => node.kind === 'database')).toMatchObject({ calls: 150, errors: 5, rate: 3, p95: 30e6, p95AtMost: true })
    expect(mapGraph(edges.slice(0, 1), []).nodes.find((node) => node.kind === 'database')).toMatchObject({ p95: 12e6, p95AtMost: false })
  })

  it('has the figures of services as they were counted', () => {
    const counted = { service: 'cart', calls: 7, errors: 1, calls_per_second: 0.5, p95_nano: 3e6 } as Service
    expect(mapGraph([call('shop', 'cart')], [counted]).nodes.find((node) => node.name === 'cart')).toMatchObject({
      calls: 7, errors: 1, rate: 0.5, p95: 3e6, p95AtMost: false,
    }) // prettier-ignore
  })

  it('keeps two kinds of calls between the same two apart', () => {
    const graph = mapGraph([call('a', 'b'), call('a', 'b', { connection_type: 'messaging_system' })], [])
    expect(graph.edges.map(isAsync)).toEqual([false, true])
    expect(new Set(graph.edges.map((edge) => edge.id)).size).toBe(2)
  })
})

describe('a call', () => {
  const [edge] = mapGraph([{ ...call('a', 'b'), calls: 200, errors: 3 }], []).edges
  it('fails in a share, of none in none', () => {
    expect(share(edge!)).toBe(0.015)
    expect(share({ calls: 0, errors: 0 })).toBe(0)
    expect(share({ calls: 10, errors: 10.0001 })).toBe(1) // estimates
  })
  it('is measured by its caller, else by its callee', () => {
    expect(edgeSide(edge!)).toEqual(edge!.clientSide)
    const [user] = mapGraph([userCall('a')], []).edges
    expect(edgeSide(user!)).toEqual(user!.serverSide)
  })
  it('is listed at both ends, most calls first', () => {
    const graph = mapGraph([call('a', 'b', { calls: 1 }), call('a', 'c', { calls: 9 }), call('c', 'b', { calls: 5 })], [])
    expect(callsOf(graph, 'service:a').callees.map((one) => one.to)).toEqual(['service:c', 'service:b'])
    expect(callsOf(graph, 'service:b').callers.map((one) => one.from)).toEqual(['service:c', 'service:a'])
  })
})

describe('wholeGraph', () => {
  const page = (edges: number, next: string | null): ServiceGraph => ({
    from_unix_nano: '0', to_unix_nano: '1', edges: Array.from({ length: edges }, (_, i) => call('a', `b${i}`)), next_cursor: next,
    scanned: { rows: 10, bytes: 100, elapsed_seconds: 0.5 },
  }) // prettier-ignore

  it('takes all pages, each asked for by the cursor of the one before', async () => {
    const asked: (string | undefined)[] = []
    const pages = [page(1000, 'one'), page(1000, 'two'), page(20, null)]
    const whole = await wholeGraph((cursor) => Promise.resolve(pages[asked.push(cursor) - 1]!))
    expect(asked).toEqual([undefined, 'one', 'two'])
    expect(whole.edges.length).toBe(2020)
    expect(whole.cut).toBe(false)
    expect(whole.scanned).toEqual({ rows: 30, bytes: 300, elapsed_seconds: 1.5 })
  })

  it('ends at its limit and says so', async () => {
    let asked = 0
    const whole = await wholeGraph(() => Promise.resolve(page(1000, String(++asked))))
    expect(whole.edges.length).toBe(EDGES_MAX)
    expect(whole.cut).toBe(true)
    expect(asked).toBe(EDGES_MAX / 1000)
  })
})
