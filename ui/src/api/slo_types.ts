// SLOs as the API has them.

export type SloWindow = { kind: 'rolling'; length: string } | { kind: 'calendar'; unit: 'week' | 'month' | 'quarter'; timezone?: string }
export type SliSource = 'traceql' | 'logs' | 'metrics' | 'sql'
export interface SliQuery {
  query?: string
  metric?: string
  type?: string
  aggregation?: string
}
export type Sli =
  | { kind: 'requests'; service: string; operations?: string[]; good: 'no_error' | { latency_under: string } }
  | { kind: 'events'; source: SliSource; good: SliQuery; total: SliQuery }
  | { kind: 'time_slices'; source: SliSource; query: SliQuery; slice: string; op: 'above' | 'below'; threshold: number }
  | { kind: 'composite'; of: string[]; weights?: number[] }
export interface SloDocument {
  schema: 1
  name: string
  description?: string
  objective: number
  window: SloWindow
  sli: Sli
  minimum_events?: number
  labels?: Record<string, string>
}
export interface Slo {
  id: string
  origin: 'own' | 'file'
  version: number
  created_unix_nano?: string
  updated_unix_nano?: string
  document: SloDocument
}
export interface BurnOfWindow {
  window: string
  window_seconds: number
  rate: number | null
  events: number
  measured: boolean
  reason: string
  exhausted_in_seconds: number | null
}
export interface SloStatus {
  measured: boolean
  not_measured_because: string
  window: { from_unix_nano: string; to_unix_nano: string; ends_unix_nano: string }
  valid_from_unix_nano: string | null
  computed_to_unix_nano: string | null
  objective: number
  minimum_events: number
  good: number
  total: number
  sli: number | null
  budget: { allowed: number; spent: number; remaining: number | null; exhausted_in_seconds: number | null }
  burn_rates: BurnOfWindow[]
  latency_bucket?: { from_nano: number; to_nano: number }
}
export interface SloWithStatus extends Slo {
  status: SloStatus
}
export interface SloHistory {
  from_unix_nano: string
  to_unix_nano: string
  step_seconds: number
  good: number[]
  total: number[]
  sli: (number | null)[]
  burn_rate: (number | null)[]
  budget_remaining: (number | null)[]
}
export interface SloEvent {
  id: number
  time_unix_nano: string
  kind: 'budget_below' | 'budget_recovered' | 'definition_changed' | 'history_counted' | 'alert_fired' | 'alert_resolved'
  text: string
}
// What a document would have given over the time before now.
export interface SloPreview {
  good: number
  total: number
  sli: number | null
  budget_remaining: number | null
  history: SloHistory
}
export interface SloConsumers {
  not_available_because: string // "": they are
  bad: number
  total: number
  operations: { name: string; bad: number; total: number; share: number }[]
  versions: { version: string; bad: number; total: number; share: number }[]
  differences: { field: string; value: string; selection: number; baseline: number; condition: string }[]
}
