import { describe, expect, it } from 'vitest'
import type { Alert, Backtest } from '../../api/alert_types'
import { byUrgency, documentOfParam, matchersOf, ruleCounts } from './alert_view'
import { levelsOf, shadesOf, testedSeries } from './backtest_view'
import { channelProblems, emptyChannel, tidyChannel } from './channel_form'
import { channelsFor, matchersText, parseMatchers } from './routing'
import { documentOf, emptySilence, formOf, phaseOf, readTime, recurrenceWords, silenceProblems } from './silence_form'
import { valuesFor } from './trends'

const alert = (name: string, changes: Partial<Alert> = {}): Alert => ({ fingerprint: name, rule_id: '1', rule_name: name, state: 'firing', severity: 'critical', value: 1, since_unix_nano: '1000', labels: {}, annotations: {}, flaps: 0, message: '', acknowledged: false, silenced_by: [], ...changes })

describe('byUrgency', () => {
  it('puts first what nobody has taken, then by severity, then the newest', () => {
    const list = [
      alert('pending', { state: 'pending' }),
      alert('taken', { acknowledged: true }),
      alert('warning', { severity: 'warning', since_unix_nano: '3000' }),
      alert('old'),
      alert('new', { since_unix_nano: '2000' }),
      alert('broken', { state: 'error' }),
      alert('silent', { silenced_by: ['1'] }),
    ]
    expect(byUrgency(list).map((one) => one.fingerprint)).toEqual(['new', 'old', 'warning', 'silent', 'taken', 'broken', 'pending'])
  })
})

describe('a new rule in the URL', () => {
  it('is taken only where it is one', () => {
    const text = JSON.stringify({ queries: [{ name: 'A', source: 'sql', query: 'SELECT 1' }], condition: { kind: 'absent' } })
    expect(documentOfParam(text)).toMatchObject({ schema: 1, name: '' })
    for (const wrong of ['', '{', 'null', '[]', '{"queries":[]}', '{"queries":[{}]}']) expect(documentOfParam(wrong)).toBeNull()
  })
})

describe('ruleCounts', () => {
  it('says what needs somebody', () => {
    expect(ruleCounts(['firing', 'inactive', 'error', 'firing'])).toBe('4 rules, 2 firing, 1 with an error')
    expect(ruleCounts(['inactive'])).toBe('1 rule')
  })
})

describe('routing', () => {
  const routing = {
    schema: 1 as const,
    routes: [
      { matchers: [{ label: 'team', op: '=' as const, value: 'search' }], channels: ['1'], continue: true },
      { matchers: [{ label: 'severity', op: '=~' as const, value: 'crit.*' }], channels: ['2', '1'] },
      { matchers: [], channels: ['3'] },
    ],
    default_channels: ['9'],
  }
  it('goes on only where a route says so, and tells nobody twice', () => {
    expect(channelsFor(routing, { team: 'search', severity: 'critical' })).toEqual(['1', '2'])
    expect(channelsFor(routing, { team: 'shop', severity: 'warning' })).toEqual(['3'])
    expect(channelsFor({ ...routing, routes: routing.routes.slice(0, 2) }, { team: 'shop' })).toEqual(['9'])
  })
  it('matches whole values, and what is not there as empty', () => {
    const of = (text: string, labels: Record<string, string>) => channelsFor({ schema: 1, routes: [{ matchers: parseMatchers(text)!, channels: ['1'] }], default_channels: [] }, labels).length === 1
    expect(of('a=~x', { a: 'xx' })).toBe(false)
    expect(of('a!=x', {})).toBe(true)
    expect(of('a=', {})).toBe(true)
    expect(of('a!~x|y', { a: 'y' })).toBe(false)
    expect(of('a=~(', { a: '(' })).toBe(false)
  })
  it('reads matchers as people write them, and writes them so', () => {
    const text = 'team=search, service.name=~cart.*, severity!="warning"'
    expect(matchersText(parseMatchers(text)!)).toBe('team=search, service.name=~cart.*, severity!=warning')
    expect(parseMatchers('team')).toBeNull()
    expect(matchersOf(alert('Fails', { labels: { team: 'x' } })).map((one) => one.label)).toEqual(['alertname', 'team'])
  })
})

