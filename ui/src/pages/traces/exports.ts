// Groups as a file. There are never very many: the browser puts it together.
import { api } from '../../api/client'
import type { SpanGroup } from '../../api/types'
import { toCsv } from '../../base/csv'
import { unquoted } from '../../base/traceql'
import { download, fileName } from '../../widgets/download'

const PAGE = 1000
export type Format = 'csv' | 'json'
type Time = { last?: string; from?: string; to?: string }

const typeOf = (format: Format) => (format === 'csv' ? 'text/csv;charset=utf-8' : 'application/json')
// As text: what a spreadsheet shows.
const bare = (literal: string) => (literal === 'nil' ? null : (unquoted(literal) ?? literal))

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
