// Spans as points of time and duration on a canvas: hover finds the nearest, a click opens it, a drag selects a box. Failed
// ones are crosses in the error colour, so that shape says it too. Plain TypeScript; Scatter.svelte puts it on a page.
// Data: a ScatterSpec in; hovers, picks and boxes out.
import { seriesIndex } from '../base/colors'
import { clamp, linearScale, logDomain, logScale, type Scale } from '../base/scale'
import { durationTicks, logTicks, timeTickLabel, timeTicks, zoneOffsetMinutes } from '../base/ticks'
import type { Zone } from '../base/time'
import { formatDuration } from '../base/units'
import { PointGrid } from './scatter_grid'

export interface ScatterMark {
  timeMs: number
  nanos: number
  failed: boolean
  service: string
}

export interface ScatterSpec {
  fromMs: number
  toMs: number
  marks: readonly ScatterMark[]
  log: boolean
  zone: Zone
}

// A side at the plot's edge is open: null.
export interface ScatterBox {
  fromMillis: number | null
  toMillis: number | null
  minNanos: number | null
  maxNanos: number | null
}

export interface ScatterEvents {
  hover?: ((index: number | null, x: number, y: number) => void) | undefined
  pick?: ((index: number, event: MouseEvent) => void) | undefined
  select?: ((box: ScatterBox) => void) | undefined
}

const LEFT_PX = 64
const RIGHT_PX = 12
const TOP_PX = 10
const BOTTOM_PX = 24
const POINT_PX = 2.75 // radius
const CROSS_PX = 3.25
const REACH_PX = 12 // how far from the pointer a point is still meant
const DRAG_PX_MIN = 5
const EDGE_PX = 3 // a box that comes this near to an edge is open there
const POINT_ALPHA = 0.6

interface Place {
  x: number
  y: number
}

// Thread: the page.
export class ScatterPlot {
  private readonly canvas = document.createElement('canvas')
  private readonly over = document.createElement('canvas')
  private readonly resize: ResizeObserver
  private readonly themes: MutationObserver
  private x: Scale = linearScale([0, 1], [0, 1])
  private y: Scale = linearScale([0, 1], [1, 0])
  private grid = new PointGrid([], REACH_PX)
  private width = 0
  private height = 0
  private drag: Place | null = null
  private end: Place | null = null
  private hovered: number | null = null
  private marked: number | null = null

  constructor(
    private readonly host: HTMLElement,
    private spec: ScatterSpec,
    private readonly events: ScatterEvents,
  ) {
    for (const canvas of [this.canvas, this.over]) {
      canvas.style.position = 'absolute'
      canvas.style.inset = '0'
      canvas.style.width = '100%'
      canvas.style.height = '100%'
      host.append(canvas)
    }
    this.over.style.touchAction = 'pan-y'
    this.resize = new ResizeObserver(() => this.layout())
    this.resize.observe(host)
    this.themes = new MutationObserver(() => this.draw())
    this.themes.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
    this.over.addEventListener('pointerdown', this.pressed)
    this.over.addEventListener('pointermove', this.moved)
    this.over.addEventListener('pointerup', this.released)
    this.over.addEventListener('pointerleave', this.left)
    this.over.addEventListener('pointercancel', this.cancel)
    addEventListener('keydown', this.key, true)
    this.layout()
  }

  update(spec: ScatterSpec): void {
    this.spec = spec
    this.hovered = null
    this.marked = null
    this.layout()
  }

  // Rings a point from outside: the row that has the focus.
  mark(index: number | null): void {
    if (index === this.marked) return
    this.marked = index
    this.drawOver()
  }

  destroy(): void {
    this.resize.disconnect()
    this.themes.disconnect()
    removeEventListener('keydown', this.key, true)
    this.canvas.remove()
    this.over.remove()
  }

  // Where a point stands, in CSS pixels of the host; for tests and for the ring.
  place(index: number): Place | null {
    const mark = this.spec.marks[index]
    return mark === undefined ? null : { x: this.x.toPixel(mark.timeMs), y: this.y.toPixel(mark.nanos) }
  }

