import { describe, expect, it } from 'vitest'
import type { Service, ServiceList } from '../../api/types'
import { msToNano } from '../../base/time'
import { lastEpisode, serviceStates, sigmas } from './deviation'

const FROM = 1_800_000_000_000
const MINUTES = 60
const each = <T>(make: (minute: number) => T): T[] => Array.from({ length: MINUTES }, (_, minute) => make(minute))
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)

function service(name: string, calls: number[], errors: number[], p95: number): Service {
  return {
    service: name,
    calls: sum(calls),
    errors: sum(errors),
    calls_per_second: sum(calls) / (MINUTES * 60),
    p50_nano: p95 / 4,
    p90_nano: p95 / 2,
    p95_nano: p95,
    p99_nano: p95 * 2,
    max_nano: p95 * 3,
    apdex: 1,
    apdex_threshold_nano: 500_000_000,
    last_seen_unix_nano: msToNano(FROM - 120_000),
    series: { calls, errors, p50_nano: calls.map(() => null), p90_nano: calls.map(() => null), p95_nano: calls.map((count) => (count > 0 ? p95 : null)), p99_nano: calls.map(() => null) },
  }
}

function list(...services: Service[]): ServiceList {
  return {
    from_unix_nano: msToNano(FROM),
    to_unix_nano: msToNano(FROM + MINUTES * 60_000),
    step_seconds: 60,
    services,
    next_cursor: null,
    scanned: { rows: 0, bytes: 0, elapsed_seconds: 0 },
  }
}

const usual = (name: string) => service(name, each(() => 100), each(() => 0), 20e6)

describe('sigmas', () => {
  it('is that of the two-proportion test', () => {
    // 30 of 1000 against 10 of 1000: pooled 0.02, standard error 0.006261, difference 0.02.
    expect(sigmas(30, 1000, 10, 1000)).toBeCloseTo(3.194, 3)
    expect(sigmas(0, 1000, 0, 1000)).toBe(0)
  })
})

describe('lastEpisode', () => {
  const steps = (text: string) => [...text].map((step) => (step === '?' ? null : step === 'x'))
  it('is the last run, over gaps of two', () => {
    expect(lastEpisode(steps('x.....x..xxx.'))).toEqual({ fromStep: 6, toStep: 11, ongoing: true })
  })
  it('is over after three good steps, of which the unfinished one does not count', () => {
    expect(lastEpisode(steps('..xx....'))?.ongoing).toBe(false)
    expect(lastEpisode(steps('..xx...'))?.ongoing).toBe(true)
    expect(lastEpisode(steps('..xx????'))?.ongoing).toBe(true)
  })
  it('is nothing where nothing was bad', () => {
    expect(lastEpisode(steps('..??.'))).toBeNull()
  })
})

