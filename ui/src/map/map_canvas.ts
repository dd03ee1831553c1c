// The service map on a canvas: pan, zoom, what is under the pointer, the keyboard. It shows what it is given and tells what
// the person does. What a canvas cannot say also stands in a list that is not seen.
import './map.css'
import { NextFrame, onThemeChange, readPalette, sizeCanvas, TextWidths, type Palette } from '../flame/paint'
import { litBy, MapPainter, toDrawing, type Marks, type Shown } from './draw'
import { isFailing, nodeWords } from './figures'
import { callsOf } from './graph'
import { distanceTo, neighbour, type Box, type Point } from './layout'
import { fit, kept, MARGIN_PX, pan, reveal, zoomAt, type Viewport } from './viewport'

const ZOOM_PER_PX = 0.0022
const ZOOM_STEP = 1.3
const PAN_PX = 80
const DRAG_PX = 4 // less is a click
const HIT_PX = 7 // of a call
const READ_SCALE = 0.4 // names of nodes can be read
const MINIMAP = { w: 168, h: 110, margin: 12 }
let instances = 0

export interface MapEvents {
  choose(id: string | null): void // a node's or an edge's
  focus(id: string): void // a node's: show only what is around it
  point(id: string | null, x: number, y: number): void // what is under the pointer
}

export class MapCanvas {
  private readonly frame = document.createElement('div')
  private readonly canvas = document.createElement('canvas')
  private readonly list = document.createElement('div')
  private readonly next = new NextFrame(() => this.draw())
  private readonly fonts = new Map<string, TextWidths>()
  private readonly stops: (() => void)[] = []
  private readonly prefix = `map${++instances}-`
  private marks: Marks = { hovered: null, chosen: null, active: null }
  private shown: Shown | null = null
  private palette: Palette
  private view: Viewport = { x: 0, y: 0, scale: 1 }
  private moved = false // by the person: what comes in does not move it back
  private width = 0
  private height = 0
  private drag: { x: number; y: number; far: boolean; minimap: boolean } | null = null

  constructor(
    host: HTMLElement,
    private readonly events: MapEvents,
  ) {
    const { frame, canvas, list } = this
    frame.className = 'map-frame'
    frame.tabIndex = 0
    frame.setAttribute('role', 'listbox')
    frame.setAttribute('aria-label', 'Service map')
    canvas.setAttribute('aria-hidden', 'true')
    list.className = 'sr'
    list.setAttribute('role', 'presentation')
    frame.append(canvas, list)
    host.append(frame)
    const resize = new ResizeObserver(() => this.resize())
    resize.observe(frame)
    this.palette = readPalette(frame)
    const retheme = () => {
      this.palette = readPalette(frame)
      this.next.ask()
    }
    this.stops.push(() => resize.disconnect(), onThemeChange(retheme))
    frame.addEventListener('wheel', (event) => this.wheel(event), { passive: false })
    frame.addEventListener('pointerdown', (event) => this.press(event))
    frame.addEventListener('pointermove', (event) => this.move(event))
    frame.addEventListener('pointerup', (event) => this.release(event))
    frame.addEventListener('pointercancel', () => (this.drag = null))
    frame.addEventListener('pointerleave', () => this.point(null, 0, 0))
    frame.addEventListener('dblclick', (event) => {
      const id = this.at(event)
      if (id !== null && this.isNode(id)) this.events.focus(id)
    })
    frame.addEventListener('keydown', (event) => {
      if (this.key(event)) event.preventDefault()
    })
    frame.addEventListener('focus', () => {
      if (this.marks.active === null && frame.matches(':focus-visible')) this.activate(this.first())
    })
    // What reads the list aloud may press what it reads.
    list.addEventListener('click', (event) => {
      const id = (event.target as HTMLElement).dataset.id
      if (id !== undefined) this.events.choose(id)
      event.stopPropagation()
    })
    this.resize()
  }

  destroy(): void {
    this.next.cancel()
    for (const stop of this.stops) stop()
    this.frame.remove()
  }

  /** Another layout is shown whole, unless the person has moved this one and it is only `refreshed`. */
  show(shown: Shown, refreshed: boolean): void {
    const other = shown.layout !== this.shown?.layout
    this.shown = shown
    if (this.marks.active !== null && !shown.layout.boxes.has(this.marks.active)) this.marks.active = null
    if (other && !(refreshed && this.moved)) this.fit()
    this.relist()
    this.next.ask()
  }

  choose(id: string | null): void {
    if (this.marks.chosen === id) return
    this.marks.chosen = id
    if (id !== null && this.isNode(id) && this.marks.active !== id) this.activate(id)
    else this.reveal(id)
    this.relist()
    this.next.ask()
  }

  focus(): void {
    this.frame.focus({ preventScroll: true })
  }

  fit(): void {
    if (this.shown === null) return
    this.view = fit(this.shown.layout, this.width, this.height)
    this.moved = false
    this.next.ask()
  }

