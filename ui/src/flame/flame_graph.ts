// The flame graph: all spans at once, time to the right, depth downwards. One canvas; what stands on it under the pointer
// or the keyboard is told to whoever made it (hover card, live text), since a canvas says nothing by itself.
import './flame_graph.css'
import { formatDuration } from '../base/units'
import { icicle, type Icicle } from './icicle'
import { FAILED, FAILED_BELOW, MISSING, rowName, serviceName } from './model'
import { pathByRow, type PathByRow } from './marks'
import { NextFrame, onThemeChange, readPalette, seriesOf, sizeCanvas, TextWidths, type Palette } from './paint'
import { ticks } from './ruler'
import type { Change, TraceView } from './trace_view'
import { timeScale, drawRuler } from './waterfall_bars'
import { wheelOverTime } from './wheel'

const LANE = 20
const GAP = 1
const RULER = 28
const ZOOM_MS = 160
const LISTED_MAX = 100 // spans in sight that assistive technology is told of
const LIST_MS = 150
let instances = 0

export interface FlameEvents {
  choose(row: number): void
  key(event: KeyboardEvent): boolean
  point(row: number, x: number, y: number): void // what is under the pointer; -1: nothing
}

export class FlameGraph {
  readonly frame = document.createElement('div')
  private readonly scroller = document.createElement('div')
  private readonly space = document.createElement('div')
  private readonly layer = document.createElement('div')
  private readonly canvas = document.createElement('canvas')
  private readonly ruler = document.createElement('canvas')
  private readonly next = new NextFrame(() => this.draw())
  private readonly widths = new TextWidths()
  private readonly series: number[]
  private readonly stops: (() => void)[] = []
  private readonly layout: Icicle
  private readonly path: PathByRow
  private palette: Palette
  private width = 0
  private height = 0
  private animation = 0
  private listTimer = 0
  private readonly list = document.createElement('div')
  private readonly prefix = `fg${++instances}-`

  constructor(
    host: HTMLElement,
    private readonly view: TraceView,
    private readonly events: FlameEvents,
  ) {
    this.layout = icicle(view.model)
    this.series = seriesOf(view.model.services)
    this.path = pathByRow(view.path, view.model.rows)
    this.build()
    host.append(this.frame)
    this.palette = readPalette(this.frame)
    const resize = new ResizeObserver(() => this.resize())
    resize.observe(this.scroller)
    this.stops.push(
      () => resize.disconnect(),
      onThemeChange(() => {
        this.palette = readPalette(this.frame)
        this.next.ask()
      }),
      view.listen((change) => this.changed(change)),
    )
    this.resize()
    if (view.active >= 0) this.scrollToRow(view.active)
  }

  destroy(): void {
    this.next.cancel()
    cancelAnimationFrame(this.animation)
    clearTimeout(this.listTimer)
    for (const stop of this.stops) stop()
    this.frame.remove()
  }

  focus(): void {
    this.scroller.focus({ preventScroll: true })
  }

  /** The neighbour in a direction, for the arrow keys; -1 where there is none. */
  neighbour(row: number, direction: 'left' | 'right' | 'up' | 'down'): number {
    const { model } = this.view
    if (row < 0) return Math.max(0, model.mainRoot)
    if (direction === 'up') return model.parent[row]!
    if (direction === 'down') return this.longestChild(row)
    const lane = this.layout.byLane[this.layout.lane[row]!]!
    return lane[lane.indexOf(row) + (direction === 'left' ? -1 : 1)] ?? -1
  }

  scrollToRow(row: number): void {
    const top = (this.layout.lane[row] ?? 0) * LANE
    const seen = this.scroller.scrollTop
    if (top < seen || top + LANE > seen + this.height) this.scroller.scrollTop = Math.max(0, top - this.height / 3)
    this.next.ask()
  }

