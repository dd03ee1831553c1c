import { expect, it } from 'vitest'
import { groupConditions, groupName, groupUrlChange, narrowed, readColumns, readExplorerView, readGroupChoice } from './explorer_view'

it('reads the view, and shows numbers where the query makes them', () => {
  expect(readExplorerView(new URLSearchParams('view=heatmap'), '')).toBe('heatmap')
  expect(readExplorerView(new URLSearchParams('view=pie'), '')).toBe('traces')
  expect(readExplorerView(new URLSearchParams('view=groups'), '{} | rate()')).toBe('series')
})

it('keeps the groups in the URL, the usual ones unsaid', () => {
  expect(readGroupChoice(new URLSearchParams('by=a&by=a&by=&order=p99'))).toEqual({ by: ['a'], order: 'p99' })
  expect(readGroupChoice(new URLSearchParams('order=x'))).toEqual({ by: ['resource.service.name', 'name'], order: 'count' })
  expect(groupUrlChange({ by: ['resource.service.name', 'name'], order: 'count' })).toEqual({ by: null, order: null })
  expect(groupUrlChange({ by: ['span.x'] })).toEqual({ by: ['span.x'] })
  expect(readColumns(new URLSearchParams('col=b&col=a&col=b'))).toEqual(['b', 'a'])
})

it('knows what the spans of a group have in common', () => {
  const fields = ['resource.service.name', 'span:name', 'span.n']
  expect(groupName(fields, ['""', '"GET /"', 'nil'])).toEqual(['unnamed', 'GET /', 'none'])
  const conditions = groupConditions(fields, ['"shop"', '"GET /"', 'nil'])
  expect(narrowed('{ name = "other" && kind = server }', conditions)).toBe('{ kind = server && resource.service.name = "shop" && name = "GET /" && span.n = nil }')
})
