import { describe, expect, it } from 'vitest'
import { mapGraph, type MapGraph } from './graph'
import { distanceTo, layersOf, layOut, neighbour, pointAt, type Layout } from './layout'
import { call, databaseCall, largeGraph, peerCall, shuffled, userCall } from './testing/make_graph'

const LARGE_MS_MAX = 300
const SLOW_MACHINE = 5 // times slower than the one that is for

const small = mapGraph(
  [
    userCall('gateway'), call('gateway', 'shop'), call('shop', 'cart'), call('gateway', 'cart'), call('cart', 'shop'), databaseCall('cart', 'postgresql/cart'),
    peerCall('shop', 'psp.example'), call('shop', 'shop'), call('cron', 'cart'), call('shop', 'cart', { connection_type: 'messaging_system' }),
  ],
  [],
) // prettier-ignore
const large = mapGraph(largeGraph(200, 600), [])

function expectApart({ boxes }: Layout) {
  const list = [...boxes.values()]
  const touching = list.flatMap((a, i) => list.slice(i + 1).filter((b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h))
  expect(touching).toEqual([])
}

function expectWithin(graph: MapGraph, layout: Layout) {
  expect(layout.boxes.size).toBe(graph.nodes.length)
  expect(layout.paths.size).toBe(graph.edges.length)
  for (const box of layout.boxes.values()) {
    expect(box.x).toBeGreaterThanOrEqual(0)
    expect(box.y).toBeGreaterThanOrEqual(0)
    expect(box.x + box.w).toBeLessThanOrEqual(layout.width)
    expect(box.y + box.h).toBeLessThanOrEqual(layout.height)
  }
  for (const path of layout.paths.values()) {
    expect([...path.points].every(Number.isFinite)).toBe(true)
    expect(path.length).toBeGreaterThan(0)
  }
}

describe('layersOf', () => {
  it('has callers before what they call, but for calls that lead back', () => {
    for (const graph of [small, large]) {
      const { layer, back } = layersOf(graph)
      for (const edge of graph.edges) {
        if (edge.from === edge.to || back.has(edge.id)) continue
        expect(layer.get(edge.to)!).toBeGreaterThan(layer.get(edge.from)!)
      }
    }
  })

  it('takes the call that leads back to where calls come in for the one that does', () => {
    const { back } = layersOf(small)
    expect(small.edges.filter((edge) => back.has(edge.id)).map((edge) => [edge.from, edge.to])).toEqual([['service:cart', 'service:shop']])
  })

  it('has a caller that nobody calls just before what it calls', () => {
    const { layer } = layersOf(small)
    expect(layer.get('service:cron')).toBe(layer.get('service:cart')! - 1)
  })

  it('takes shortest ways where the longest ones are too long to be seen', () => {
    const ring = Array.from({ length: 60 }, (_, i) => Array.from({ length: 8 }, (_, far) => call(`s${i}`, `s${(i + 1 + far) % 60}`))).flat()
    const layers = Math.max(...layersOf(mapGraph(ring, [])).layer.values()) + 1
    expect(layers).toBe(9) // 59 nodes away at most, 8 with each call
    expect(Math.max(...layersOf(mapGraph([...ring, userCall('s0'), call('alone', 's9')], [])).layer.values()) + 1).toBeLessThan(layers + 2)
    const layout = layOut(mapGraph(ring, []))
    expectApart(layout)
    expectWithin(mapGraph(ring, []), layout)
  })

  it('knows a way through a circle without a begin', () => {
    const { layer, back } = layersOf(mapGraph([call('a', 'b'), call('b', 'c'), call('c', 'a')], []))
    expect([...layer.values()].sort()).toEqual([0, 1, 2])
    expect(back.size).toBe(1)
  })
})

describe('layOut', () => {
  it('sets nodes apart, within the drawing, with a path for each call', () => {
    for (const graph of [small, large]) {
      const layout = layOut(graph)
      expectApart(layout)
      expectWithin(graph, layout)
    }
  })

  it('leads from left to right', () => {
    for (const graph of [small, large]) {
      const { boxes } = layOut(graph)
      const { back } = layersOf(graph)
      for (const edge of graph.edges) {
        if (edge.from !== edge.to && !back.has(edge.id)) expect(boxes.get(edge.to)!.x).toBeGreaterThan(boxes.get(edge.from)!.x)
      }
    }
  })

  it('begins and ends each call at its nodes', () => {
    for (const graph of [small, large]) {
      const { boxes, paths } = layOut(graph)
      for (const edge of graph.edges) {
        const { points } = paths.get(edge.id)!
        for (const [id, x, y] of [[edge.from, points[0]!, points[1]!], [edge.to, points.at(-2)!, points.at(-1)!]] as const) {
          const box = boxes.get(id)!
          expect(x).toBeGreaterThanOrEqual(box.x - 0.01)
          expect(x).toBeLessThanOrEqual(box.x + box.w + 0.01)
          expect(y).toBeGreaterThanOrEqual(box.y - 0.01)
          expect(y).toBeLessThanOrEqual(box.y + box.h + 0.01)
        }
      }
    } // prettier-ignore
  })

  it('moves nothing when figures and the order of the answer change', () => {
    for (const edges of [largeGraph(30, 60), largeGraph(200, 600)]) {
      const before = layOut(mapGraph(edges, []))
      const busier = shuffled(edges, 5).map((edge, i) => ({ ...edge, calls: edge.calls + i, errors: i % 3, calls_per_second: i / 7 }))
      expect(layOut(mapGraph(busier, []))).toEqual(before)
    }
  })

  it('has room for the labels of calls between few services', () => {
    const layout = layOut(small)
    expect(layout.roomy).toBe(true)
    const labels = small.edges.filter((edge) => edge.from !== edge.to).map((edge) => layout.paths.get(edge.id)!.middle)
    for (const [i, a] of labels.entries()) {
      for (const b of labels.slice(i + 1)) expect(Math.abs(a.x - b.x) > 100 || Math.abs(a.y - b.y) > 14).toBe(true)
    }
  })

  it('sets 200 services about as wide and high as a screen, in time', () => {
    const started = performance.now()
    const layout = layOut(large)
    const ms = performance.now() - started
    console.log(`200 nodes, 600 calls: ${Math.round(ms)} ms, ${Math.round(layout.width)} x ${Math.round(layout.height)}`)
    expect(layout.roomy).toBe(false)
    expect(layout.width / layout.height).toBeGreaterThan(1)
    expect(layout.width / layout.height).toBeLessThan(2.6)
    expect(Math.min(1400 / layout.width, 800 / layout.height)).toBeGreaterThan(0.38) // names of 11 px fit below each other
    expect(ms).toBeLessThan(LARGE_MS_MAX * SLOW_MACHINE)
  })

  it('knows a graph without calls and one without nodes', () => {
    expect(layOut({ nodes: small.nodes.slice(0, 1), edges: [] }).boxes.size).toBe(1)
    expect(layOut({ nodes: [], edges: [] }).boxes.size).toBe(0)
  })
})

describe('what is where', () => {
  const layout = layOut(small)
  it('finds a call by a point near it, and not from afar', () => {
    for (const path of layout.paths.values()) {
      const at = pointAt(path.points, path.length / 3)
      expect(distanceTo(path, { x: at.x, y: at.y }, 5)).toBeLessThan(0.01)
      expect(distanceTo(path, { x: at.x + 1000, y: at.y + 1000 }, 5)).toBe(Infinity)
    }
  })

  it('moves to callers and callees, and within a column', () => {
    expect(neighbour(small, layout, 'service:gateway', 'left')).toBe('user:user')
    expect(neighbour(small, layout, 'user:user', 'left')).toBe(null)
    expect(neighbour(small, layout, 'user:user', 'right')).toBe('service:gateway')
    const down = neighbour(large, layOut(large), 'service:service-020', 'down')
    expect(down).not.toBe(null)
    expect(neighbour(large, layOut(large), down!, 'up')).toBe('service:service-020')
  })
})
