// Bars for uPlot: each step a bar as wide as the step, in a stack (from a base) or beside those of the other series.
import type uPlot from 'uplot'

export interface BarLayout {
  stepSeconds: () => number
  base: (step: number) => number // where the bar begins
  slot: number // its place among the bars of a step
  slots: number
}

const GAP_PX = 1

export function barPaths(layout: BarLayout): uPlot.Series.PathBuilder {
  return (plot, series, from, to) => {
    const times = plot.data[0]
    const values = plot.data[series] ?? []
    const fill = new Path2D()
    const ratio = devicePixelRatio
    const step = layout.stepSeconds()
    const scale = plot.scales.y
    const least = scale?.distr === 3 ? (scale.min ?? 1) : -Infinity // logarithms have no 0
    for (let i = from; i <= to; i++) {
      const value = values[i]
      const time = times[i]
      if (value === null || value === undefined || time === undefined || (least > 0 && value <= 0)) continue
      const start = plot.valToPos(time, 'x', true)
      const end = plot.valToPos(time + step, 'x', true)
      const gap = end - start > 4 * ratio ? GAP_PX * ratio : 0
      const width = (end - start - gap) / layout.slots
      const x = Math.round(start + layout.slot * width)
      const right = Math.round(start + (layout.slot + 1) * width)
      const top = plot.valToPos(value, 'y', true)
      const bottom = plot.valToPos(Math.max(layout.base(i), least), 'y', true)
      if (top === bottom) continue
      // What is not nothing is at least a pixel high.
      const height = Math.max(ratio, Math.abs(bottom - top))
      fill.rect(x, bottom >= top ? bottom - height : bottom, Math.max(ratio, right - x), height)
    }
    return { stroke: new Path2D(), fill, flags: 0 } as uPlot.Series.Paths
  }
}
