// The waterfall's canvas: indent guides under the names; grid, bars, critical path, marks and durations on the timeline.
// Draws only the rows it is given, so its cost does not depend on the trace.
import { formatDuration } from '../base/units'
import { ENDS_LATE, FAILED, MISSING, STARTS_EARLY } from './model'
import type { PathByRow } from './marks'
import { roundedRect, type Palette, type TextWidths } from './paint'
import { ticks } from './ruler'
import type { Fold } from './folds'
import type { TraceView } from './trace_view'
import { isDim } from './waterfall_row'

export const ROW_HEIGHT = 28
const BAR_HEIGHT = 12
const BAR_TOP = (ROW_HEIGHT - BAR_HEIGHT) / 2 - 1
const EDGE = 12 // pixels free on both sides of the timeline

export interface BarScene {
  view: TraceView
  palette: Palette
  series: number[] // palette place by service
  path: PathByRow
  widths: TextWidths
  names: number // width of the names' column
  width: number
  height: number
  top: number // scrolled pixels
  first: number // places of rows to draw
  last: number
  indentOf: (depth: number) => number
}

/** Nanoseconds to pixels on the timeline. */
export function timeScale(view: TraceView, left: number, width: number) {
  const { from, to } = view.window
  const perNano = Math.max(1, width - 2 * EDGE) / (to - from)
  return {
    x: (nano: number) => left + EDGE + (nano - from) * perNano,
    nano: (x: number) => from + (x - left - EDGE) / perNano,
    perNano,
  }
}

export function drawRuler(
  context: CanvasRenderingContext2D,
  view: TraceView,
  palette: Palette,
  width: number,
  height: number,
): void {
  context.clearRect(0, 0, width, height)
  const scale = timeScale(view, 0, width)
  drawTimeMarks(context, view, palette, scale)
  context.font = `11px ${palette.font}`
  context.textBaseline = 'middle'
  context.fillStyle = palette.text3
  for (const at of ticks(view.window, width).at) {
    const text = at === 0 ? '0' : formatDuration(at)
    const x = scale.x(at)
    const textWidth = context.measureText(text).width
    context.fillText(text, Math.min(x + 4, width - textWidth - 4), height / 2)
    context.fillRect(Math.round(x), height - 6, 1, 6)
  }
  if (view.cursor < 0) return
  const text = formatDuration(view.cursor)
  const textWidth = context.measureText(text).width
  const x = Math.min(Math.max(2, scale.x(view.cursor) - textWidth / 2 - 5), width - textWidth - 12)
  context.fillStyle = palette.text
  roundedRect(context, x, 5, textWidth + 10, height - 10, 4)
  context.fillStyle = palette.surface
  context.fillText(text, x + 5, height / 2)
}

// The trace's log records at their times, severe ones over the others.
function drawTimeMarks(context: CanvasRenderingContext2D, view: TraceView, palette: Palette, scale: ReturnType<typeof timeScale>): void {
  for (const severe of [false, true]) {
    context.fillStyle = severe ? palette.errorMark : palette.text3
    let drawnAt = -Infinity
    for (const mark of view.timeMarks) {
      if (mark.severe !== severe || mark.at < view.window.from) continue
      if (mark.at > view.window.to) break
      const x = Math.round(scale.x(mark.at))
      if (x - drawnAt < 2) continue
      drawnAt = x
      context.fillRect(x - 1, 1, 2, 4)
    }
  }
}

export function drawBars(context: CanvasRenderingContext2D, scene: BarScene): void {
  context.clearRect(0, 0, scene.width, scene.height)
  drawGuides(context, scene)
  context.save()
  context.beginPath()
  context.rect(scene.names, 0, scene.width - scene.names, scene.height)
  context.clip()
  drawGrid(context, scene)
  context.font = `11px ${scene.palette.font}`
  context.textBaseline = 'middle'
  for (let place = scene.first; place < scene.last; place++) {
    drawRow(context, scene, scene.view.rows.rows[place]!, place * ROW_HEIGHT - scene.top)
  }
  context.restore()
}

