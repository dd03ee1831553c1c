import { describe, expect, it } from 'vitest'
import { liveOf, makeHref, rangeOf, rangeParams, sharedOf } from './url'

const search = (text: string) => new URLSearchParams(text)

describe('the URL of a view', () => {
  it('has no parameter that says nothing, and several for a list', () => {
    expect(makeHref('/logs', { text: '', service: null, wrap: false, attribute: ['a=1', 'b=x y&z'], n: 0 })).toBe('/logs?attribute=a%3D1&attribute=b%3Dx+y%26z&n=0')
    expect(makeHref('/', {})).toBe('/')
  })

  it('keeps what belongs to all views', () => {
    expect(sharedOf(search('q=x&service=team%2Fa%26b&last=3h&live=5s&sort=name'))).toEqual({ last: '3h', live: '5s', service: 'team/a&b' })
  })

  it.each([
    ['last=3h', { kind: 'last', last: '3h' }],
    ['last=180m', { kind: 'last', last: '3h' }],
    ['last=never', { kind: 'last', last: '1h' }],
    ['', { kind: 'last', last: '1h' }],
    ['from=10&to=20', { kind: 'absolute', from: '10', to: '20' }],
    ['from=20&to=10&last=5m', { kind: 'last', last: '5m' }],
    ['from=1e3&to=2e3', { kind: 'last', last: '1h' }],
  ] as const)('of %j has a range', (text, range) => {
    expect(rangeOf(search(text))).toEqual(range)
  })

  it('does not say the usual range', () => {
    expect(rangeParams({ kind: 'last', last: '1h' })).toEqual({ last: null, from: null, to: null })
    expect(rangeParams({ kind: 'absolute', from: '1', to: '2' })).toEqual({ last: null, from: '1', to: '2' })
  })

  it('is live only as often as is offered', () => {
    expect([liveOf(search('live=5s')), liveOf(search('live=1m')), liveOf(search('live=1s')), liveOf(search(''))]).toEqual([5, 60, 0, 0])
  })
})
