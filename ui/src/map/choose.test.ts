import { describe, expect, it } from 'vitest'
import { choose, named, WHOLE, type Choice } from './choose'
import { mapGraph } from './graph'
import { call, databaseCall, peerCall, userCall } from './testing/make_graph'

// user -> gateway -> shop -> cart -> postgresql/cart; shop -> psp.example; search -> cart; cart -> shop leads back.
const graph = mapGraph(
  [
    userCall('gateway'),
    call('gateway', 'shop'),
    call('shop', 'cart', { errors: 3 }),
    databaseCall('cart', 'postgresql/cart'),
    peerCall('shop', 'psp.example'),
    call('search', 'cart'),
    call('cart', 'shop'),
    call('gateway', 'search'),
  ],
  [],
)
const names = (choice: Partial<Choice>) => choose(graph, { ...WHOLE, ...choice }).nodes.map((node) => node.name)
const calls = (choice: Partial<Choice>) =>
  choose(graph, { ...WHOLE, ...choice }).edges.map((edge) => `${edge.from.split(':')[1]}>${edge.to.split(':')[1]}`)

describe('choose', () => {
  it('shows all where nothing is chosen', () => {
    expect(choose(graph, WHOLE)).toEqual(graph)
  })

  it('hides databases and peers with the calls to them', () => {
    expect(names({ hide: ['databases'] })).not.toContain('postgresql/cart')
    expect(names({ hide: ['peers'] })).not.toContain('psp.example')
    expect(names({ hide: ['databases', 'peers'] })).toEqual(['cart', 'gateway', 'search', 'shop', 'user'])
    expect(names({ hide: ['databases'], focus: 'database:postgresql/cart' })).toEqual(['postgresql/cart', 'cart'])
  })

  it('shows only calls that fail', () => {
    expect(calls({ failing: true })).toEqual(['shop>cart'])
  })

  it('finds either end of a call by the words of its name', () => {
    expect(calls({ words: 'PSP' })).toEqual(['shop>psp.example'])
    expect(calls({ words: 'cart postgres' })).toEqual(['cart>postgresql/cart'])
    expect(calls({ words: 'nothing' })).toEqual([])
    expect(named('checkout-service', ' serv check ')).toBe(true)
  })

  it('goes one or two calls away from the focus in the direction of calls', () => {
    expect(names({ focus: 'service:cart', depth: 1 })).toEqual(['postgresql/cart', 'cart', 'search', 'shop'])
    expect(names({ focus: 'service:search', depth: 1 })).toEqual(['cart', 'gateway', 'search'])
    // The shop also calls the cart, but it is neither called by search within one call nor calls it.
    expect(names({ focus: 'service:search', depth: 2 })).toEqual(['postgresql/cart', 'cart', 'gateway', 'search', 'shop', 'user'])
  })

  it('finds all that a node depends on and all that depends on it, also over a circle', () => {
    expect(names({ focus: 'database:postgresql/cart', depth: 'all' })).toEqual(['postgresql/cart', 'cart', 'gateway', 'search', 'shop', 'user'])
    expect(names({ focus: 'peer:psp.example', depth: 'all' })).toEqual(['psp.example', 'cart', 'gateway', 'search', 'shop', 'user'])
  })

  it('keeps the focus in sight when none of its calls fits; one that is not there is not made up', () => {
    expect(names({ focus: 'service:gateway', failing: true })).toEqual(['gateway'])
    expect(names({ focus: 'service:gone' })).toEqual([])
  })
})