  private layout(): void {
    this.width = this.host.clientWidth
    this.height = this.host.clientHeight
    if (this.width === 0 || this.height === 0) return
    for (const canvas of [this.canvas, this.over]) {
      canvas.width = Math.round(this.width * devicePixelRatio)
      canvas.height = Math.round(this.height * devicePixelRatio)
    }
    const { spec } = this
    this.x = linearScale([spec.fromMs, spec.toMs], [LEFT_PX, this.width - RIGHT_PX])
    const vertical = [this.height - BOTTOM_PX, TOP_PX] as const
    let highest = 1e6
    for (const mark of spec.marks) if (mark.nanos > highest) highest = mark.nanos
    this.y = spec.log
      ? logScale(logDomain(spec.marks.map((mark) => mark.nanos)), vertical)
      : linearScale([0, highest * 1.05], vertical)
    this.grid = new PointGrid(
      spec.marks.map((_, index) => this.place(index) ?? { x: 0, y: 0 }),
      REACH_PX,
    )
    this.draw()
  }

  private token(name: string): string {
    return getComputedStyle(this.host).getPropertyValue(`--${name}`).trim()
  }

  private context(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
    const context = canvas.getContext('2d')
    context?.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0)
    context?.clearRect(0, 0, this.width, this.height)
    return context
  }

  private draw(): void {
    const context = this.context(this.canvas)
    if (context === null) return
    this.drawAxes(context)
    this.drawPoints(context)
    this.drawOver()
  }

  private drawAxes(context: CanvasRenderingContext2D): void {
    const { spec } = this
    context.font = `11px ${getComputedStyle(this.host).fontFamily}`
    context.fillStyle = this.token('axis')
    context.strokeStyle = this.token('grid')
    context.lineWidth = 1
    const rows = Math.max(2, Math.floor((this.height - TOP_PX - BOTTOM_PX) / 28))
    const [low, high] = this.y.domain
    context.textAlign = 'right'
    context.textBaseline = 'middle'
    const ticks = spec.log ? logTicks(low, high, rows) : durationTicks(low, high, rows)
    // Without points no duration means anything.
    for (const nanos of spec.marks.length > 0 ? ticks : []) {
      const y = Math.round(this.y.toPixel(nanos)) + 0.5
      context.beginPath()
      context.moveTo(LEFT_PX, y)
      context.lineTo(this.width - RIGHT_PX, y)
      context.stroke()
      context.fillText(nanos === 0 ? '0' : formatDuration(nanos), LEFT_PX - 8, y)
    }
    const offset = zoneOffsetMinutes(spec.zone)
    const { stepSeconds, millis } = timeTicks(spec.fromMs, spec.toMs, Math.max(2, Math.floor(this.width / 110)), offset)
    context.textAlign = 'center'
    context.textBaseline = 'alphabetic'
    for (const at of millis) {
      const x = Math.round(this.x.toPixel(at)) + 0.5
      context.beginPath()
      context.moveTo(x, this.height - BOTTOM_PX)
      context.lineTo(x, this.height - BOTTOM_PX + 4)
      context.stroke()
      context.fillText(timeTickLabel(at, stepSeconds, offset), clamp(x, LEFT_PX, this.width - 24), this.height - 6)
    }
  }

  // By colour, so that the canvas changes its state a few times and not for each point; failed ones on top.
  private drawPoints(context: CanvasRenderingContext2D): void {
    const groups = new Map<number, number[]>()
    const failed: number[] = []
    this.spec.marks.forEach((mark, index) => {
      if (mark.failed) {
        failed.push(index)
        return
      }
      const series = seriesIndex(mark.service)
      const group = groups.get(series)
      if (group === undefined) groups.set(series, [index])
      else group.push(index)
    })
    context.globalAlpha = POINT_ALPHA
    for (const [series, indexes] of groups) {
      context.fillStyle = this.token(`series-${series}`)
      context.beginPath()
      for (const index of indexes) {
        const at = this.place(index)
        if (at === null) continue
        context.moveTo(at.x + POINT_PX, at.y)
        context.arc(at.x, at.y, POINT_PX, 0, 2 * Math.PI)
      }
      context.fill()
    }
    context.globalAlpha = 0.95
    context.strokeStyle = this.token('error-mark')
    context.lineWidth = 1.75
    context.lineCap = 'round'
    context.beginPath()
    for (const index of failed) {
      const at = this.place(index)
      if (at === null) continue
      context.moveTo(at.x - CROSS_PX, at.y - CROSS_PX)
      context.lineTo(at.x + CROSS_PX, at.y + CROSS_PX)
      context.moveTo(at.x - CROSS_PX, at.y + CROSS_PX)
      context.lineTo(at.x + CROSS_PX, at.y - CROSS_PX)
    }
    context.stroke()
    context.globalAlpha = 1
  }

  private drawOver(): void {
    const context = this.context(this.over)
    if (context === null) return
    if (this.drag !== null && this.end !== null) {
      const [x, y] = [Math.min(this.drag.x, this.end.x), Math.min(this.drag.y, this.end.y)]
      const [width, height] = [Math.abs(this.end.x - this.drag.x), Math.abs(this.end.y - this.drag.y)]
      context.fillStyle = this.token('accent')
      context.globalAlpha = 0.12
      context.fillRect(x, y, width, height)
      context.globalAlpha = 1
      context.strokeStyle = this.token('accent')
      context.strokeRect(x + 0.5, y + 0.5, width, height)
      return
    }
    for (const index of [this.marked, this.hovered]) {
      const at = index === null ? null : this.place(index)
      if (at === null) continue
      context.strokeStyle = this.token('text')
      context.lineWidth = 1.5
      context.beginPath()
      context.arc(at.x, at.y, 6, 0, 2 * Math.PI)
      context.stroke()
    }
  }

  private at(event: MouseEvent): Place {
    const { left, top } = this.over.getBoundingClientRect()
    return { x: event.clientX - left, y: event.clientY - top }
  }

  private inside({ x, y }: Place): Place {
    return { x: clamp(x, LEFT_PX, this.width - RIGHT_PX), y: clamp(y, TOP_PX, this.height - BOTTOM_PX) }
  }

  private readonly pressed = (event: PointerEvent): void => {
    if (event.button !== 0 || event.pointerType === 'touch') return
    this.drag = this.inside(this.at(event))
    this.end = null
    this.over.setPointerCapture(event.pointerId)
  }

  private readonly moved = (event: PointerEvent): void => {
    const at = this.at(event)
    if (this.drag !== null) {
      const end = this.inside(at)
      if (this.end !== null || Math.hypot(end.x - this.drag.x, end.y - this.drag.y) >= DRAG_PX_MIN) {
        this.end = end
        this.hoverOn(null, at)
        this.drawOver()
      }
      return
    }
    this.hoverOn(this.grid.nearest(at.x, at.y), at)
  }

  private hoverOn(index: number | null, at: Place): void {
    if (index === this.hovered && index === null) return
    const changed = index !== this.hovered
    this.hovered = index
    this.over.style.cursor = index === null ? 'crosshair' : 'pointer'
    const place = index === null ? null : this.place(index)
    this.events.hover?.(index, place?.x ?? at.x, place?.y ?? at.y)
    if (changed) this.drawOver()
  }

  private readonly released = (event: PointerEvent): void => {
    const { drag, end } = this
    this.drag = null
    this.end = null
    if (drag !== null && end !== null) {
      this.drawOver()
      this.events.select?.(this.box(drag, end))
    } else if (drag !== null || event.pointerType === 'touch') {
      const at = this.at(event)
      const index = this.grid.nearest(at.x, at.y)
      if (index !== null) this.events.pick?.(index, event)
    }
  }

  private box(a: Place, b: Place): ScatterBox {
    const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)]
    const [top, bottom] = [Math.min(a.y, b.y), Math.max(a.y, b.y)]
    return {
      fromMillis: left <= LEFT_PX + EDGE_PX ? null : this.x.toValue(left),
      toMillis: right >= this.width - RIGHT_PX - EDGE_PX ? null : this.x.toValue(right),
      minNanos: bottom >= this.height - BOTTOM_PX - EDGE_PX ? null : this.y.toValue(bottom),
      maxNanos: top <= TOP_PX + EDGE_PX ? null : this.y.toValue(top),
    }
  }

  private readonly left = (event: PointerEvent): void => {
    if (this.drag === null) this.hoverOn(null, this.at(event))
  }

  private readonly cancel = (): void => {
    this.drag = null
    this.end = null
    this.drawOver()
  }

  private readonly key = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || this.drag === null) return
    event.stopPropagation()
    this.cancel()
  }
}
