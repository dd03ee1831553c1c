// The words of the range picker.
import { describeLast, formatRange, parseRange, parseSpan, resolve, spanToText, type Bounds, type TimeRange, type Zone } from '../base/time'
import { formatDuration } from '../base/units'

export function rangeLabel(value: TimeRange, bounds: Bounds, nowMs: number, zone: Zone): string {
  return value.kind === 'last' ? describeLast(value.last) : formatRange(bounds, nowMs, zone)
}

export interface Preview {
  range: TimeRange | null
  text: string
  size: string // how long it is
}

// What was understood of what is typed, before it is applied. Null: nothing typed.
export function previewRange(text: string, nowMs: number, zone: Zone): Preview | null {
  if (text.trim() === '') return null
  const range = parseRange(text, nowMs, zone)
  if (range === null) return { range, text: 'Not understood', size: '' }
  const bounds = resolve(range, nowMs)
  if (bounds.fromMs >= nowMs) return { range: null, text: `${formatRange(bounds, nowMs, zone)} lies ahead of now`, size: '' }
  const size = formatDuration((bounds.toMs - bounds.fromMs) * 1e6)
  const where = formatRange(bounds, nowMs, zone)
  return { range, text: range.kind === 'last' ? `${describeLast(range.last)}: ${where}` : `${where}, ${size}`, size }
}

// A range that moves with now and is as long as this one: what live refresh needs.
export function asLast(value: TimeRange, bounds: Bounds): string {
  if (value.kind === 'last' && parseSpan(value.last) !== null) return value.last
  return spanToText(Math.max(1000, Math.round((bounds.toMs - bounds.fromMs) / 1000) * 1000))
}
