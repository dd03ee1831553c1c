import { expect, it } from 'vitest'
import { callQuery, nodeQuery } from './calls_query'
import { mapGraph } from './graph'
import { call, databaseCall, peerCall, userCall } from './testing/make_graph'

function queryOf(answer: Parameters<typeof mapGraph>[0][number], failed = false): string {
  const { nodes, edges } = mapGraph([answer], [])
  const node = (id: string) => nodes.find((one) => one.id === id)!
  return callQuery(edges[0]!, node(edges[0]!.from), node(edges[0]!.to), failed)
}

it('asks for a call between services by both of its spans', () => {
  expect(queryOf(call('a "x"', 'b'))).toBe('{ resource.service.name = "a \\"x\\"" && kind = client } > { resource.service.name = "b" && kind = server }')
  expect(queryOf(call('a', 'b', { connection_type: 'messaging_system' }))).toBe(
    '{ resource.service.name = "a" && kind = producer } > { resource.service.name = "b" && kind = consumer }',
  )
})

it('asks for those that failed on either side', () => {
  expect(queryOf(call('a', 'b'), true)).toBe(
    '({ resource.service.name = "a" && kind = client && status = error } > { resource.service.name = "b" && kind = server }) || ' +
      '({ resource.service.name = "a" && kind = client } > { resource.service.name = "b" && kind = server && status = error })',
  )
})

it('asks for a call to what sends no spans by what gave it its name', () => {
  expect(queryOf(databaseCall('a', 'postgresql/shop/eu'))).toBe(
    '{ resource.service.name = "a" && kind = client && (span.db.system.name = "postgresql" || span.db.system = "postgresql") && ' +
      '(span.db.namespace = "shop/eu" || span.db.name = "shop/eu") }',
  )
  expect(queryOf(databaseCall('a', 'redis/0'))).toContain('((span.db.namespace = "0" || span.db.name = "0") || (span.db.namespace = 0 || span.db.name = 0))')
  expect(queryOf(databaseCall('a', 'redis'))).toContain('span.db.system.name = "redis"')
  expect(queryOf(peerCall('a', 'psp.example'), true)).toBe(
    '{ resource.service.name = "a" && kind = client && (span.peer.service = "psp.example" || span.server.address = "psp.example") && status = error }',
  )
  expect(queryOf(call('a', 'kafka', { connection_type: 'messaging_system', server_side: null }))).toBe(
    '{ resource.service.name = "a" && kind = producer && span.messaging.system = "kafka" }',
  )
})

it('asks for what came from outside by spans without a parent', () => {
  expect(queryOf(userCall('a'))).toBe('{ resource.service.name = "a" && kind = server && parent = nil }')
})

it('says nothing of a service that has no name', () => {
  expect(queryOf(call('', 'b'))).toBe('{ kind = client } > { resource.service.name = "b" && kind = server }')
  expect(mapGraph([userCall('')], []).nodes.map((node) => nodeQuery(node))).toContain('{}')
})

it('asks for all that a node has to do with', () => {
  const { nodes } = mapGraph([userCall('a'), peerCall('a', 'psp.example')], [])
  expect(nodes.map((node) => nodeQuery(node))).toEqual([
    '{ kind = client && (span.peer.service = "psp.example" || span.server.address = "psp.example") }',
    '{ resource.service.name = "a" }',
    '{ kind = server && parent = nil }',
  ])
})
