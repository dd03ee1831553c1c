// What the trace model reads of GET /api/v1/traces/{id}/outline, said here so that flame/ needs no server to be tested.
// The generated API types are assignable to these.
export type SpanKind = 'Unspecified' | 'Internal' | 'Server' | 'Client' | 'Producer' | 'Consumer'
export type StatusCode = 'Unset' | 'Ok' | 'Error'

export interface OutlineSpan {
  span_id: string
  parent_span_id: string
  name: string
  kind: SpanKind
  service: number
  offset_nano: number
  duration_nano: number
  status: StatusCode
  message?: string
  target?: string // who was asked, of failed spans
  event_count?: number
  link_count?: number
  critical_path_nano?: number // ns of the trace that waited for it; absent: none, or not known
}

export interface TraceOutline {
  trace_id: string
  cut: boolean
  start_unix_nano: string
  duration_nano: number
  services: string[]
  spans: OutlineSpan[]
  has_critical_path: boolean // the spans' times on the critical path are given
}