  /** Fills the width with a span, on the way there unless motion is not wanted. */
  zoomTo(row: number): void {
    const { model } = this.view
    const target =
      row < 0
        ? { from: 0, to: model.duration }
        : { from: model.start[row]!, to: Math.max(model.end[row]!, model.start[row]! + 100) }
    const begin = { ...this.view.window }
    cancelAnimationFrame(this.animation)
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.view.setWindow(target)
      return
    }
    const started = performance.now()
    const step = () => {
      const share = Math.min(1, (performance.now() - started) / ZOOM_MS)
      const eased = 1 - (1 - share) ** 3
      this.view.setWindow({
        from: begin.from + (target.from - begin.from) * eased,
        to: begin.to + (target.to - begin.to) * eased,
      })
      if (share < 1) this.animation = requestAnimationFrame(step)
    }
    step()
  }

  // ---- elements

  private build(): void {
    const { scroller } = this
    this.frame.className = 'fg-frame'
    scroller.className = 'fg'
    scroller.tabIndex = 0
    scroller.setAttribute('role', 'tree')
    scroller.setAttribute('aria-label', 'Flame graph of the trace')
    this.canvas.setAttribute('aria-hidden', 'true')
    this.ruler.setAttribute('aria-hidden', 'true')
    this.list.className = 'sr'
    this.list.setAttribute('role', 'presentation')
    this.list.addEventListener('click', (event) => {
      const row = Number((event.target as HTMLElement).dataset.row ?? -1)
      if (row >= 0) this.events.choose(row)
    })
    this.layer.className = 'fg-layer'
    this.layer.append(this.canvas, this.ruler, this.list)
    this.space.append(this.layer)
    scroller.append(this.space)
    this.frame.append(scroller)
    scroller.addEventListener('scroll', () => this.next.ask(), { passive: true })
    scroller.addEventListener('wheel', (event) => this.wheel(event), { passive: false })
    scroller.addEventListener('pointermove', (event) => this.hover(event))
    scroller.addEventListener('pointerleave', () => this.leave())
    scroller.addEventListener('click', (event) => this.click(event))
    scroller.addEventListener('dblclick', (event) => this.doubleClick(event))
    scroller.addEventListener('keydown', (event) => {
      if (this.events.key(event)) event.preventDefault()
    })
  }

  private longestChild(row: number): number {
    const { model } = this.view
    let longest = -1
    let best = -1
    for (let child = row + 1; child < row + model.size[row]!; child += model.size[child]!) {
      const duration = model.end[child]! - model.start[child]!
      if (duration > best) {
        best = duration
        longest = child
      }
    }
    return longest
  }

  // ---- pointer

  private rowAt(event: MouseEvent): number {
    const box = this.scroller.getBoundingClientRect()
    const y = event.clientY - box.top - RULER
    if (y < 0) return -1
    const lane = this.layout.byLane[Math.floor((y + this.scroller.scrollTop) / LANE)]
    if (!lane) return -1
    const { model } = this.view
    const scale = timeScale(this.view, 0, this.width)
    const nano = scale.nano(event.clientX - box.left)
    const reach = 1.5 / scale.perNano // narrow spans can be hit too
    for (let i = firstEndingAfter(model.end, lane, nano - reach); i < lane.length; i++) {
      const row = lane[i]!
      if (model.start[row]! - reach > nano) break
      return row
    }
    return -1
  }

  private hover(event: PointerEvent): void {
    const row = this.rowAt(event)
    const nano = timeScale(this.view, 0, this.width).nano(event.clientX - this.scroller.getBoundingClientRect().left)
    this.view.setHovered(row, nano >= 0 && nano <= this.view.model.duration ? nano : -1)
    this.scroller.style.cursor = row >= 0 ? 'pointer' : ''
    this.events.point(row, event.clientX, event.clientY)
  }

  private leave(): void {
    this.view.setHovered(-1, -1)
    this.events.point(-1, 0, 0)
  }

  private click(event: MouseEvent): void {
    if (this.list.contains(event.target as Node)) return
    const row = this.rowAt(event)
    if (row >= 0) this.events.choose(row)
    this.focus()
  }

  private doubleClick(event: MouseEvent): void {
    this.zoomTo(this.rowAt(event))
  }

  private wheel(event: WheelEvent): void {
    const { view } = this
    const at = timeScale(view, 0, this.width).nano(event.clientX - this.scroller.getBoundingClientRect().left)
    if (wheelOverTime(event, view, Math.min(Math.max(0, at), view.model.duration), this.width)) event.preventDefault()
  }

  // ---- drawing

  private changed(change: Change): void {
    if (change === 'active' && this.view.active >= 0) this.scrollToRow(this.view.active)
    this.next.ask()
  }

  private resize(): void {
    this.width = this.scroller.clientWidth
    this.height = Math.max(0, this.scroller.clientHeight - RULER)
    this.layer.style.height = `${this.scroller.clientHeight}px`
    this.space.style.height = `${Math.max(this.scroller.clientHeight, RULER + this.layout.lanes * LANE + LANE)}px`
    this.draw()
  }

  private draw(): void {
    if (this.width === 0) return
    const { view, palette } = this
    const ruler = sizeCanvas(this.ruler, this.width, RULER)
    const context = sizeCanvas(this.canvas, this.width, this.height + RULER)
    if (!context || !ruler) return
    context.clearRect(0, 0, this.width, this.height + RULER)
    const scale = timeScale(view, 0, this.width)
    context.fillStyle = palette.line
    for (const at of ticks(view.window, this.width).at)
      context.fillRect(Math.round(scale.x(at)), 0, 1, this.height + RULER)
    context.font = `11px ${palette.font}`
    context.textBaseline = 'middle'
    const top = this.scroller.scrollTop
    const last = Math.min(this.layout.lanes, Math.ceil((top + this.height) / LANE))
    for (let lane = Math.floor(top / LANE); lane < last; lane++) this.drawLane(context, lane, RULER + lane * LANE - top)
    if (view.cursor >= 0) {
      context.fillStyle = palette.text3
      context.globalAlpha = 0.5
      context.fillRect(Math.round(scale.x(view.cursor)), 0, 1, this.height + RULER)
      context.globalAlpha = 1
    }
    this.outline(context, view.hovered, top, palette.text2, 1)
    this.outline(context, view.active, top, palette.text3, 1.5)
    this.outline(context, view.chosen, top, palette.accent, 2)
    drawRuler(ruler, view, palette, this.width, RULER)
    ruler.globalCompositeOperation = 'destination-over'
    ruler.fillStyle = palette.surface
    ruler.fillRect(0, 0, this.width, RULER)
    ruler.globalCompositeOperation = 'source-over'
    ruler.fillStyle = palette.line
    ruler.fillRect(0, RULER - 1, this.width, 1)
    this.relist()
  }

  // A canvas says nothing by itself: the spans in sight, and the one the keyboard is on, also stand in a list that is not
  // seen. It follows when the drawing has come to rest.
  private relist(): void {
    clearTimeout(this.listTimer)
    this.listTimer = window.setTimeout(() => {
      const rows = this.rowsInSight()
      if (this.view.active >= 0 && !rows.includes(this.view.active)) rows.unshift(this.view.active)
      this.list.replaceChildren(...rows.map((row) => this.listItem(row)))
      if (this.view.active >= 0) this.scroller.setAttribute('aria-activedescendant', this.prefix + this.view.active)
      else this.scroller.removeAttribute('aria-activedescendant')
    }, LIST_MS)
  }

  private rowsInSight(): number[] {
    const { model, window: shown } = this.view
    const rows: number[] = []
    const top = this.scroller.scrollTop
    const last = Math.min(this.layout.lanes, Math.ceil((top + this.height) / LANE))
    for (let lane = Math.floor(top / LANE); lane < last; lane++) {
      const inLane = this.layout.byLane[lane]!
      for (let i = firstEndingAfter(model.end, inLane, shown.from); i < inLane.length; i++) {
        if (model.start[inLane[i]!]! > shown.to || rows.length >= LISTED_MAX) break
        rows.push(inLane[i]!)
      }
    }
    return rows
  }

  private listItem(row: number): HTMLElement {
    const { model, active, chosen } = this.view
    const item = document.createElement('div')
    item.id = this.prefix + row
    item.dataset.row = String(row)
    item.setAttribute('role', 'treeitem')
    item.setAttribute('aria-level', String(model.depth[row]! + 1))
    item.setAttribute('aria-selected', String(row === chosen))
    if (row === active) item.setAttribute('aria-current', 'true')
    const failed = model.flags[row]! & FAILED ? ', failed' : model.flags[row]! & FAILED_BELOW ? ', leads to a failed span' : ''
    item.textContent = `${rowName(model, row)}, ${serviceName(model, row)}, ${formatDuration(model.end[row]! - model.start[row]!)}${failed}`
    return item
  }

  // Spans of one lane follow each other: those before the window are skipped by halving, those that share a pixel are
  // drawn as one.
  private drawLane(context: CanvasRenderingContext2D, lane: number, y: number): void {
    const { model } = this.view
    const rows = this.layout.byLane[lane]!
    const { from, to } = this.view.window
    const scale = timeScale(this.view, 0, this.width)
    const slack = 20 / scale.perNano
    let drawnTo = -Infinity
    for (let i = firstEndingAfter(model.end, rows, from - slack); i < rows.length; i++) {
      const row = rows[i]!
      if (model.start[row]! > to + slack) break
      const right = scale.x(model.end[row]!)
      const failed = (model.flags[row]! & FAILED) !== 0
      if (right < drawnTo + 0.5 && !failed) continue
      const left = Math.max(scale.x(model.start[row]!), -4)
      const width = Math.max(1, Math.min(right, this.width + 4) - left - GAP)
      this.drawSpan(context, row, left, y, width)
      drawnTo = left + width
    }
  }

  private drawSpan(context: CanvasRenderingContext2D, row: number, x: number, y: number, width: number): void {
    const { view, palette } = this
    const { model } = view
    const flags = model.flags[row]!
    const failed = (flags & FAILED) !== 0
    const place = this.series[model.service[row]!] ?? 0
    const dim = view.matches.mask !== null && view.matches.mask[row] === 0
    context.globalAlpha = dim ? 0.22 : 1
    if (flags & MISSING) {
      context.fillStyle = palette.sunken
    } else {
      context.fillStyle = failed ? palette.errorMark : (palette.series[place] ?? palette.text3)
    }
    if (width < 4) context.fillRect(x, y, width, LANE - GAP)
    else {
      context.beginPath()
      context.roundRect(x, y, width, LANE - GAP, 2)
      context.fill()
    }
    if (!failed && flags & FAILED_BELOW) {
      context.fillStyle = palette.errorMark
      context.fillRect(x, y + LANE - GAP - 3, width, 3)
    }
    if (view.showPath && view.path.own[row]! > 0) this.drawPath(context, row, y)
    if (width > 28)
      this.drawText(context, row, x, y, width, failed ? palette.errorInk : (palette.seriesInk[place] ?? palette.text))
    context.globalAlpha = 1
  }

  private drawPath(context: CanvasRenderingContext2D, row: number, y: number): void {
    const { from, to } = this.view.path
    const scale = timeScale(this.view, 0, this.width)
    context.fillStyle = this.palette.text
    let drawnTo = -Infinity
    for (let i = this.path.first[row]!; i < this.path.first[row + 1]!; i++) {
      const segment = this.path.order[i]!
      const left = Math.max(scale.x(from[segment]!), drawnTo, -4)
      const right = Math.min(Math.max(scale.x(to[segment]!), left + 1), this.width + 4)
      if (right - drawnTo < 0.5 || right <= left) continue
      context.fillRect(left, y, right - left, 2)
      drawnTo = right
    }
  }

  private drawText(
    context: CanvasRenderingContext2D,
    row: number,
    x: number,
    y: number,
    width: number,
    ink: string,
  ): void {
    const { model } = this.view
    const left = Math.max(x, 0) + 5
    const room = Math.min(x + width, this.width) - left - 5
    context.fillStyle = model.flags[row]! & MISSING ? this.palette.text2 : ink
    const mark = model.flags[row]! & FAILED ? '! ' : ''
    const name = mark + rowName(model, row)
    const duration = formatDuration(model.end[row]! - model.start[row]!)
    const nameWidth = this.widths.of(context, name)
    const durationWidth = this.widths.of(context, duration)
    const middle = y + (LANE - GAP) / 2 + 0.5
    context.fillText(this.widths.fit(context, name, room), left, middle)
    if (nameWidth + durationWidth + 16 < room) context.fillText(duration, left + room - durationWidth, middle)
  }

  private outline(context: CanvasRenderingContext2D, row: number, top: number, color: string, lineWidth: number): void {
    if (row < 0) return
    const { model } = this.view
    const scale = timeScale(this.view, 0, this.width)
    const left = Math.max(-8, scale.x(model.start[row]!))
    const right = Math.min(this.width + 8, scale.x(model.end[row]!))
    if (right < 0 || left > this.width) return
    const y = RULER + this.layout.lane[row]! * LANE - top
    context.strokeStyle = color
    context.lineWidth = lineWidth
    context.strokeRect(left - 0.5, y - 0.5, Math.max(3, right - left), LANE)
  }
}

// Ends rise along a lane.
function firstEndingAfter(ends: Float64Array, rows: Uint32Array, nano: number): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ends[rows[middle]!]! < nano) low = middle + 1
    else high = middle
  }
  return low
}