  zoom(steps: number): void {
    this.setView(zoomAt(this.view, { x: this.width / 2, y: this.height / 2 }, ZOOM_STEP ** steps))
  }

  // ---- what is where

  private isNode(id: string): boolean {
    return this.shown?.layout.boxes.has(id) ?? false
  }

  private spot(event: MouseEvent): Point {
    const box = this.canvas.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }

  private at(event: MouseEvent): string | null {
    if (this.shown === null) return null
    const { x, y } = this.spot(event)
    const at = toDrawing(this.view, x, y)
    const { boxes, paths } = this.shown.layout
    for (const [id, box] of boxes) if (at.x >= box.x && at.x <= box.x + box.w && at.y >= box.y && at.y <= box.y + box.h) return id
    let [nearest, away] = [null as string | null, Infinity]
    for (const [id, path] of paths) {
      const distance = distanceTo(path, at, HIT_PX / this.view.scale)
      if (distance < away) [nearest, away] = [id, distance]
    }
    return nearest
  }

  // What is spoken of, with what it is tied to if there is room for that: no move of the person's.
  private reveal(id: string | null): void {
    if (this.shown === null || id === null) return
    const { boxes } = this.shown.layout
    const tied = litBy(this.shown.graph, { hovered: id, chosen: null, active: null })
    const all = around([...(tied?.nodes ?? [])].flatMap((node) => boxes.get(node) ?? []))
    const own = boxes.get(id)
    const scale = Math.max(this.view.scale, READ_SCALE)
    const fits = all !== null && all.w * scale + 2 * MARGIN_PX <= this.width && all.h * scale + 2 * MARGIN_PX <= this.height
    const box = fits ? all : (own ?? all)
    if (box) this.view = reveal(this.view, box, this.width, this.height, READ_SCALE)
  }

  private setView(view: Viewport): void {
    if (this.shown === null) return
    this.view = kept(view, this.shown.layout, this.width, this.height)
    this.moved = true
    this.next.ask()
  }

  // ---- pointer

  private wheel(event: WheelEvent): void {
    event.preventDefault()
    if (event.shiftKey) this.setView(pan(this.view, -(event.deltaX || event.deltaY), 0))
    else this.setView(zoomAt(this.view, this.spot(event), Math.exp(-event.deltaY * ZOOM_PER_PX)))
    this.point(null, 0, 0)
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return
    const spot = this.spot(event)
    this.drag = { ...spot, far: false, minimap: this.inMinimap(spot) }
    this.frame.setPointerCapture(event.pointerId)
    if (this.drag.minimap) this.goTo(spot)
  }

  private move(event: PointerEvent): void {
    const spot = this.spot(event)
    const { drag } = this
    if (drag === null) {
      const id = this.inMinimap(spot) ? null : this.at(event)
      this.frame.style.cursor = id === null ? '' : 'pointer'
      this.point(id, event.clientX, event.clientY)
      return
    }
    if (drag.minimap) return this.goTo(spot)
    if (!drag.far && Math.hypot(spot.x - drag.x, spot.y - drag.y) < DRAG_PX) return
    this.setView(pan(this.view, spot.x - drag.x, spot.y - drag.y))
    this.drag = { ...spot, far: true, minimap: false }
    this.frame.style.cursor = 'grabbing'
    this.point(null, 0, 0)
  }

  private release(event: PointerEvent): void {
    const { drag } = this
    this.drag = null
    this.frame.style.cursor = ''
    if (drag === null || drag.far || drag.minimap) return
    const id = this.at(event)
    if (id !== null && this.isNode(id)) this.marks.active = id // where it is seen already
    this.events.choose(id)
  }

  private point(id: string | null, x: number, y: number): void {
    if (this.marks.hovered !== id) {
      this.marks.hovered = id
      this.next.ask()
    }
    this.events.point(id, x, y)
  }

  // ---- keyboard

  private first(): string | null {
    return this.shown?.graph.nodes.find((node) => node.kind === 'user')?.id ?? this.shown?.graph.nodes[0]?.id ?? null
  }

  private activate(id: string | null): void {
    this.marks.active = id
    this.reveal(id)
    this.relist()
    this.next.ask()
  }