describe('silences', () => {
  it('come back from the form as they were', () => {
    const document = { ...documentOf({ ...emptySilence(1000, 'team=search'), comment: 'moves' }), recurrence: { every: 'week' as const, days: ['mon' as const], from: '22:00', to: '23:00', timezone: 'Europe/Berlin' } }
    expect(documentOf(formOf(document))).toEqual(document)
    expect(silenceProblems(formOf(document))).toEqual({})
    expect(recurrenceWords(document.recurrence)).toBe('Mondays 22:00 to 23:00, Europe/Berlin')
  })
  it('say what is wrong', () => {
    const form = emptySilence(1000)
    expect(silenceProblems(form)).toHaveProperty('matchers')
    expect(silenceProblems({ ...form, matchers: 'a=b', endsMs: 1000 })).toHaveProperty('ends')
    expect(silenceProblems({ ...form, matchers: 'a=b', recurrence: { every: 'day', from: '25:00', to: '1:00', timezone: 'UTC' } })).toHaveProperty('recurrence')
  })
  it('read times, and lengths from their begin', () => {
    expect(readTime('2026-11-27 22:05', 0, 'utc')).toBe(Date.UTC(2026, 10, 27, 22, 5))
    expect(readTime('2h', 1000, 'utc')).toBe(7_201_000)
    expect(readTime('tomorrow', 0, 'utc')).toBeNull()
  })
  it('are coming, active or over', () => {
    const silence = { starts_unix_nano: '2000000000', ends_unix_nano: '3000000000' }
    expect([1000, 2000, 3000].map((ms) => phaseOf(silence, ms))).toEqual(['coming', 'active', 'over'])
  })
})

describe('channels', () => {
  it('keep a secret that is there unless another one is given', () => {
    const kept = { ...emptyChannel('webhook', 'On call'), url: 'https://x.example', secret: '', secret_set: true }
    expect(tidyChannel(kept)).toEqual({ schema: 1, name: 'On call', kind: 'webhook', url: 'https://x.example', secret_set: true })
    expect(tidyChannel({ ...kept, secret: 'new' })).toEqual({ schema: 1, name: 'On call', kind: 'webhook', url: 'https://x.example', secret: 'new' })
  })
  it('want what their kind needs', () => {
    expect(Object.keys(channelProblems(emptyChannel('webhook', 'a'), true))).toEqual(['url'])
    expect(Object.keys(channelProblems({ ...emptyChannel('slack', 'a'), url_set: true }, false))).toEqual([])
    expect(Object.keys(channelProblems(emptyChannel('pagerduty', 'a'), true))).toEqual(['routing_key'])
    expect(Object.keys(channelProblems(emptyChannel('email', 'a'), true))).toEqual(['smtp.host', 'smtp.from', 'smtp.to'])
  })
})

describe('a backtest', () => {
  const test: Backtest = {
    from_unix_nano: '0', step_seconds: 60, interval_seconds: 60, unit: '', more_groups: false,
    series: [
      { labels: { a: 'quiet' }, values: [1, 2], firing: [], pending: [], no_data: [] },
      { labels: { a: 'loud' }, values: [3, 4], firing: [{ from_unix_nano: '60000000000', to_unix_nano: '120000000000', severity: 'critical' }], pending: [{ from_unix_nano: '0', to_unix_nano: '60000000000', severity: '' }], no_data: [] },
    ],
    summary: { times_fired: 1, seconds_firing: 60, flaps: 0, notifications: 2 },
    scanned: { rows: 0, bytes: 0, elapsed_seconds: 0 },
  } // prettier-ignore
  it('shows what fired longest first, pending hatched and firing filled', () => {
    const series = testedSeries(test)
    expect(series.map((one) => one.name)).toEqual(['loud', 'quiet'])
    expect(shadesOf(series).map(({ fromMs, toMs, color, hatched }) => [fromMs, toMs, color, hatched ?? false])).toEqual([[0, 60_000, '--warn-mark', true], [60_000, 120_000, '--error-mark', false]]) // prettier-ignore
  })
  it('has a line for each limit', () => {
    expect(levelsOf({ kind: 'threshold', op: 'outside', warning: [1, 5], critical: [0, 9] }).map((one) => one.value)).toEqual([1, 5, 0, 9])
    expect(levelsOf({ kind: 'change', against: '1d', op: 'above', critical: 5 })).toEqual([])
  })
  it('finds the series of an alert, whatever labels its rule adds', () => {
    expect(valuesFor(test, { labels: { a: 'loud', team: 'x' } })).toEqual([3, 4])
    expect(valuesFor(test, { labels: { a: 'gone' } })).toBeNull()
  })
})
