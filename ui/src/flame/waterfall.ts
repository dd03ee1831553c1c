// The waterfall: names in rows of elements (for selection, pointers, screen readers), everything on the timeline on
// canvases of a few rows each. Both lie in one strip that is moved in the frame in which it is filled: names and bars never
// drift apart, only the rows in sight exist, whatever the trace's size, and a scroll draws what comes into sight only.
import './waterfall.css'
import { store, stored } from '../state/stored'
import type { TraceModel } from './model'
import { pathByRow } from './marks'
import { NextFrame, onThemeChange, readPalette, seriesOf, sizeCanvas, TextWidths, type Palette } from './paint'
import type { Change, TraceView } from './trace_view'
import { drawRuler, ROW_HEIGHT, timeScale } from './waterfall_bars'
import { WaterfallRow } from './waterfall_row'
import { BarTiles } from './waterfall_tiles'
import { wheelOverTime } from './wheel'

const HEAD_HEIGHT = 28
const BASE_STEP = 1000 * ROW_HEIGHT // so far one scrolls until all places are counted anew
const NAMES_MIN = 160
const NAMES_USUAL = 380
const NAMES_KEY = 'trace.names'
let instances = 0

export interface WaterfallEvents {
  choose(row: number): void
  key(event: KeyboardEvent): boolean // true: it was handled
}

export class Waterfall {
  readonly frame = element('div', 'wf-frame')
  private readonly scroller = element('div', 'wf')
  private readonly ruler = document.createElement('canvas')
  private readonly timeHead = element('div', 'wf-head-time')
  private readonly space = element('div', 'wf-space')
  private readonly layer = element('div', 'wf-layer')
  private readonly strip = element('div', 'wf-strip') // what moves while one scrolls: rows and bars
  private readonly bars = new BarTiles()
  private readonly rowsBox = element('div', 'wf-rows')
  private readonly cursor = element('div', 'wf-cursor')
  private readonly grip = element('div', 'wf-grip')
  private readonly pool: WaterfallRow[] = []
  private readonly next = new NextFrame(() => this.draw())
  private readonly widths = new TextWidths()
  private readonly series: number[]
  private readonly path
  private readonly stops: (() => void)[] = []
  private readonly prefix = `wf${++instances}-`
  private palette: Palette
  private names: number
  private width = 0
  private height = 0
  private base = 0 // pixels from the first row to the strip's top: keeps the places in it small
  private stale = true // rows must be filled anew
  private barsStale = true
  private rulerStale = true

  constructor(
    host: HTMLElement,
    private readonly view: TraceView,
    private readonly events: WaterfallEvents,
  ) {
    this.series = seriesOf(view.model.services)
    this.path = pathByRow(view.path, view.model.rows)
    const names = Number(stored(NAMES_KEY))
    this.names = names >= NAMES_MIN ? names : NAMES_USUAL
    this.build()
    host.append(this.frame)
    this.palette = readPalette(this.frame)
    const resize = new ResizeObserver(() => this.resize())
    resize.observe(this.scroller)
    this.stops.push(
      () => resize.disconnect(),
      onThemeChange(() => this.restyle()),
      view.listen((change) => this.changed(change)),
    )
    this.resize()
  }

  destroy(): void {
    this.next.cancel()
    this.pan?.abort()
    for (const stop of this.stops) stop()
    this.frame.remove()
  }

  focus(): void {
    this.scroller.focus({ preventScroll: true })
  }

  /** What another waterfall of the same trace needs to look as this one does. */
  keep(): { top: number; focused: boolean } {
    return { top: this.scroller.scrollTop, focused: document.activeElement === this.scroller }
  }

  restore(kept: { top: number; focused: boolean }): void {
    this.scroller.scrollTop = kept.top
    if (kept.focused) this.focus()
    this.draw()
  }

  /** Scrolls as little as needed; to the middle where the row was far away. */
  scrollToRow(row: number): void {
    const place = this.view.rows.placeOf(row)
    if (place < 0) return
    const top = place * ROW_HEIGHT
    const seen = this.scroller.scrollTop
    const room = this.viewHeight()
    if (top >= seen + ROW_HEIGHT && top + 2 * ROW_HEIGHT <= seen + room) return
    const near = top > seen - 3 * ROW_HEIGHT && top < seen + room + 3 * ROW_HEIGHT
    const wanted = near ? (top < seen + ROW_HEIGHT ? top - ROW_HEIGHT : top + 2 * ROW_HEIGHT - room) : top - room / 2
    this.scroller.scrollTop = wanted
    this.next.ask()
  }

