// The whole trace in a strip: where the shown window lies in it, and a drag to choose another. The spans are drawn once
// onto a canvas of their own; moving the window only draws the frame over it.
import './minimap.css'
import { parseColor } from '../base/colors'
import { FAILED } from './model'
import { NextFrame, onThemeChange, readPalette, seriesOf, sizeCanvas, type Palette } from './paint'
import type { Change, TraceView } from './trace_view'

const HEIGHT = 56
const PAD = 4
const HANDLE = 6 // pixels around an edge that take hold of it
const ROW_MAX = 10
const BAR_MAX = 5

type Drag =
  | { kind: 'brush'; at: number }
  | { kind: 'move'; at: number; from: number; to: number }
  | { kind: 'edge'; fixed: number }

export class Minimap {
  private readonly box = document.createElement('div')
  private readonly spans = document.createElement('canvas')
  private readonly over = document.createElement('canvas')
  private readonly next = new NextFrame(() => this.draw())
  private readonly series: number[]
  private readonly stops: (() => void)[] = []
  private palette: Palette
  private width = 0
  private spansStale = true
  private drag: Drag | null = null
  private brush: { from: number; to: number } | null = null

  constructor(
    host: HTMLElement,
    private readonly view: TraceView,
  ) {
    this.series = seriesOf(view.model.services)
    this.box.className = 'mm'
    this.box.setAttribute('aria-hidden', 'true') // its work is done by keys in the views
    this.box.title = 'Drag to zoom, double-click for the whole trace'
    this.box.append(this.spans, this.over)
    host.append(this.box)
    this.palette = readPalette(this.box)
    const resize = new ResizeObserver(() => {
      this.width = this.box.clientWidth
      this.spansStale = true
      this.draw()
    })
    resize.observe(this.box)
    this.stops.push(
      () => resize.disconnect(),
      onThemeChange(() => {
        this.palette = readPalette(this.box)
        this.spansStale = true
        this.next.ask()
      }),
      view.listen((change) => this.changed(change)),
    )
    this.box.addEventListener('pointerdown', (event) => this.down(event))
    this.box.addEventListener('pointermove', (event) => this.move(event))
    this.box.addEventListener('pointerup', () => this.up())
    this.box.addEventListener('dblclick', () => view.resetWindow())
  }

  destroy(): void {
    this.next.cancel()
    for (const stop of this.stops) stop()
    this.box.remove()
  }

  private changed(change: Change): void {
    if (change === 'matches') this.spansStale = true
    if (change !== 'rows') this.next.ask()
  }

  // ---- pointer

  private nanoAt(event: PointerEvent): number {
    const x = event.clientX - this.box.getBoundingClientRect().left
    return (
      (Math.min(Math.max(0, x - PAD), this.width - 2 * PAD) / Math.max(1, this.width - 2 * PAD)) *
      this.view.model.duration
    )
  }

