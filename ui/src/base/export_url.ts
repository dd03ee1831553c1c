// Where the server gives what a query finds as a file. Knows no DOM.
import type { Params } from './shell'

export type ExportKind = 'spans' | 'traces' | 'logs'
export const EXPORT_FORMATS = [
  { format: 'csv', label: 'CSV' },
  { format: 'jsonl', label: 'JSON lines' },
  { format: 'otlp-json', label: 'OTLP, JSON' },
  { format: 'otlp-proto', label: 'OTLP, protobuf' },
] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]['format']

// Of the server, for one file.
export const EXPORT_ITEMS_MAX: Record<ExportKind, number> = { spans: 100_000, traces: 10_000, logs: 100_000 }

export function exportUrl(kind: ExportKind, format: ExportFormat, params: Params): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(params)) {
    if (value !== undefined) for (const one of [value].flat()) search.append(key, String(one))
  }
  search.append('format', format)
  return `/api/v1/export/${kind}?${search.toString()}`
}