  // A window in which no row in sight begins would show empty lines only.
  private scrollIntoWindow(): void {
    const { view } = this
    const first = Math.floor(this.scroller.scrollTop / ROW_HEIGHT)
    const last = Math.min(view.rows.length, first + Math.ceil(this.height / ROW_HEIGHT))
    for (let place = first; place < last; place++) {
      const start = view.model.start[view.rows.rows[place]!]!
      if (start >= view.window.from && start < view.window.to) return
    }
    const place = view.firstPlaceInWindow()
    if (place >= 0) this.scroller.scrollTop = Math.max(0, place - 1) * ROW_HEIGHT
  }

  get pageRows(): number {
    return Math.max(1, Math.floor(this.viewHeight() / ROW_HEIGHT) - 1)
  }

  // ---- elements

  private build(): void {
    const { scroller, view } = this
    scroller.tabIndex = 0
    scroller.setAttribute('role', 'treegrid')
    scroller.setAttribute('aria-label', 'Spans of the trace')
    scroller.setAttribute('aria-colcount', '2')
    const head = element('div', 'wf-head')
    head.setAttribute('role', 'row')
    head.setAttribute('aria-rowindex', '1')
    const nameHead = element('div', 'wf-head-names')
    nameHead.setAttribute('role', 'columnheader')
    nameHead.textContent = 'Span'
    this.timeHead.setAttribute('role', 'columnheader')
    const timeWord = element('span', 'sr')
    timeWord.textContent = 'Time'
    this.timeHead.append(timeWord, this.ruler)
    head.append(nameHead, this.timeHead)
    this.cursor.setAttribute('aria-hidden', 'true')
    this.ruler.setAttribute('aria-hidden', 'true')
    this.strip.append(this.rowsBox, this.bars.element)
    this.layer.append(this.strip, this.cursor)
    this.space.append(this.layer)
    scroller.append(head, this.space)
    this.buildGrip()
    this.frame.append(scroller, this.grip)
    this.setNames(this.names)
    scroller.setAttribute('aria-rowcount', String(view.rows.length + 1))

    scroller.addEventListener('scroll', () => this.next.ask(), { passive: true })
    scroller.addEventListener('wheel', (event) => this.wheel(event), { passive: false })
    scroller.addEventListener('keydown', (event) => {
      if (this.events.key(event)) event.preventDefault()
    })
    this.rowsBox.addEventListener('click', (event) => this.click(event))
    this.rowsBox.addEventListener('dblclick', (event) => this.doubleClick(event))
    this.rowsBox.addEventListener('pointerdown', (event) => this.startPan(event))
    scroller.addEventListener('pointermove', (event) => this.hover(event))
    scroller.addEventListener('pointerleave', () => view.setHovered(-1, -1))
  }

  private buildGrip(): void {
    const { grip } = this
    grip.tabIndex = 0
    grip.setAttribute('role', 'separator')
    grip.setAttribute('aria-orientation', 'vertical')
    grip.setAttribute('aria-label', 'Width of the names')
    grip.addEventListener('pointerdown', (event) => {
      grip.setPointerCapture(event.pointerId)
      grip.classList.add('is-dragged')
      event.preventDefault()
    })
    grip.addEventListener('pointermove', (event) => {
      if (grip.hasPointerCapture(event.pointerId))
        this.setNames(event.clientX - this.frame.getBoundingClientRect().left)
    })
    grip.addEventListener('pointerup', () => {
      grip.classList.remove('is-dragged')
      store(NAMES_KEY, String(this.names))
    })
    grip.addEventListener('dblclick', () => this.setNames(NAMES_USUAL))
    grip.addEventListener('keydown', (event) => {
      const step = event.key === 'ArrowLeft' ? -16 : event.key === 'ArrowRight' ? 16 : 0
      if (step === 0) return
      event.preventDefault()
      this.setNames(this.names + step)
      store(NAMES_KEY, String(this.names))
    })
  }

  private setNames(wanted: number): void {
    const room = this.frame.clientWidth || 1200
    this.names = Math.round(Math.min(Math.max(NAMES_MIN, wanted), Math.max(NAMES_MIN, room - 240)))
    this.applyNames()
    this.restart()
  }

  // All is drawn anew in the next frame.
  private restart(): void {
    this.stale = this.barsStale = this.rulerStale = true
    this.next.ask()
  }