  private key(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey || this.shown === null) return false
    const direction = ({ ArrowUp: 'up', ArrowDown: 'down', ArrowLeft: 'left', ArrowRight: 'right' } as const)[event.key]
    const { active } = this.marks
    if (direction !== undefined && event.shiftKey) {
      const [dx, dy] = { up: [0, PAN_PX], down: [0, -PAN_PX], left: [PAN_PX, 0], right: [-PAN_PX, 0] }[direction] as [number, number]
      this.setView(pan(this.view, dx, dy))
    } else if (direction !== undefined) {
      const to = active === null ? this.first() : neighbour(this.shown.graph, this.shown.layout, active, direction)
      if (to !== null) this.activate(to)
    } else if (event.key === 'Enter' || event.key === ' ') {
      if (active !== null) this.events.choose(active)
    } else if (event.key === 'f' && active !== null) this.events.focus(active)
    else if (event.key === '+' || event.key === '=') this.zoom(1)
    else if (event.key === '-') this.zoom(-1)
    else if (event.key === '0') this.fit()
    else return false
    return true
  }

  private relist(): void {
    if (this.shown === null) return
    const { graph } = this.shown
    const { active, chosen } = this.marks
    this.list.replaceChildren(
      ...graph.nodes.map((node, i) => {
        const item = document.createElement('div')
        item.id = `${this.prefix}${i}`
        item.dataset.id = node.id
        item.setAttribute('role', 'option')
        item.setAttribute('aria-selected', String(node.id === chosen))
        if (node.id === active) this.frame.setAttribute('aria-activedescendant', item.id)
        const { callers, callees } = callsOf(graph, node.id)
        item.textContent = nodeWords(node, callers.length, callees.length)
        return item
      }),
    )
    if (active === null) this.frame.removeAttribute('aria-activedescendant')
  }

  // ---- drawing

  private resize(): void {
    const { clientWidth, clientHeight } = this.frame
    if (clientWidth === this.width && clientHeight === this.height) return
    this.width = clientWidth
    this.height = clientHeight
    // Room that a panel takes makes nothing smaller; what it is about stays in sight.
    if (this.marks.chosen === null && !this.moved) this.fit()
    else this.reveal(this.marks.chosen)
    this.draw() // now: a canvas that is sized anew is empty
  }

  private draw(): void {
    const context = sizeCanvas(this.canvas, this.width, this.height)
    if (context === null || this.shown === null) return
    const widths = (font: string) => {
      let known = this.fonts.get(font)
      if (known === undefined) {
        if (this.fonts.size > 50) this.fonts.clear() // of each zoom
        this.fonts.set(font, (known = new TextWidths()))
      }
      return known
    }
    new MapPainter(context, this.palette, widths).draw(this.shown, this.view, this.marks, this.width, this.height)
    this.drawMinimap(context, this.shown)
  }

  private drawMinimap(context: CanvasRenderingContext2D, { graph, layout }: Shown): void {
    const map = this.minimap()
    if (map === null) return
    const { palette, view } = this
    const { box, scale, left, top } = map
    context.fillStyle = palette.surface
    context.fillRect(box.x, box.y, box.w, box.h)
    for (const node of graph.nodes) {
      const at = layout.boxes.get(node.id)
      if (at === undefined) continue
      context.fillStyle = isFailing(node) ? palette.errorMark : palette.lineStrong
      context.fillRect(left + at.x * scale, top + at.y * scale, Math.max(1.5, at.w * scale), Math.max(1.5, at.h * scale))
    }
    context.lineWidth = 1
    context.strokeStyle = palette.lineStrong
    context.strokeRect(box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1)
    context.save()
    context.beginPath()
    context.rect(box.x, box.y, box.w, box.h)
    context.clip()
    context.strokeStyle = palette.accent
    context.lineWidth = 1.5
    context.strokeRect(left + view.x * scale, top + view.y * scale, (this.width / view.scale) * scale, (this.height / view.scale) * scale)
    context.restore()
  }

  // Only where part of the drawing is out of sight, and there is room.
  private minimap(): { box: { x: number; y: number; w: number; h: number }; scale: number; left: number; top: number } | null {
    if (this.shown === null || this.width < 520 || this.height < 320) return null
    const { view } = this
    const { width, height } = this.shown.layout
    const whole = view.x <= 1 && view.y <= 1 && view.x + this.width / view.scale >= width - 1 && view.y + this.height / view.scale >= height - 1
    if (whole) return null
    const scale = Math.min((MINIMAP.w - 8) / width, (MINIMAP.h - 8) / height)
    const box = { x: this.width - MINIMAP.w - MINIMAP.margin, y: this.height - MINIMAP.h - MINIMAP.margin, w: MINIMAP.w, h: MINIMAP.h }
    return { box, scale, left: box.x + (MINIMAP.w - width * scale) / 2, top: box.y + (MINIMAP.h - height * scale) / 2 }
  }

  private inMinimap({ x, y }: Point): boolean {
    const box = this.minimap()?.box
    return box !== undefined && x >= box.x && y >= box.y && x <= box.x + box.w && y <= box.y + box.h
  }

  private goTo({ x, y }: Point): void {
    const map = this.minimap()
    if (map === null) return
    const { scale } = this.view
    this.setView({ scale, x: (x - map.left) / map.scale - this.width / scale / 2, y: (y - map.top) / map.scale - this.height / scale / 2 })
  }
}

function around(boxes: readonly Box[]): Box | null {
  if (boxes.length === 0) return null
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))]
  return { x, y, w: Math.max(...boxes.map((box) => box.x + box.w)) - x, h: Math.max(...boxes.map((box) => box.y + box.h)) - y }
}