  private x(nano: number): number {
    return PAD + (nano / this.view.model.duration) * Math.max(1, this.width - 2 * PAD)
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0) return
    const at = this.nanoAt(event)
    const px = event.clientX - this.box.getBoundingClientRect().left
    const { from, to } = this.view.window
    this.box.setPointerCapture(event.pointerId)
    if (this.view.zoomed && Math.abs(px - this.x(from)) <= HANDLE) this.drag = { kind: 'edge', fixed: to }
    else if (this.view.zoomed && Math.abs(px - this.x(to)) <= HANDLE) this.drag = { kind: 'edge', fixed: from }
    else if (this.view.zoomed && at > from && at < to) this.drag = { kind: 'move', at, from, to }
    else this.drag = { kind: 'brush', at }
    event.preventDefault()
  }

  private move(event: PointerEvent): void {
    const at = this.nanoAt(event)
    const { drag } = this
    if (!drag) {
      this.box.style.cursor = this.cursorAt(event)
      return
    }
    if (drag.kind === 'move') {
      this.view.setWindow({ from: drag.from + at - drag.at, to: drag.to + at - drag.at })
      return
    }
    const other = drag.kind === 'edge' ? drag.fixed : drag.at
    const wanted = { from: Math.min(at, other), to: Math.max(at, other) }
    if (drag.kind === 'edge') {
      this.view.setWindow(wanted)
      return
    }
    this.brush = wanted
    this.next.ask()
  }

  private up(): void {
    const { brush } = this
    this.drag = null
    this.brush = null
    // A click that moved by less than a few pixels is none of a window.
    if (brush && this.x(brush.to) - this.x(brush.from) > 3) this.view.brush(brush)
    else this.next.ask()
  }

  private cursorAt(event: PointerEvent): string {
    if (!this.view.zoomed) return ''
    const px = event.clientX - this.box.getBoundingClientRect().left
    const [left, right] = [this.x(this.view.window.from), this.x(this.view.window.to)]
    if (Math.abs(px - left) <= HANDLE || Math.abs(px - right) <= HANDLE) return 'ew-resize'
    return px > left && px < right ? 'grab' : ''
  }

  // ---- drawing

  private draw(): void {
    if (this.width === 0) return
    if (this.spansStale) this.drawSpans()
    this.spansStale = false
    const context = sizeCanvas(this.over, this.width, HEIGHT)
    if (!context) return
    context.clearRect(0, 0, this.width, HEIGHT)
    const { view, palette } = this
    const shown = this.brush ?? view.window
    const [left, right] = [this.x(shown.from), this.x(shown.to)]
    if (view.zoomed || this.brush) {
      context.globalAlpha = 0.72
      context.fillStyle = palette.sunken
      context.fillRect(0, 0, left, HEIGHT)
      context.fillRect(right, 0, this.width - right, HEIGHT)
      context.globalAlpha = 1
      context.fillStyle = palette.accent
      context.fillRect(left - 1, 0, 2, HEIGHT)
      context.fillRect(right - 1, 0, 2, HEIGHT)
      for (const edge of [left, right]) {
        context.beginPath()
        context.roundRect(edge - 3, HEIGHT / 2 - 8, 6, 16, 3)
        context.fill()
      }
    }
    if (view.chosen >= 0) this.drawChosen(context)
    if (view.cursor >= 0) {
      context.fillStyle = palette.text3
      context.fillRect(Math.round(this.x(view.cursor)), 0, 1, HEIGHT)
    }
  }

  private rowTop(row: number): number {
    const { rows } = this.view.model
    const height = Math.min(ROW_MAX, (HEIGHT - 2 * PAD) / rows)
    return PAD + row * height
  }

  private barHeight(): number {
    const { rows } = this.view.model
    const height = Math.min(ROW_MAX, (HEIGHT - 2 * PAD) / rows)
    return Math.max(1, Math.min(BAR_MAX, height - (height > 2 ? 1 : 0)))
  }

  private drawChosen(context: CanvasRenderingContext2D): void {
    const { model, chosen } = this.view
    const [left, right] = [this.x(model.start[chosen]!), this.x(model.end[chosen]!)]
    context.strokeStyle = this.palette.accent
    context.lineWidth = 1.5
    context.strokeRect(left - 2, this.rowTop(chosen) - 2, Math.max(2, right - left) + 4, this.barHeight() + 4)
  }

  // One pass over all spans; failures last, so that none is covered. Many spans share each pixel: they are written as
  // pixels, since tens of thousands of rectangles would keep the first picture waiting.
  private drawSpans(): void {
    const context = sizeCanvas(this.spans, this.width, HEIGHT)
    if (!context) return
    const { model, matches } = this.view
    const { width, height } = this.spans
    const image = context.createImageData(width, height)
    const pixels = new Uint32Array(image.data.buffer)
    const colors = this.palette.series.map((color) => packColor(color, 0.85))
    const dimColors = this.palette.series.map((color) => packColor(color, 0.15))
    const [none, failed, dimFailed] = [packColor(this.palette.text3, 0.6), packColor(this.palette.errorMark, 1), packColor(this.palette.errorMark, 0.3)]
    const failures: number[] = []
    for (let row = 0; row < model.rows; row++) {
      if (model.flags[row]! & FAILED) {
        failures.push(row)
        continue
      }
      const dim = matches.mask !== null && matches.mask[row] === 0
      const place = this.series[model.service[row]!]
      this.fillSpan(pixels, row, place === undefined ? none : ((dim ? dimColors : colors)[place] ?? none))
    }
    for (const row of failures) this.fillSpan(pixels, row, matches.mask !== null && matches.mask[row] === 0 ? dimFailed : failed)
    context.putImageData(image, 0, 0)
  }

  private fillSpan(pixels: Uint32Array, row: number, color: number): void {
    const { width, height } = this.spans
    const scale = width / this.width
    const left = Math.max(0, Math.round(this.x(this.view.model.start[row]!) * scale))
    const right = Math.min(width, Math.max(left + 1, Math.round(this.x(this.view.model.end[row]!) * scale)))
    const top = Math.round(this.rowTop(row) * scale)
    const bottom = Math.min(height, Math.max(top + 1, Math.round((this.rowTop(row) + this.barHeight()) * scale)))
    for (let y = top; y < bottom; y++) pixels.fill(color, y * width + left, y * width + right)
  }
}

// As canvases keep pixels: red first, in the order of bytes that all machines with a browser have.
function packColor(color: string, alpha: number): number {
  const { r, g, b } = parseColor(color) ?? { r: 128, g: 128, b: 128 }
  return ((Math.round(alpha * 255) << 24) | (b << 16) | (g << 8) | r) >>> 0
}