  // On a narrow screen the timeline keeps at least half.
  private shownNames(): number {
    return Math.min(this.names, Math.max(120, Math.round((this.width || 1200) * 0.45)))
  }

  private applyNames(): void {
    const shown = this.shownNames()
    this.frame.style.setProperty('--wf-names', `${shown}px`)
    this.scroller.style.setProperty('--wf-names', `${shown}px`)
    this.grip.setAttribute('aria-valuenow', String(shown))
    this.grip.setAttribute('aria-valuemin', String(NAMES_MIN))
    this.grip.setAttribute('aria-valuemax', '1200')
  }

  // ---- pointer

  private rowAt(event: MouseEvent): number {
    const y = event.clientY - this.layer.getBoundingClientRect().top + this.scroller.scrollTop
    return this.view.rows.rows[Math.floor(y / ROW_HEIGHT)] ?? -1
  }

  private nanoAt(event: MouseEvent): number {
    const x = event.clientX - this.scroller.getBoundingClientRect().left
    const names = this.shownNames()
    if (x < names) return -1
    const nano = timeScale(this.view, names, this.width - names).nano(x)
    return nano >= 0 && nano <= this.view.model.duration ? nano : -1
  }

  private click(event: MouseEvent): void {
    const row = this.rowAt(event)
    if (row < 0 || this.panned) return
    const target = event.target as Element
    if (target.closest('.wf-repeat')) {
      this.view.toggleFold(row)
    } else if (target.closest('.wf-twisty:not(.is-leaf)')) {
      this.view.rows.setOpen(row, !this.view.rows.isOpen(row))
      this.view.setActive(row)
      this.view.tell('rows')
    } else {
      this.events.choose(row)
    }
    this.focus()
  }

  private doubleClick(event: MouseEvent): void {
    const row = this.rowAt(event)
    if (row >= 0 && this.nanoAt(event) >= 0) this.view.zoomToRow(row)
  }

  private panned = false
  private pan: AbortController | null = null

  // Dragging the timeline moves the window, once it is zoomed.
  private startPan(event: PointerEvent): void {
    this.panned = false
    if (
      event.button !== 0 ||
      !this.view.zoomed ||
      event.clientX - this.scroller.getBoundingClientRect().left < this.shownNames()
    )
      return
    const from = { ...this.view.window }
    const names = this.shownNames()
    const perNano = timeScale(this.view, names, this.width - names).perNano
    const startX = event.clientX
    const move = (now: PointerEvent) => {
      if (Math.abs(now.clientX - startX) > 3) this.panned = true
      if (!this.panned) return
      const nanos = (startX - now.clientX) / perNano
      this.view.setWindow({ from: from.from + nanos, to: from.to + nanos })
    }
    // Ends with the press, or with the view.
    this.pan?.abort()
    const pan = (this.pan = new AbortController())
    const { signal } = pan
    const up = () => pan.abort()
    addEventListener('pointermove', move, { signal })
    addEventListener('pointerup', up, { signal })
    addEventListener('pointercancel', up, { signal })
  }

  private pointedAt = ''

  // Rows that move under a pointer at rest are told as moves of it: nothing that is drawn depends on them.
  private hover(event: PointerEvent): void {
    const at = `${event.clientX} ${event.clientY}`
    if (at === this.pointedAt && this.view.cursor >= 0) return
    this.pointedAt = at
    const inRows = event.clientY >= this.layer.getBoundingClientRect().top
    this.view.setHovered(inRows ? this.rowAt(event) : -1, this.nanoAt(event))
  }

  private wheel(event: WheelEvent): void {
    const { from, to } = this.view.window
    const at = this.nanoAt(event)
    if (wheelOverTime(event, this.view, at >= 0 ? at : (from + to) / 2, this.width)) event.preventDefault()
  }

  // ---- drawing

  private changed(change: Change): void {
    const onlyTime = change === 'window' || change === 'brushed'
    if (change !== 'hover') this.barsStale = true
    if (change !== 'hover' && !onlyTime) this.stale = true
    this.rulerStale = true
    if (change === 'rows') this.sizeSpace()
    if (change === 'brushed') this.scrollIntoWindow()
    if (change === 'active' && this.view.active >= 0) this.scrollToRow(this.view.active)
    this.next.ask()
  }

  private restyle(): void {
    this.palette = readPalette(this.frame)
    this.restart()
  }

