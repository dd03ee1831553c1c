import { describe, expect, it } from 'vitest'
import type { ServiceState, Trouble } from './deviation'
import { headline } from './headline'

const state = (name: string, trouble: Trouble | null, ongoing = true): ServiceState => ({
  name,
  trouble,
  ongoing,
  sinceMs: null,
  fromFirstCall: false,
  untilMs: null,
  now: { callsPerSecond: 1, errorShare: 0, p95Nano: 1 },
  before: null,
  episodeShare: 0,
  bad: [],
  weight: 1,
  service: null,
})
const usual = [state('a', null), state('b', null), state('over', 'errors', false)]
const compared = { only: '', earlier: 'the hour before', pastless: false }

describe('the headline', () => {
  it('names the one that is in trouble, and how', () => {
    expect(headline([state('shop', 'errors'), ...usual], compared)).toBe('shop is failing')
    expect(headline([state('shop', 'silent'), ...usual], compared)).toBe('shop has gone silent')
    expect(headline([state('shop', 'slow'), ...usual], compared)).toBe('shop is slower than in the hour before')
    expect(headline([state('', 'errors')], compared)).toBe('The unnamed service is failing')
  })

  it('counts several, the worst first', () => {
    expect(headline([state('x', 'errors'), state('y', 'errors'), ...usual], compared)).toBe('2 of 5 services are failing')
    expect(headline([state('x', 'slow'), state('y', 'errors'), state('z', 'silent'), state('w', 'slow'), ...usual], compared)).toBe(
      '1 of 7 services is failing, 1 silent, 2 slower than in the hour before',
    )
  })

  it('compares with nothing where nothing was before', () => {
    expect(headline(usual, compared)).toBe('Nothing deviates from the hour before')
    expect(headline(usual, { ...compared, pastless: true })).toBe('No service is failing')
    expect(headline([state('a', null)], { ...compared, only: 'a', pastless: true })).toBe('a is not failing')
    expect(headline([state('a', null)], { ...compared, only: 'a' })).toBe('a does not deviate from the hour before')
  })
})
