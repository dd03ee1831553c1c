// What the views of a query give as files.
import { api } from '../../api/client'
import type { SpanGroup, SpanRow, TraceSummary } from '../../api/types'
import { toCsv } from '../../base/csv'
import { unquoted } from '../../base/traceql'
import { download, fileName } from '../../widgets/download'

const PAGE = 1000
export type Format = 'csv' | 'json'
type Time = { last?: string; from?: string; to?: string }

const typeOf = (format: Format) => (format === 'csv' ? 'text/csv;charset=utf-8' : 'application/json')
// As text: what a spreadsheet shows.
const bare = (literal: string) => (literal === 'nil' ? null : (unquoted(literal) ?? literal))

export async function exportSpans(question: Time & { q?: string; select?: string; sort: 'newest' | 'slowest' }, format: Format): Promise<void> {
  let fields: string[] = []
  await download<SpanRow>(
    async (cursor) => {
      const answer = await api.querySpans({ ...question, limit: PAGE, ...(cursor !== undefined && { cursor }) })
      fields = answer.fields
      return { rows: answer.spans, next: answer.next_cursor }
    },
    {
      name: fileName('spans', format),
      type: typeOf(format),
      text: (rows) =>
        format === 'csv'
          ? toCsv(
              ['start_unix_nano', 'service', 'name', 'status', 'duration_nano', 'trace_id', 'span_id', ...fields],
              rows.map((span) => [span.start_unix_nano, span.service, span.name, span.status, span.duration_nano, span.trace_id, span.span_id, ...span.literals.map(bare)]),
            )
          : JSON.stringify(rows.map(({ literals, ...span }) => ({ ...span, fields: Object.fromEntries(fields.map((field, i) => [field, bare(literals[i] ?? 'nil')])) })), null, 1),
    },
  )
}

export async function exportGroups(question: Time & { q?: string; by: string; sort: 'count' | 'errors' | 'p99' }, format: Format): Promise<void> {
  let fields: string[] = []
  await download<SpanGroup>(
    async (cursor) => {
      const answer = await api.queryGroups({ ...question, limit: PAGE, ...(cursor !== undefined && { cursor }) })
      fields = answer.fields
      return { rows: answer.groups, next: answer.next_cursor }
    },
    {
      name: fileName('groups', format),
      type: typeOf(format),
      text: (rows) =>
        format === 'csv'
          ? toCsv(
              [...fields, 'spans', 'errors', 'p50_nano', 'p95_nano', 'p99_nano', 'max_nano'],
              rows.map((group) => [...group.literals.map(bare), group.spans, group.errors, group.p50_nano, group.p95_nano, group.p99_nano, group.max_nano]),
            )
          : JSON.stringify(rows.map(({ literals, ...group }) => ({ fields: Object.fromEntries(fields.map((field, i) => [field, bare(literals[i] ?? 'nil')])), ...group })), null, 1),
    },
  )
}

export async function exportTraces(question: Parameters<typeof api.searchTraces>[0], format: Format): Promise<void> {
  await download<TraceSummary>(
    async (cursor) => {
      const answer = await api.searchTraces({ ...question, limit: PAGE, ...(cursor !== undefined && { cursor }) })
      return { rows: answer.traces, next: answer.next_cursor }
    },
    {
      name: fileName('traces', format),
      type: typeOf(format),
      text: (rows) =>
        format === 'csv'
          ? toCsv(
              ['start_unix_nano', 'trace_id', 'root_service', 'root_name', 'root_status', 'duration_nano', 'span_count', 'error_count', 'services'],
              rows.map((trace) => [trace.start_unix_nano, trace.trace_id, trace.root_service, trace.root_name, trace.root_status, trace.duration_nano, trace.span_count, trace.error_count, trace.services.join(' ')]),
            )
          : JSON.stringify(rows, null, 1),
    },
  )
}