describe('serviceStates', () => {
  it('leaves alone what is as before', () => {
    const [state] = serviceStates(list(usual('a')), list(usual('a')))
    expect(state).toMatchObject({ name: 'a', trouble: null, ongoing: false })
  })

  it('finds errors that began, and when', () => {
    const failing = service('a', each(() => 100), each((minute) => (minute >= 40 ? 10 : 0)), 20e6)
    const [state] = serviceStates(list(failing), list(usual('a')))
    expect(state).toMatchObject({ trouble: 'errors', ongoing: true, sinceMs: FROM + 40 * 60_000, untilMs: null, weight: 200 })
    expect(state?.now.errorShare).toBeCloseTo(200 / 6000)
    expect(state?.episodeShare).toBeCloseTo(0.1)
    expect(state?.before?.errorShare).toBe(0)
  })

  it('says of errors that ended that they did', () => {
    const failed = service('a', each(() => 100), each((minute) => (minute >= 10 && minute < 20 ? 50 : 0)), 20e6)
    const [state] = serviceStates(list(failed), list(usual('a')))
    expect(state).toMatchObject({ trouble: 'errors', ongoing: false, sinceMs: FROM + 10 * 60_000, untilMs: FROM + 20 * 60_000 })
  })

  it('takes a high share for wrong though it was so before, since before the range', () => {
    const bad = service('a', each(() => 100), each(() => 20), 20e6)
    expect(serviceStates(list(bad), list(bad))[0]).toMatchObject({ trouble: 'errors', ongoing: true, sinceMs: null })
  })

  it('does not take a few errors, or a share that hardly moved, for trouble', () => {
    const few = service('a', each(() => 1), each((minute) => (minute < 4 ? 1 : 0)), 20e6)
    const same = service('b', each(() => 100), each(() => 2), 20e6)
    const little = service('b', each(() => 100), each((minute) => (minute % 10 === 0 ? 3 : 2)), 20e6)
    expect(serviceStates(list(few, little), list(usual('a'), same)).map((state) => state.trouble)).toEqual([null, null])
  })

  it('finds what is slower by half, not what is slower by a millisecond', () => {
    const slow = service('a', each(() => 100), each(() => 0), 60e6)
    const quick = service('b', each(() => 100), each(() => 0), 2e6)
    const before = list(usual('a'), service('b', each(() => 100), each(() => 0), 1e6))
    const states = serviceStates(list(slow, quick), before)
    expect(states.map((state) => [state.name, state.trouble])).toEqual([
      ['a', 'slow'],
      ['b', null],
    ])
    expect(states[0]?.weight).toBeCloseTo(3)
  })

  it('finds what is called no more, whether it still has calls in the range or not', () => {
    const fell = service('a', each((minute) => (minute < 30 ? 100 : 0)), each(() => 0), 20e6)
    const states = serviceStates(list(fell), list(usual('a'), usual('gone')))
    expect(states).toHaveLength(2)
    expect(states.find((state) => state.name === 'a')).toMatchObject({ trouble: 'silent', sinceMs: FROM + 30 * 60_000 })
    expect(states.find((state) => state.name === 'gone')).toMatchObject({ trouble: 'silent', sinceMs: FROM - 120_000, service: null })
  })

  it('says that a service is silent, though it failed before that', () => {
    const died = service('a', each((minute) => (minute < 40 ? 100 : 0)), each((minute) => (minute >= 30 && minute < 40 ? 60 : 0)), 20e6)
    expect(serviceStates(list(died), list(usual('a')))[0]).toMatchObject({ trouble: 'silent', sinceMs: FROM + 40 * 60_000 })
  })

  it('does not miss a service that is seldom called', () => {
    const seldom = service('a', each((minute) => (minute % 20 === 0 ? 1 : 0)), each(() => 0), 20e6)
    expect(serviceStates(list(seldom), list(seldom))[0]?.trouble).toBeNull()
  })

  it('puts what goes on first: errors, silence, slowness, then the rest by calls', () => {
    const failing = service('fails', each(() => 100), each(() => 10), 20e6)
    const over = service('over', each(() => 100), each((minute) => (minute < 20 ? 50 : 0)), 20e6)
    const slow = service('slow', each(() => 100), each(() => 0), 90e6)
    const now = list(usual('calm'), service('busy', each(() => 900), each(() => 0), 20e6), over, slow, failing)
    const before = list(usual('calm'), usual('busy'), usual('over'), usual('slow'), usual('fails'), usual('gone'))
    expect(serviceStates(now, before).map((state) => state.name)).toEqual(['fails', 'gone', 'slow', 'over', 'busy', 'calm'])
  })

  it('says of what was never called before that it fails since its first call', () => {
    const fresh = service('a', each((minute) => (minute >= 45 ? 100 : 0)), each((minute) => (minute >= 45 ? 10 : 0)), 20e6)
    const late = service('b', each((minute) => (minute >= 45 ? 100 : 0)), each((minute) => (minute >= 50 ? 20 : 0)), 20e6)
    const states = serviceStates(list(fresh, late), list())
    expect(states.find((state) => state.name === 'a')).toMatchObject({ trouble: 'errors', sinceMs: FROM + 45 * 60_000, fromFirstCall: true, before: null })
    expect(states.find((state) => state.name === 'b')).toMatchObject({ trouble: 'errors', sinceMs: FROM + 50 * 60_000, fromFirstCall: false })
  })

  it('judges what is seldom called over longer steps', () => {
    // A call a minute, every third one fails: no minute alone tells that.
    const seldom = service('a', each(() => 1), each((minute) => (minute >= 20 && minute % 3 === 0 ? 1 : 0)), 20e6)
    const [state] = serviceStates(list(seldom), list(service('a', each(() => 1), each(() => 0), 20e6)))
    expect(state).toMatchObject({ trouble: 'errors', ongoing: true, sinceMs: FROM + 20 * 60_000 })
    expect(state?.episodeShare).toBeCloseTo(13 / 40)
    expect(state?.bad).toHaveLength(6)
  })

  it('judges errors alone while the time before is not known', () => {
    const slow = service('slow', each(() => 100), each(() => 0), 90e6)
    const failing = service('fails', each(() => 100), each(() => 10), 20e6)
    expect(serviceStates(list(slow, failing), undefined).map((state) => state.trouble)).toEqual(['errors', null])
  })
})
