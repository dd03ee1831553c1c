// Rules, alerts, notifications and SLOs as the API has them.

export type Severity = 'warning' | 'critical'
export type Labels = Record<string, string>
export type AlertSource = 'traceql' | 'logs' | 'metrics' | 'sql' | 'silent_failures' | 'slo'

export interface RuleQuery {
  name: string
  source: AlertSource
  query?: string
  group_by?: string[]
  metric?: string
  type?: 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary'
  aggregation?: string
  over_time?: string
  over_series?: string
  service?: string
  slo?: string
}
export interface RuleFormula {
  name: string
  expression: string
}
export type LimitOp = 'above' | 'below' | 'outside' | 'inside'
export type Limit = number | [low: number, high: number]
export interface BurnTier {
  long: string
  short: string
  factor: number
  severity: Severity
}
export type RuleCondition =
  | { kind: 'threshold'; op: LimitOp; warning?: Limit; critical?: Limit; recovery?: Limit }
  | { kind: 'absent' }
  | { kind: 'change'; against: string; by?: 'percent' | 'absolute'; op: 'above' | 'below' | 'outside'; warning?: Limit; critical?: Limit; recovery?: Limit }
  | { kind: 'anomaly'; sensitivity?: number; direction?: 'above' | 'below' | 'both'; history?: string }
  | { kind: 'burn_rate'; tiers?: BurnTier[] }
export type ConditionKind = RuleCondition['kind']
export type NoData = 'no_data' | 'ok' | 'keep' | 'firing'

export interface RuleDocument {
  schema: 1
  name: string
  description?: string
  enabled?: boolean
  queries: RuleQuery[]
  formulas?: RuleFormula[]
  watch?: string
  window?: string
  interval?: string
  delay?: string
  condition: RuleCondition
  for?: string
  keep_firing_for?: string
  no_data?: NoData
  groups_max?: number
  labels?: Labels
  annotations?: Labels
}

export type InstanceState = 'inactive' | 'pending' | 'firing' | 'no_data' | 'error'

export interface RuleStatus {
  state: InstanceState | 'disabled' // the worst of its instances
  evaluated_unix_nano: string | null
  next_unix_nano: string | null
  seconds: number
  error: string // of the last evaluation; "": it went well
  instances: number
  firing: number
  pending: number
  more_groups: boolean
}
export interface RuleInfo {
  id: string
  origin: 'own' | 'file'
  version: number
  updated_unix_nano: string
  name: string
  description: string
  enabled: boolean
  condition: ConditionKind
  interval_seconds: number
  labels: Labels
  status: RuleStatus
}
export interface Rule {
  id: string
  origin: 'own' | 'file'
  version: number
  created_unix_nano?: string
  updated_unix_nano: string
  document: RuleDocument
  status: RuleStatus
}
export interface RuleList {
  rules: RuleInfo[]
  broken: { file: string; error: string }[]
}

export interface Alert {
  fingerprint: string
  rule_id: string
  rule_name: string
  state: Exclude<InstanceState, 'inactive'>
  severity: Severity | ''
  value: number | null
  since_unix_nano: string
  labels: Labels
  annotations: Labels
  flaps: number
  message: string
  acknowledged: boolean
  silenced_by: string[]
}

export interface Transition {
  at_unix_nano: string
  rule_id: string
  rule_name: string
  fingerprint: string
  labels: Labels
  from: InstanceState
  to: InstanceState
  severity: Severity | ''
  value: number | null
  message: string
}
export interface TransitionPage {
  transitions: Transition[]
  next_cursor?: string
}

export interface Interval {
  from_unix_nano: string
  to_unix_nano: string
  severity: Severity | ''
}
export interface BacktestSeries {
  labels: Labels
  values: (number | null)[]
  band?: { lower: (number | null)[]; upper: (number | null)[] }
  firing: Interval[]
  pending: Interval[]
  no_data: Interval[]
}
export interface Backtest {
  from_unix_nano: string
  step_seconds: number
  interval_seconds: number // the rule's: less where not each due time was looked at
  unit: string
  series: BacktestSeries[]
  more_groups: boolean
  summary: { times_fired: number; seconds_firing: number; flaps: number; notifications: number }
}

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
  comment: string
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
  kind: string // firing, resolved, test…
  status: 'waiting' | 'failed' | 'sent' | 'given_up' // failed: it is tried again
  attempts: number
  error?: string
  http_status?: number
  alerts: { rule_id: string; rule_name: string; fingerprint: string }[]
  next_attempt_unix_nano?: string | null
}
