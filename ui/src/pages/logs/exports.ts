// The records of a search as a file.
import { api } from '../../api/client'
import { valueLine } from '../../base/attribute_value'
import { toCsv } from '../../base/csv'
import { download, fileName } from '../../widgets/download'
import { columnText, itemsOf, recordJson, type LogItem } from './log_view'
import { bodyText } from './logs_query'

const PAGE = 1000

export function logsCsv(items: readonly LogItem[], columns: readonly string[]): string {
  return toCsv(
    ['time_unix_nano', 'severity_number', 'severity_text', 'service', 'body', 'trace_id', 'span_id', ...columns, 'attributes'],
    items.map((item) => [
      item.time_unix_nano, item.severity_number, item.severity_text, item.service, bodyText(item.body), item.trace_id, item.span_id,
      ...columns.map((field) => columnText(item, field)), valueLine(item.attributes),
    ]),
  ) // prettier-ignore
}

export async function exportLogs(question: Parameters<typeof api.searchLogs>[0], columns: readonly string[], format: 'csv' | 'json'): Promise<void> {
  await download<LogItem>(
    async (cursor) => {
      const answer = await api.searchLogs({ ...question, limit: PAGE, ...(cursor !== undefined && { cursor }) })
      return { rows: itemsOf(answer), next: answer.next_cursor }
    },
    {
      name: fileName('logs', format),
      type: format === 'csv' ? 'text/csv;charset=utf-8' : 'application/json',
      text: (items) => (format === 'csv' ? logsCsv(items, columns) : `[\n${items.map((item) => recordJson(item)).join(',\n')}\n]\n`),
    },
  )
}
