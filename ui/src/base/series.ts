// What a chart and its legend compute from series: figures, stacks, order, and which steps are not over yet. Arrays with
// null for "no data" in, the same out.

import { sortRows } from './table_sort'

export type Value = number | null

export interface Series {
  labels: Record<string, string>
  values: Value[]
}

export interface SeriesFigures {
  last: Value
  min: Value
  avg: Value
  max: Value
  points: number
}

// `end`: how many steps count; an unfinished last step would lower "last" and "min".
export function seriesFigures(values: readonly Value[], end: number = values.length): SeriesFigures {
  const figures: SeriesFigures = { last: null, min: null, avg: null, max: null, points: 0 }
  let sum = 0
  for (let index = 0; index < Math.min(end, values.length); index++) {
    const value = values[index]
    if (value === null || value === undefined || !Number.isFinite(value)) continue
    figures.last = value
    figures.min = figures.min === null ? value : Math.min(figures.min, value)
    figures.max = figures.max === null ? value : Math.max(figures.max, value)
    sum += value
    figures.points++
  }
  if (figures.points > 0) figures.avg = sum / figures.points
  // Nothing but what is not over yet is better than nothing.
  return figures.points === 0 && end < values.length ? seriesFigures(values) : figures
}

// The first step that had not ended at `nowMillis`; the number of steps if all had.
export function unfinishedFrom(fromMillis: number, stepSeconds: number, steps: number, nowMillis: number): number {
  const over = Math.floor((nowMillis - fromMillis) / (stepSeconds * 1000))
  return Math.min(Math.max(over, 0), steps)
}

// Unix seconds of the steps, as uPlot wants them.
export function stepTimes(fromMillis: number, stepSeconds: number, steps: number): number[] {
  return Array.from({ length: steps }, (_, index) => fromMillis / 1000 + index * stepSeconds)
}

// Each series on top of those before it. Where a series has no data, it adds nothing; where none has, the stack has a gap.
export function stack(series: readonly (readonly Value[])[]): Value[][] {
  const steps = Math.max(0, ...series.map((values) => values.length))
  const some = Array.from({ length: steps }, (_, step) => series.some((values) => (values[step] ?? null) !== null))
  const sums = new Array<number>(steps).fill(0)
  return series.map((values) =>
    some.map((has, step) => {
      sums[step] = (sums[step] ?? 0) + (values[step] ?? 0)
      return has ? (sums[step] ?? 0) : null
    }),
  )
}

// A solid part (steps that are over) and a dashed one that continues it from the last finished step on.
export function splitUnfinished(values: readonly Value[], unfinished: number): { done: Value[]; open: Value[] } {
  return {
    done: values.map((value, index) => (index < unfinished ? value : null)),
    open: values.map((value, index) => (index >= unfinished - 1 ? value : null)),
  }
}

// "GET /search · 200", from the values of the labels in the order of `keys`; keys alone say nothing where there is one.
export function seriesName(labels: Record<string, string>, keys: readonly string[], fallback: string): string {
  if (keys.length === 0) return fallback
  return keys.map((key) => labels[key] ?? `no ${key}`).join(' · ')
}

export type FigureKey = 'name' | keyof Omit<SeriesFigures, 'points'>

// Order of a legend: by a figure, those without data last whatever the direction; names break ties.
export function legendOrder(
  rows: readonly { name: string; figures: SeriesFigures }[],
  key: FigureKey,
  descending: boolean,
): number[] {
  const value = (index: number) => (key === 'name' ? rows[index]?.name : rows[index]?.figures[key]) ?? null
  return sortRows([...rows.keys()], value, descending, (index) => rows[index]?.name ?? '')
}

// Lowest and highest value; null where there is none.
export function extent(series: Iterable<readonly Value[]>): [number, number] | null {
  let low = Infinity
  let high = -Infinity
  for (const values of series) {
    for (const value of values) {
      if (value === null || !Number.isFinite(value)) continue
      if (value < low) low = value
      if (value > high) high = value
    }
  }
  return low <= high ? [low, high] : null
}
