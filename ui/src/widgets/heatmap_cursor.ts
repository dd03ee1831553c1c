// A box of a heatmap's cells under the keys: arrows move it, with Shift they stretch it from where it stood. Knows no DOM.
import type { PlaneBox } from './duration_plane'

// From one corner, which stays while the box is stretched, to the other; in cells, both included.
export interface CellBox {
  column: number
  bucket: number
  toColumn: number
  toBucket: number
}

export interface CellRange {
  columns: number // 0 to below this
  low: number // buckets, both included
  high: number
}

export interface BoxKey {
  key: string
  shift: boolean
}

const LEAP = 10 // cells, of PageUp and PageDown

const STEPS: Record<string, readonly [columns: number, buckets: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
  PageUp: [-LEAP, 0],
  PageDown: [LEAP, 0],
  Home: [-Infinity, 0],
  End: [Infinity, 0],
}

const within = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high)

// Null: the key is none of these. The first one only shows the box, where `begin` is.
export function moveBox(box: CellBox | null, { key, shift }: BoxKey, range: CellRange, begin: { column: number; bucket: number }): CellBox | null {
  const step = STEPS[key]
  if (step === undefined) return null
  if (box === null) return { column: begin.column, bucket: begin.bucket, toColumn: begin.column, toBucket: begin.bucket }
  const toColumn = within(box.toColumn + step[0], 0, range.columns - 1)
  const toBucket = within(box.toBucket + step[1], range.low, range.high)
  return shift ? { ...box, toColumn, toBucket } : { column: toColumn, bucket: toBucket, toColumn, toBucket }
}

// Sides at the edge of the plane stay open, as those of a box that is drawn up to there.
export function planeBox(box: CellBox, range: CellRange, fromMs: number, columnMs: number, bounds: (bucket: number) => readonly [number, number]): PlaneBox {
  const [left, right] = [Math.min(box.column, box.toColumn), Math.max(box.column, box.toColumn)]
  const [low, high] = [Math.min(box.bucket, box.toBucket), Math.max(box.bucket, box.toBucket)]
  return {
    fromMillis: left === 0 ? null : fromMs + left * columnMs,
    toMillis: right === range.columns - 1 ? null : fromMs + (right + 1) * columnMs,
    minNanos: low <= range.low ? null : bounds(low)[0],
    maxNanos: high >= range.high ? null : bounds(high)[1],
  }
}
