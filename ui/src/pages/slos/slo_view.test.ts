import { describe, expect, it } from 'vitest'
import type { SloDocument, SloStatus } from '../../api/slo_types'
import { burnRule, forecastText, remainingText, roundAbove, shareText, sloProblems, sloSentence, stateOf, suggestionsFor } from './slo_view'

const status = (remaining: number | null, changes: { exhausted?: number; burn?: number; measured?: boolean } = {}): SloStatus => ({
  measured: changes.measured ?? remaining !== null, not_measured_because: '', window: { from_unix_nano: '0', to_unix_nano: '1', ends_unix_nano: '1' },
  valid_from_unix_nano: null, computed_to_unix_nano: null, objective: 0.995, minimum_events: 1, good: 1, total: 1, sli: 1,
  budget: { allowed: 5, spent: 1, remaining, exhausted_in_seconds: changes.exhausted ?? null },
  burn_rates: [{ window: '1h', window_seconds: 3600, rate: changes.burn ?? 0, events: 100, measured: true, reason: '', exhausted_in_seconds: null }],
}) // prettier-ignore
const document = (changes: Partial<SloDocument> = {}): SloDocument => ({ schema: 1, name: 'Shop answers', objective: 0.995, window: { kind: 'rolling', length: '30d' }, sli: { kind: 'requests', service: 'shop', good: 'no_error' }, ...changes })

describe('stateOf', () => {
  it('is at risk where little is left, or where it goes fast', () => {
    expect(stateOf(status(0.9))).toBe('healthy')
    expect(stateOf(status(0.1))).toBe('at_risk')
    expect(stateOf(status(0.9, { exhausted: 3600 }))).toBe('at_risk')
    expect(stateOf(status(0.9, { burn: 14 }))).toBe('at_risk')
    expect(stateOf(status(-0.2))).toBe('exhausted')
    expect(stateOf(status(null))).toBe('unmeasured')
    expect(stateOf(status(0.9, { measured: false }))).toBe('unmeasured')
  })
})

describe('texts', () => {
  it('never call all what is not all', () => {
    expect([0.9995312, 0.99, 0.5, 1, 0.99999999, null].map(shareText)).toEqual(['99.953 %', '99 %', '50 %', '100 %', '99.99999 %', '–'])
  })
  it('say what is promised, left, and to come', () => {
    expect(sloSentence(document())).toBe('99.5 % of requests to shop without an error over 30 d')
    expect(sloSentence(document({ window: { kind: 'calendar', unit: 'month' }, sli: { kind: 'requests', service: 'shop', operations: ['GET /'], good: { latency_under: '300ms' } } }))).toBe('99.5 % of GET / of shop under 300 ms over this month')
    expect(remainingText(0.1234)).toBe('12.3 %')
    expect([forecastText(null, 0.5), forecastText(7200, 0.5), forecastText(7200, -1)]).toEqual(['lasts', 'used up in 2 h', 'used up'])
  })
})

describe('suggestionsFor', () => {
  it('are near what the service does now', () => {
    const found = suggestionsFor('shop', { calls: 10_000, errors: 20, p95_nano: 120e6, p99_nano: 250e6 })
    expect(found.map((one) => one.title)).toEqual(['Less than 0.5 % of requests fail', 'Less than 0.1 % of requests fail', '99 % of requests take less than 300 ms', '95 % of requests take less than 150 ms'])
    expect(found.map((one) => one.document.objective)).toEqual([0.995, 0.999, 0.99, 0.95])
    for (const { document } of found) expect(sloProblems(document)).toEqual({})
  })
  it('are usual ones of a service that nothing is known of', () => {
    expect(suggestionsFor('shop', undefined).map((one) => one.document.objective)).toEqual([0.995, 0.999, 0.99, 0.95])
  })
  it('have round durations', () => {
    expect([0.3, 101, 20_000, 70_000].map(roundAbove)).toEqual([1, 150, 30_000, 120_000])
  })
})

describe('sloProblems', () => {
  it('name the member that is wrong', () => {
    expect(Object.keys(sloProblems(document({ name: '', objective: 1 })))).toEqual(['name', 'objective'])
    expect(Object.keys(sloProblems(document({ window: { kind: 'rolling', length: '5s' } })))).toEqual(['window.length'])
    expect(Object.keys(sloProblems(document({ sli: { kind: 'requests', service: '', good: { latency_under: 'fast' } } })))).toEqual(['sli.service', 'sli.good'])
    expect(Object.keys(sloProblems(document({ sli: { kind: 'composite', of: [] } })))).toEqual(['sli.of'])
    expect(Object.keys(sloProblems(document({ sli: { kind: 'events', source: 'metrics', good: { metric: 'a' }, total: {} } })))).toEqual(['sli.total'])
  })
})

describe('burnRule', () => {
  it('watches the objective with the usual tiers', () => {
    const rule = burnRule('7', document({ labels: { team: 'shop' } }))
    expect(rule.queries).toEqual([{ name: 'A', source: 'slo', slo: '7' }])
    expect(rule.condition).toMatchObject({ kind: 'burn_rate' })
    expect(rule.labels).toEqual({ team: 'shop' })
  })
})
