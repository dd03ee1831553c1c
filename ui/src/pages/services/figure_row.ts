// A row of FigureTable.svelte.
import type { Figures } from './services_table'

export interface FigureRow extends Figures {
  key: string
  calls_per_second: number
  quantiles: { p50_nano: number; p90_nano: number; p95_nano: number; p99_nano: number } | null // null: there was no call
  traces?: string // where they are found
  failed?: string // those that failed
}
