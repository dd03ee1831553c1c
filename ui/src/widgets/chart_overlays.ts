// What is drawn behind and over the series of a chart: intervals as shades, the band of what is expected, and levels that are
// watched. Plain TypeScript; chart.ts says when.
import type uPlot from 'uplot'

import type { Value } from '../base/series'

// Something that lasted: firing is filled, pending is hatched, so that neither is told by its colour alone.
export interface ChartShade {
  fromMs: number
  toMs: number
  color: string // a custom property
  label: string // in the tooltip
  hatched?: boolean
}

// Between two values at each step.
export interface ChartBand {
  lower: readonly Value[]
  upper: readonly Value[]
  color: string
}

// A value that means something: a threshold.
export interface ChartLevel {
  value: number
  color: string
  label: string
}

export interface OverlaySpec {
  fromMs: number
  toMs: number
  stepSeconds: number
  shades?: readonly ChartShade[]
  band?: ChartBand | null
  levels?: readonly ChartLevel[]
}

const SHADE_ALPHA = 0.13
const BAND_ALPHA = 0.14
const EDGE_PX = 3
const HATCH_PX = 7
const LABEL_PX = 10
const DASH = [5, 4]

// All values that the axis should cover beside the series'.
export function overlayValues({ band, levels = [] }: OverlaySpec): Value[][] {
  return [...(band ? [[...band.lower], [...band.upper]] : []), levels.map((one) => one.value)]
}

// Those that last at a moment.
export function shadesAt(shades: readonly ChartShade[], ms: number): ChartShade[] {
  return shades.filter((shade) => shade.fromMs <= ms && ms < shade.toMs)
}

function clipped(plot: uPlot, draw: (ctx: CanvasRenderingContext2D) => void): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  draw(ctx)
  ctx.restore()
}

export function drawBehind(plot: uPlot, spec: OverlaySpec, color: (name: string) => string): void {
  if (!spec.shades?.length && !spec.band) return
  clipped(plot, (ctx) => {
    for (const shade of spec.shades ?? []) drawShade(plot, ctx, spec, shade, color(shade.color))
    if (spec.band) drawBand(plot, ctx, spec, spec.band, color(spec.band.color))
  })
}

function drawShade(plot: uPlot, ctx: CanvasRenderingContext2D, { fromMs, toMs }: OverlaySpec, shade: ChartShade, color: string): void {
  const { top, height } = plot.bbox
  const px = devicePixelRatio
  const left = plot.valToPos(Math.max(fromMs, shade.fromMs) / 1000, 'x', true)
  const right = plot.valToPos(Math.min(toMs, shade.toMs) / 1000, 'x', true)
  const width = Math.max(px, right - left)
  if (right < left) return
  ctx.fillStyle = ctx.strokeStyle = color
  if (shade.hatched) {
    ctx.save()
    ctx.beginPath()
    ctx.rect(left, top, width, height)
    ctx.clip()
    ctx.globalAlpha = SHADE_ALPHA * 2
    ctx.lineWidth = px
    ctx.beginPath()
    for (let x = left - height; x < right; x += HATCH_PX * px) {
      ctx.moveTo(x, top + height)
      ctx.lineTo(x + height, top)
    }
    ctx.stroke()
    ctx.restore()
  } else {
    ctx.globalAlpha = SHADE_ALPHA
    ctx.fillRect(left, top, width, height)
  }
  ctx.globalAlpha = 1
  ctx.fillRect(left, top + height - EDGE_PX * px, width, (shade.hatched ? 1 : EDGE_PX) * px)
}

function drawBand(plot: uPlot, ctx: CanvasRenderingContext2D, { fromMs, stepSeconds }: OverlaySpec, { lower, upper }: ChartBand, color: string): void {
  ctx.fillStyle = color
  ctx.globalAlpha = BAND_ALPHA
  const x = (step: number) => plot.valToPos(fromMs / 1000 + step * stepSeconds, 'x', true)
  const y = (value: number) => plot.valToPos(value, 'y', true)
  const known = (step: number) => typeof lower[step] === 'number' && typeof upper[step] === 'number'
  for (let begin = 0; begin < lower.length; ) {
    if (!known(begin)) {
      begin++
      continue
    }
    let end = begin
    while (known(end + 1)) end++
    ctx.beginPath()
    for (let step = begin; step <= end; step++) ctx.lineTo(x(step), y(upper[step]!))
    for (let step = end; step >= begin; step--) ctx.lineTo(x(step), y(lower[step]!))
    ctx.closePath()
    ctx.fill()
    begin = end + 1
  }
}

// Dashed lines with their names at the right.
export function drawLevels(plot: uPlot, { levels = [] }: OverlaySpec, color: (name: string) => string, family: string): void {
  if (levels.length === 0) return
  clipped(plot, (ctx) => {
    const { left, top, width } = plot.bbox
    const px = devicePixelRatio
    ctx.font = `500 ${LABEL_PX * px}px ${family}`
    ctx.textAlign = 'right'
    ctx.textBaseline = 'bottom'
    ctx.lineWidth = px
    ctx.setLineDash(DASH.map((part) => part * px))
    for (const level of levels) {
      const y = Math.round(plot.valToPos(level.value, 'y', true)) + px / 2
      ctx.strokeStyle = ctx.fillStyle = color(level.color)
      ctx.beginPath()
      ctx.moveTo(left, y)
      ctx.lineTo(left + width, y)
      ctx.stroke()
      // Below its line where there is no room above.
      const above = y - (LABEL_PX + 3) * px > top
      ctx.textBaseline = above ? 'bottom' : 'top'
      ctx.fillText(level.label, left + width - 4 * px, above ? y - 2 * px : y + 2 * px)
    }
  })
}