function drawGuides(context: CanvasRenderingContext2D, scene: BarScene): void {
  const { model, rows, active } = scene.view
  context.save()
  context.beginPath()
  context.rect(0, 0, scene.names - 8, scene.height)
  context.clip()
  const activeParent = active >= 0 ? model.parent[active]! : -1
  for (let place = scene.first; place < scene.last; place++) {
    const row = rows.rows[place]!
    const y = place * ROW_HEIGHT - scene.top
    // The guide below each row above this one; the chosen span's own family is stronger.
    for (let above = model.parent[row]!, drawn = 0; above >= 0 && drawn < 64; above = model.parent[above]!, drawn++) {
      const depth = model.depth[above]!
      const x = Math.round(scene.indentOf(depth) + 9)
      if (x > scene.names) continue
      context.fillStyle = above === activeParent ? scene.palette.lineStrong : scene.palette.line
      context.fillRect(x, y, 1, ROW_HEIGHT)
    }
  }
  context.restore()
}

function drawGrid(context: CanvasRenderingContext2D, scene: BarScene): void {
  const { view, palette, names, width, height } = scene
  const scale = timeScale(view, names, width - names)
  context.fillStyle = palette.line
  for (const at of ticks(view.window, width - names).at) context.fillRect(Math.round(scale.x(at)), 0, 1, height)
}

function drawRow(context: CanvasRenderingContext2D, scene: BarScene, row: number, y: number): void {
  const { view, palette, names, width } = scene
  const { model } = view
  const scale = timeScale(view, names, width - names)
  const fold = view.rows.foldAt(row)
  if (fold) {
    drawFold(context, scene, row, fold, y)
    return
  }
  const [left, right] = [scale.x(model.start[row]!), scale.x(model.end[row]!)]
  if (right < names || left > width) {
    drawOutside(context, scene, y, right < names)
    return
  }
  const flags = model.flags[row]!
  const failed = (flags & FAILED) !== 0
  const dim = isDim(view, row)
  const x = Math.max(left, names - 4)
  const w = Math.max(2, Math.min(right, width + 4) - x)
  const top = y + BAR_TOP
  const color = palette.series[scene.series[model.service[row]!] ?? 0] ?? palette.text3
  context.globalAlpha = dim ? 0.25 : 1
  if (flags & MISSING) {
    context.strokeStyle = palette.text3
    context.setLineDash([3, 3])
    context.strokeRect(x + 0.5, top + 0.5, Math.max(1, w - 1), BAR_HEIGHT - 1)
    context.setLineDash([])
  } else {
    context.fillStyle = failed ? palette.errorMark : color
    if (model.end[row]! > model.start[row]!) roundedRect(context, x, top, w, BAR_HEIGHT, 2)
    else diamond(context, left, top + BAR_HEIGHT / 2)
  }
  if (view.showPath) drawPath(context, scene, row, top + BAR_HEIGHT + 1)
  drawMarks(context, scene, row, top)
  const early = flags & STARTS_EARLY ? '⇤ ' : ''
  const late = flags & ENDS_LATE ? ' ⇥' : ''
  const duration = model.end[row]! - model.start[row]!
  const text = early + (duration === 0 ? '0' : formatDuration(duration)) + late
  drawLabel(context, scene, row, { text, left: x, right: x + w, y: top + BAR_HEIGHT / 2 + 0.5, failed })
  context.globalAlpha = 1
}

// All that a row stands for in its one line: those that share a pixel are drawn as one.
function drawFold(context: CanvasRenderingContext2D, scene: BarScene, row: number, fold: Fold, y: number): void {
  const { view, palette, names, width } = scene
  const { model } = view
  const scale = timeScale(view, names, width - names)
  if (scale.x(fold.to) < names || scale.x(fold.from) > width) {
    drawOutside(context, scene, y, scale.x(fold.to) < names)
    return
  }
  const top = y + BAR_TOP
  context.globalAlpha = isDim(view, row) ? 0.25 : 1
  context.fillStyle = fold.failed ? palette.errorMark : (palette.series[scene.series[model.service[row]!] ?? 0] ?? palette.text3)
  let drawnTo = -Infinity
  for (const member of fold.rows) {
    if (model.end[member]! < view.window.from) continue
    if (model.start[member]! > view.window.to) break
    const right = Math.min(Math.max(scale.x(model.end[member]!) - 0.5, scale.x(model.start[member]!) + 1), width)
    if (right < drawnTo + 0.5) continue
    const left = Math.max(scale.x(model.start[member]!), drawnTo, names)
    context.fillRect(left, top, Math.max(1, right - left), BAR_HEIGHT)
    drawnTo = right
  }
  for (const member of fold.rows) {
    if (model.end[member]! < view.window.from || model.start[member]! > view.window.to) continue
    if (view.showPath && view.path.own[member]! > 0) drawPath(context, scene, member, top + BAR_HEIGHT + 1)
    if (view.marks.has(member)) drawMarks(context, scene, member, top)
  }
  const text = `Σ ${formatDuration(fold.nano)}`
  drawLabel(context, scene, row, { text, left: Math.max(scale.x(fold.from), names - 4), right: scale.x(fold.to), y: top + BAR_HEIGHT / 2 + 0.5, failed: fold.failed, plate: true })
  context.globalAlpha = 1
}

