import { expect, it } from 'vitest'

import { matchRoute, serviceOfParam, servicePath } from './routes'

it.each(['shop', 'team/shop', '', '.', '..', '~', '~shop', 'a b?c#d', '100%', 'größe', '%2F', 'x\ny', 'shop/'])('leads to the page of %j', (name) => {
  // As the browser makes a path of it.
  const { pathname } = new URL(servicePath(name), 'http://localhost')
  const match = matchRoute(pathname)
  expect(match?.name).toBe('service')
  expect(serviceOfParam(match?.params.name ?? '?')).toBe(name)
})

it('leaves the list alone', () => {
  expect(matchRoute('/services')?.name).toBe('services')
  expect(matchRoute('/services/')?.name).toBe('services')
})
