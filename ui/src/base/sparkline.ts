// The path of a sparkline. Missing values are gaps; the last, unfinished step is a path of its own, to be drawn otherwise.

export interface Sparkline {
  line: string
  unfinished: string
  area: string
  points: string // values with a gap on both sides: a line does not show them, a dot does
}

// `max` 0 or less: the largest value. y is 0 at the bottom.
export function sparkline(values: readonly (number | null)[], width: number, height: number, max = 0, unfinishedLast = true): Sparkline {
  const top = max > 0 ? max : Math.max(0, ...values.map((value) => value ?? 0))
  const last = values.length - 1
  const x = (i: number) => round(last <= 0 ? width / 2 : (i / last) * width)
  const y = (value: number) => round(height - 1 - (top > 0 ? Math.min(1, value / top) : 0) * (height - 2))
  let [line, area, unfinished, points] = ['', '', '', '']
  let runStart = -1
  const endRun = (end: number) => {
    if (runStart < 0) return
    area += `L${x(end)} ${height}L${x(runStart)} ${height}Z`
    if (runStart === end) points += `M${x(end)} ${y(values[end] ?? 0)}h0.01`
    runStart = -1
  }
  const solid = unfinishedLast ? last - 1 : last
  for (let i = 0; i <= solid; i++) {
    const value = values[i]
    if (value === null || value === undefined) {
      endRun(i - 1)
      continue
    }
    const point = `${x(i)} ${y(value)}`
    line += (runStart < 0 ? 'M' : 'L') + point
    area += (runStart < 0 ? `M${x(i)} ${height}L` : 'L') + point
    if (runStart < 0) runStart = i
  }
  endRun(solid)
  const [before, end] = [values[last - 1], values[last]]
  if (unfinishedLast && last > 0 && typeof before === 'number' && typeof end === 'number') {
    unfinished = `M${x(last - 1)} ${y(before)}L${x(last)} ${y(end)}`
  }
  return { line, unfinished, area, points }
}

const round = (value: number) => Math.round(value * 10) / 10
