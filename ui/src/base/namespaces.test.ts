import { expect, it } from 'vitest'
import { byNamespace } from './namespaces'

it('groups attributes by the first part of their names; what is alone stands last', () => {
  const entries = Object.entries({ 'url.full': 1, plain: 2, 'http.route': 3, 'db.name': 4, 'http.method': 5, 'db.system': 6, '': 7 })
  expect(byNamespace(entries).map(({ name, entries }) => [name, entries.map(([key]) => key)])).toEqual([
    ['db', ['db.name', 'db.system']],
    ['http', ['http.method', 'http.route']],
    ['', ['', 'plain', 'url.full']],
  ])
  expect(byNamespace([])).toEqual([])
})
