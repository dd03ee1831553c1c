import { describe, expect, it } from 'vitest'
import { edgeFigures, edgeWidth, isFailing, nodeFigures, nodeWords } from './figures'
import { mapGraph } from './graph'
import { call, databaseCall, userCall } from './testing/make_graph'

const graph = mapGraph([userCall('shop'), { ...call('shop', ''), errors: 2 }, databaseCall('shop', 'redis'), databaseCall('', 'redis')], [])
const node = (id: string) => graph.nodes.find((one) => one.id === id)!
const plain = (text: string) => text.replace(/\s/g, ' ')

describe('figures', () => {
  it('of a call: rate, share that failed, p95 as its caller waited', () => {
    const edge = graph.edges.find((one) => one.errors > 0)!
    expect(Object.values(edgeFigures(edge)).map(plain)).toEqual(['2 /s', '2 %', '12 ms'])
    expect(edgeFigures(graph.edges.find((one) => one.errors === 0)!).failed).toBe('')
  })

  it('of a node, with what is only a bound as one', () => {
    expect(Object.values(nodeFigures(node('database:redis'))).map(plain)).toEqual(['4 /s', '', '≤ 12 ms'])
    expect(Object.values(nodeFigures(node('user:user')))).toEqual(['', '', ''])
  })

  it('are those of a node that fails from one in a hundred on', () => {
    expect(isFailing(node('service:'))).toBe(true)
    expect(isFailing({ ...node('service:'), calls: 1000, errors: 9 })).toBe(false)
    expect(isFailing(node('user:user'))).toBe(false)
  })

  it('are words, too', () => {
    expect(plain(nodeWords(node('service:'), 1, 1))).toBe('unnamed, Service, 2 /s, 2 % failed, p95 10 ms, called by 1, calls 1')
    expect(nodeWords(node('user:user'), 0, 1)).toBe('Users, Callers from outside, calls 1')
  })
})

describe('the width of a call', () => {
  it('grows with the logarithm of its rate, up to that of the most calls', () => {
    expect([0, 1e-9, 0.1, 1, 10, 100].map((rate) => edgeWidth(rate, 100).toFixed(2))).toEqual(['1.00', '1.00', '1.00', '2.17', '3.33', '4.50'])
    expect(edgeWidth(0, 0)).toBe(1)
  })
})
