import { expect, it } from 'vitest'
import { mapGraph } from '../../map/graph'
import { call, databaseCall, userCall } from '../../map/testing/make_graph'
import { CALL_KEYS, callRows, callValue } from './calls_table'

it('has a value for each column, none where a side sends no spans', () => {
  const { nodes, edges } = mapGraph([userCall('shop'), { ...call('shop', 'cart'), errors: 50 }, databaseCall('cart', 'redis')], [])
  const rows = callRows(edges, new Map(nodes.map((node) => [node.id, node])))
  expect(rows.map((row) => CALL_KEYS.map((key) => callValue(row, key)))).toEqual([
    ['cart', 'redis', 2, 0, 6e6, 12e6, 24e6, null],
    ['shop', 'cart', 2, 0.5, 6e6, 12e6, 24e6, 10e6],
    ['Users', 'shop', 2, 0, 5e6, 10e6, 20e6, 10e6],
  ])
})
