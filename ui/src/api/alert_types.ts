// Rules, alerts, notifications and SLOs as the API has them.

import type { components } from './schema'

type Schemas = components['schemas']

export type Severity = 'warning' | 'critical'
export type Labels = Schemas['AlertLabels']
export type RuleQuery = Schemas['AlertQuery']
export type AlertSource = RuleQuery['source']
export type RuleFormula = NonNullable<Schemas['AlertRuleDocument']['formulas']>[number]
export type LimitOp = 'above' | 'below' | 'outside' | 'inside'
export type Limit = number | [low: number, high: number]
export interface BurnTier {
  long: string
  short: string
  factor: number
  severity: Severity
}
// What the API has in one, by kind: a form has other fields for each.
export type RuleCondition =
  | { kind: 'threshold'; op: LimitOp; warning?: Limit; critical?: Limit; recovery?: Limit }
  | { kind: 'absent' }
  | { kind: 'change'; against: string; by?: 'percent' | 'absolute'; op: 'above' | 'below' | 'outside'; warning?: Limit; critical?: Limit; recovery?: Limit }
  | { kind: 'anomaly'; sensitivity?: number; direction?: 'above' | 'below' | 'both'; history?: string }
  | { kind: 'burn_rate'; tiers?: BurnTier[] }
export type ConditionKind = RuleCondition['kind']
export type NoData = 'no_data' | 'ok' | 'keep' | 'firing'

export type WireRule = Schemas['AlertRuleDocument']
type Needed = 'schema' | 'name' | 'queries'
export type RuleDocument = Pick<WireRule, Needed> & Partial<Omit<WireRule, Needed | 'condition'>> & { condition: RuleCondition }

export type InstanceState = Schemas['AlertTransition']['from']
export type RuleStatus = Schemas['AlertRuleStatus']
export type RuleInfo = Schemas['AlertRuleInfo']
export type Rule = Omit<Schemas['AlertRule'], 'document'> & { document: RuleDocument }
export interface RuleList {
  rules: RuleInfo[]
  broken: { file: string; error: string }[]
}
export type Alert = Schemas['Alert']
export type Transition = Schemas['AlertTransition']
export type Interval = Schemas['AlertSpan']
export type Backtest = Schemas['AlertBacktest']
export type BacktestSeries = Backtest['series'][number]

export type MatchOp = '=' | '!=' | '=~' | '!~'
export interface Matcher {
  label: string
  op: MatchOp
  value: string
}
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]
export interface Recurrence {
  every: 'day' | 'week'
  days?: Weekday[]
  from: string
  to: string
  timezone: string
}
export interface SilenceDocument {
  matchers: Matcher[]
  starts_unix_nano: string
  ends_unix_nano: string
  recurrence?: Recurrence
  comment?: string
}
export interface Silence extends SilenceDocument {
  id: string
  version: number
  active: boolean
}

export type ChannelKind = 'webhook' | 'slack' | 'pagerduty' | 'email' | 'alertmanager'
export interface ChannelDocument {
  schema: 1
  name: string
  kind: ChannelKind
  url?: string
  secret?: string
  template?: string
  routing_key?: string
  smtp?: { host: string; port: number; tls: 'none' | 'starttls' | 'tls'; user?: string; password?: string; from: string; to: string[] }
}
// As it is shown: what is secret is only said to be there.
export type KnownChannel = Omit<ChannelDocument, 'smtp'> & { url_set?: boolean; secret_set?: boolean; routing_key_set?: boolean; smtp?: NonNullable<ChannelDocument['smtp']> & { password_set?: boolean } }
export interface Channel {
  id: string
  origin: 'own' | 'file'
  version: number
  document: KnownChannel
}
export interface Route {
  matchers: Matcher[]
  channels: string[]
  group_by?: string[]
  group_wait?: string
  group_interval?: string
  repeat_interval?: string
  continue?: boolean
}
export interface RoutingDocument {
  schema: 1
  routes: Route[]
  default_channels: string[]
}
export interface Routing {
  version: number
  origin?: 'own' | 'file'
  document: RoutingDocument
}

export interface Delivery {
  id: string
  at_unix_nano: string
  channel_id: string
  channel_name: string
  channel_kind: ChannelKind
  kind: 'firing' | 'resolved' | 'acknowledged' | 'test'
  title: string
  status: 'waiting' | 'failed' | 'sent' | 'given_up' // failed: it is tried again
  attempts: number
  tried_unix_nano?: string
  next_attempt_unix_nano?: string
  http_status?: number
  smtp_status?: number
  error?: string
  request: string
  answer: string
  alerts: { rule_id: string; rule_name: string; fingerprint: string }[]
}
