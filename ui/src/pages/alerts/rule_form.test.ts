import { describe, expect, it } from 'vitest'
import type { RuleCondition, RuleDocument } from '../../api/alert_types'
import { backtestSentence, conditionWords, emptyRule, expandTemplate, memberOf, newRuleQuery, problemAt, ruleProblems, spanWords, tidy, withKind, withOp, withSource } from './rule_form'

const rule = (condition: RuleCondition, changes: Partial<RuleDocument> = {}): RuleDocument => ({ ...emptyRule(), name: 'A', condition, ...changes })
const threshold = (changes: object) => rule({ kind: 'threshold', op: 'above', ...changes } as RuleCondition)

describe('ruleProblems', () => {
  it('finds nothing in what is whole', () => {
    for (const whole of [
      threshold({ critical: 5 }),
      threshold({ warning: 1, critical: 5, recovery: 0.8 }),
      threshold({ op: 'below', warning: 5, critical: 1, recovery: 6 }),
      threshold({ op: 'outside', warning: [1, 5], critical: [0, 9], recovery: [2, 4] }),
      threshold({ op: 'inside', warning: [0, 9], critical: [1, 5] }),
      rule({ kind: 'absent' }),
      rule({ kind: 'anomaly' }),
      rule({ kind: 'change', against: '1d', op: 'above', critical: 50 }),
      rule({ kind: 'burn_rate' }, { queries: [{ name: 'A', source: 'slo', slo: '1' }] }),
    ]) expect(ruleProblems(whole), JSON.stringify(whole.condition)).toEqual({})
  }) // prettier-ignore
  it.each([
    [threshold({}), 'condition.critical'],
    [threshold({ warning: 5, critical: 1 }), 'condition.critical'],
    [threshold({ op: 'below', warning: 1, critical: 5 }), 'condition.critical'],
    [threshold({ critical: 5, recovery: 6 }), 'condition.recovery'],
    [threshold({ op: 'outside', critical: [5, 1] }), 'condition.critical'],
    [rule({ kind: 'anomaly', sensitivity: 0.1 }), 'condition.sensitivity'],
    [rule({ kind: 'change', against: '', op: 'above', critical: 1 }), 'condition.against'],
    [rule({ kind: 'absent' }, { name: ' ' }), 'name'],
    [rule({ kind: 'absent' }, { for: 'soon' }), 'for'],
    [rule({ kind: 'absent' }, { window: '100ms' }), 'window'],
    [rule({ kind: 'absent' }, { queries: [{ name: 'A', source: 'metrics' }] }), 'queries[0].metric'],
    [rule({ kind: 'absent' }, { queries: [{ name: 'A', source: 'sql', query: ' ' }] }), 'queries[0].query'],
    [rule({ kind: 'burn_rate' }, { queries: [{ name: 'A', source: 'slo' }] }), 'queries[0].slo'],
  ])('names the member that is wrong: %#', (document, member) => {
    expect(Object.keys(ruleProblems(document))).toEqual([member])
  }) // prettier-ignore
})

describe('memberOf', () => {
  it('finds the member of the form, however the server names it', () => {
    expect(memberOf('condition.critical', 'x')).toBe('condition.critical')
    expect(memberOf('document.condition.critical', 'x')).toBe('condition.critical')
    expect(memberOf(null, 'queries[0].query: column 3: a brace is missing')).toBe('queries[0].query')
    expect(memberOf(null, 'The store does not answer')).toBe('')
    expect(memberOf(null, 'column 3: a brace is missing')).toBe('')
  })
  it('shows what is within a member at the member', () => {
    expect(problemAt({ 'formulas[0].expression': 'x' }, 'formulas[0]')).toBe('x')
    expect(problemAt({ 'labels.team': 'x' }, 'labels')).toBe('x')
    expect(problemAt({ labels_of: 'x' }, 'labels')).toBeUndefined()
  })
})

describe('changes of a form', () => {
  it('keep the side of a limit that another comparison can use', () => {
    const outside: Extract<RuleCondition, { kind: 'threshold' }> = { kind: 'threshold', op: 'outside', critical: [1, 9] }
    expect(withOp(outside, 'above').critical).toBe(9)
    expect(withOp(outside, 'below').critical).toBe(1)
    expect(withOp(outside, 'inside').critical).toEqual([1, 9])
    const above: typeof outside = { kind: 'threshold', op: 'above', critical: 5 }
    expect(withOp(above, 'below').critical).toBe(5)
    expect(withOp(above, 'outside').critical).toBeUndefined()
  })
  it('judge an SLO by its burn rate, and nothing else so', () => {
    const of = withSource(threshold({ critical: 5 }), 0, 'slo')
    expect([of.queries, of.condition.kind]).toEqual([[{ name: 'A', source: 'slo', slo: '' }], 'burn_rate'])
    expect(withSource(of, 0, 'logs').condition.kind).toBe('threshold')
  })
  it('make a condition of each kind from any other', () => {
    const all = ['threshold', 'absent', 'change', 'anomaly'] as const
    for (const from of all) for (const to of all) expect(withKind(withKind(emptyRule(), from), to).condition.kind).toBe(to)
  })
  it('leave out what says nothing', () => {
    const untidy = { ...threshold({ critical: 5, warning: undefined }), description: '', labels: {}, formulas: [], queries: [{ ...newRuleQuery('logs', 'A'), query: '' }] }
    expect(tidy(untidy)).toEqual({ schema: 1, name: 'A', queries: [{ name: 'A', source: 'logs', group_by: ['resource.service.name'] }], condition: { kind: 'threshold', op: 'above', critical: 5 }, for: '2m' })
  })
})

describe('words', () => {
  it('say what a backtest found', () => {
    const summary = { times_fired: 3, seconds_firing: 1440, flaps: 1, notifications: 4 }
    expect(backtestSentence(summary, '1 d')).toBe('Would have fired 3 times over 1 d, 24 min in all, flapped once, 4 notifications')
    expect(backtestSentence({ times_fired: 1, seconds_firing: 30, flaps: 0, notifications: 1 }, '1 h')).toBe('Would have fired once over 1 h, 30 s in all, 1 notification')
    expect(backtestSentence({ times_fired: 0, seconds_firing: 0, flaps: 0, notifications: 0 }, '1 h')).toBe('Would not have fired over 1 h')
  })
  it('say what a condition is', () => {
    expect(conditionWords(threshold({ warning: 1, critical: 5 }))).toBe('above 5 for 2 min')
    expect(conditionWords(threshold({ op: 'inside', critical: [1, 5] }))).toBe('within 1 to 5 for 2 min')
    expect(conditionWords(rule({ kind: 'change', against: '1d', op: 'above', critical: 50 }, { for: '0s' }))).toBe('change against 1 d ago above 50 %')
    expect(conditionWords(rule({ kind: 'absent' }))).toBe('no data for 2 min')
  })
  it('say how long in two units', () => {
    expect([0, 59, 60, 3900, 86_400 * 2 + 3 * 3600 + 60].map(spanWords)).toEqual(['0 s', '59 s', '1 min', '1 h 5 min', '2 d 3 h'])
  })
  it('fill templates as the server does', () => {
    expect(expandTemplate('{{service.name}} fails: {{ value }}{{gone}}', { 'service.name': 'cart' }, '5 %')).toBe('cart fails: 5 %')
  })
})