  private viewHeight(): number {
    return Math.max(0, this.scroller.clientHeight - HEAD_HEIGHT)
  }

  private resize(): void {
    this.width = this.scroller.clientWidth
    const before = this.height
    this.height = this.viewHeight()
    this.layer.style.height = `${this.height}px`
    this.applyNames()
    this.sizeSpace()
    // Details that open below take room: the span that they are about stays in sight, from the start too.
    const top = this.view.rows.placeOf(this.view.active) * ROW_HEIGHT - this.scroller.scrollTop
    if (before === 0 || (this.height < before && top >= 0 && top < before)) this.scrollToRow(this.view.active)
    this.stale = this.barsStale = this.rulerStale = true
    this.draw() // at once: a canvas that lags behind its frame flickers
  }

  private sizeSpace(): void {
    this.space.style.height = `${Math.max(this.height, this.view.rows.length * ROW_HEIGHT + ROW_HEIGHT)}px`
    this.scroller.setAttribute('aria-rowcount', String(this.view.rows.length + 1))
  }

  private readonly indentOf = (depth: number): number => {
    // Deep traces get narrower steps; names keep at least half of their column.
    const room = Math.max(40, this.shownNames() * 0.5)
    const step = Math.min(14, Math.max(3, room / Math.max(1, this.view.model.depthMax)))
    return 4 + Math.min(depth * step, room)
  }

  private draw(): void {
    if (this.width === 0 || this.height === 0) return
    const { view } = this
    const top = this.scroller.scrollTop
    const first = Math.max(0, Math.floor(top / ROW_HEIGHT))
    const last = Math.min(view.rows.length, Math.ceil((top + this.height) / ROW_HEIGHT))
    this.moveStrip(top)
    this.placeRows(first, last)
    const names = this.shownNames()
    const { palette, series, path, widths, width, height, indentOf } = this
    this.bars.draw({ view, palette, series, path, widths, names, width, indentOf }, top, height, this.base, this.barsStale)
    this.barsStale = false
    this.placeCursor(names)
    if (!this.rulerStale) return
    this.rulerStale = false
    const ruler = sizeCanvas(this.ruler, width - names, HEAD_HEIGHT - 1)
    if (ruler) drawRuler(ruler, view, palette, width - names, HEAD_HEIGHT - 1)
  }

  private moveStrip(top: number): void {
    const base = Math.floor(top / BASE_STEP) * BASE_STEP
    this.base = base
    this.strip.style.transform = `translateY(${base - top}px)`
  }

  private placeCursor(names: number): void {
    const x = this.view.cursor < 0 ? -1 : Math.round(timeScale(this.view, names, this.width - names).x(this.view.cursor))
    this.cursor.hidden = x < names || x > this.width
    if (!this.cursor.hidden) this.cursor.style.transform = `translateX(${x}px)`
  }

  // A row's element is the one of its place modulo the pool: scrolling by one row fills one element anew.
  private placeRows(first: number, last: number): void {
    const { view, pool } = this
    const wanted = Math.ceil(this.height / ROW_HEIGHT) + 1
    while (pool.length < wanted) {
      const row = new WaterfallRow(this.prefix + pool.length)
      pool.push(row)
      this.stale = true
    }
    if (this.stale) for (const row of pool) row.row = -1
    this.stale = false
    const used = new Set<WaterfallRow>()
    for (let place = first; place < last; place++) {
      const element = pool[place % pool.length]!
      const row = view.rows.rows[place]!
      if (element.row !== row) element.show(view, row, place, this.lookOf(view.model, row))
      element.moveTo(place * ROW_HEIGHT - this.base)
      if (!element.element.isConnected) this.rowsBox.append(element.element)
      used.add(element)
    }
    let active = ''
    for (const element of pool) {
      if (!used.has(element)) element.element.remove()
      else if (element.row === view.active) active = element.id
    }
    if (active) this.scroller.setAttribute('aria-activedescendant', active)
    else this.scroller.removeAttribute('aria-activedescendant')
  }

  private lookOf(model: TraceModel, row: number): { indent: number; color: string } {
    const series = this.series[model.service[row]!]
    return {
      indent: this.indentOf(model.depth[row]!),
      color: series === undefined ? 'transparent' : (this.palette.series[series] ?? 'transparent'),
    }
  }
}

function element(tag: string, className: string): HTMLElement {
  const made = document.createElement(tag)
  made.className = className
  return made
}