// A span without length is a moment, not a short bar.
function diamond(context: CanvasRenderingContext2D, x: number, y: number): void {
  const half = BAR_HEIGHT / 2
  context.beginPath()
  context.moveTo(x, y - half)
  context.lineTo(x + half, y)
  context.lineTo(x, y + half)
  context.lineTo(x - half, y)
  context.fill()
}

// The span lies before or after what is shown.
function drawOutside(context: CanvasRenderingContext2D, scene: BarScene, y: number, before: boolean): void {
  context.fillStyle = scene.palette.text3
  context.fillText(before ? '‹' : '›', before ? scene.names + 3 : scene.width - 8, y + ROW_HEIGHT / 2)
}

function drawPath(context: CanvasRenderingContext2D, scene: BarScene, row: number, y: number): void {
  const { view, path, names, width } = scene
  const { from, to } = view.path
  const scale = timeScale(view, names, width - names)
  context.fillStyle = scene.palette.text
  let drawnTo = -Infinity
  for (let i = path.first[row]!; i < path.first[row + 1]!; i++) {
    const segment = path.order[i]!
    if (to[segment]! < view.window.from || from[segment]! > view.window.to) continue
    const left = Math.max(scale.x(from[segment]!), drawnTo)
    const right = Math.max(scale.x(to[segment]!), left + 1)
    if (right - drawnTo < 0.5) continue // nothing new in this pixel
    context.fillRect(left, y, right - left, 2)
    drawnTo = right
  }
}

function drawMarks(context: CanvasRenderingContext2D, scene: BarScene, row: number, top: number): void {
  const marks = scene.view.marks.get(row)
  if (!marks) return
  const scale = timeScale(scene.view, scene.names, scene.width - scene.names)
  let drawnAt = -Infinity
  for (const mark of marks) {
    const x = Math.round(scale.x(mark.at))
    if (x - drawnAt < 2) continue
    drawnAt = x
    context.fillStyle = mark.severe ? scene.palette.errorMark : scene.palette.text2
    context.fillRect(x - 1, top - 5, 2, 4)
  }
}

interface LabelPlace {
  text: string
  left: number
  right: number
  y: number
  failed: boolean
  plate?: boolean // many bars lie under it
}

// The text beside the bar: right of it, else left of it, else inside.
function drawLabel(context: CanvasRenderingContext2D, scene: BarScene, row: number, bar: LabelPlace): void {
  const { view, palette, names, width } = scene
  const { model } = view
  const { text } = bar
  const textWidth = scene.widths.of(context, text)
  context.fillStyle = bar.failed ? palette.error : palette.text2
  if (bar.right + 6 + textWidth < width - 2) {
    context.fillText(text, bar.right + 6, bar.y)
  } else if (bar.left - 6 - textWidth > names + 2) {
    context.fillText(text, bar.left - 6 - textWidth, bar.y)
  } else {
    const series = scene.series[model.service[row]!] ?? 0
    if (bar.plate) {
      context.fillStyle = palette.surface
      roundedRect(context, Math.min(bar.right, width) - textWidth - 10, bar.y - BAR_HEIGHT / 2 - 1, textWidth + 8, BAR_HEIGHT + 1, 2)
      context.fillStyle = bar.failed ? palette.error : palette.text
    } else context.fillStyle = bar.failed ? palette.errorInk : (palette.seriesInk[series] ?? palette.text)
    context.fillText(text, Math.min(bar.right, width) - textWidth - 6, bar.y)
  }
}
