import { expect, test } from 'vitest'
import { exportUrl } from './export_url'

test('a file is asked for with the conditions of its list, whatever is in them', () => {
  const url = exportUrl('logs', 'otlp-json', { q: '{ log.a = "b&c" }', attribute: ['k=v', 'x=1'], service: '', text: undefined, last: '1h' })
  const { pathname, searchParams } = new URL(url, 'http://sightline.test')
  expect(pathname).toBe('/api/v1/export/logs')
  expect([...searchParams]).toEqual([
    ['q', '{ log.a = "b&c" }'],
    ['attribute', 'k=v'],
    ['attribute', 'x=1'],
    ['service', ''],
    ['last', '1h'],
    ['format', 'otlp-json'],
  ])
})
