// A plane of time and duration on canvases: axes, a pointer that hovers, a drag that selects a box. What lies on it is drawn by
// those who extend it (scatter.ts, heatmap.ts). Plain TypeScript; colours come from the tokens of the theme and follow it.
import { clamp, linearScale, type Scale } from '../base/scale'
import { durationTicks, logTicks, timeTickLabel, timeTicks, zoneOffsetMinutes } from '../base/ticks'
import type { Zone } from '../base/time'
import { formatDuration } from '../base/units'

export interface PlaneSpec {
  fromMs: number
  toMs: number
  log: boolean
  zone: Zone
}

// A side at the plot's edge is open: null.
export interface PlaneBox {
  fromMillis: number | null
  toMillis: number | null
  minNanos: number | null
  maxNanos: number | null
}

// Where something was selected, in the window.
export type Spot = Pick<MouseEvent, 'clientX' | 'clientY'>

export interface Place {
  x: number
  y: number
}

export const LEFT_PX = 64
export const RIGHT_PX = 12
export const TOP_PX = 10
export const BOTTOM_PX = 24
const DRAG_PX_MIN = 5
const EDGE_PX = 3 // a box that comes this near to an edge is open there

// Thread: the page.
export abstract class DurationPlane<Spec extends PlaneSpec> {
  private readonly canvas = document.createElement('canvas')
  protected readonly over = document.createElement('canvas')
  private readonly resize: ResizeObserver
  private readonly themes: MutationObserver
  protected x: Scale = linearScale([0, 1], [0, 1])
  protected y: Scale = linearScale([0, 1], [1, 0])
  protected width = 0
  protected height = 0
  private drag: Place | null = null
  private end: Place | null = null

  constructor(
    protected readonly host: HTMLElement,
    protected spec: Spec,
    private readonly select: ((box: PlaneBox, spot: Spot) => void) | undefined,
  ) {
    for (const canvas of [this.canvas, this.over]) {
      canvas.style.position = 'absolute'
      canvas.style.inset = '0'
      canvas.style.width = '100%'
      canvas.style.height = '100%'
      host.append(canvas)
    }
    this.over.style.touchAction = 'pan-y'
    this.over.style.cursor = 'crosshair'
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
  }

  // The scale of durations for these pixels, from the bottom up.
  protected abstract durations(pixels: readonly [number, number]): Scale
  protected abstract isEmpty(): boolean
  protected abstract drawMarks(context: CanvasRenderingContext2D): void
  protected abstract drawHovered(context: CanvasRenderingContext2D): void
  // null: the pointer is elsewhere.
  protected abstract hover(at: Place | null): void
  protected abstract pick(at: Place, event: MouseEvent): void

  update(spec: Spec): void {
    this.spec = spec
    this.layout()
  }

  destroy(): void {
    this.resize.disconnect()
    this.themes.disconnect()
    removeEventListener('keydown', this.key, true)
    this.canvas.remove()
    this.over.remove()
  }

  protected layout(): void {
    this.width = this.host.clientWidth
    this.height = this.host.clientHeight
    if (this.width === 0 || this.height === 0) return
    for (const canvas of [this.canvas, this.over]) {
      canvas.width = Math.round(this.width * devicePixelRatio)
      canvas.height = Math.round(this.height * devicePixelRatio)
    }
    this.x = linearScale([this.spec.fromMs, this.spec.toMs], [LEFT_PX, this.width - RIGHT_PX])
    this.y = this.durations([this.height - BOTTOM_PX, TOP_PX])
    this.laidOut()
    this.draw()
  }

  protected laidOut(): void {
    // nothing; for those who keep places
  }

  protected token(name: string): string {
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
    this.drawMarks(context)
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
    // Without marks no duration means anything.
    for (const nanos of this.isEmpty() ? [] : ticks) {
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

  protected drawOver(): void {
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
    this.drawHovered(context)
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
        this.hover(null)
        this.drawOver()
      }
      return
    }
    this.hover(at)
  }

  private readonly released = (event: PointerEvent): void => {
    const { drag, end } = this
    this.drag = null
    this.end = null
    if (drag !== null && end !== null) {
      this.drawOver()
      this.select?.(this.box(drag, end), event)
    } else if (drag !== null || event.pointerType === 'touch') {
      this.pick(this.at(event), event)
    }
  }

  private box(a: Place, b: Place): PlaneBox {
    const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)]
    const [top, bottom] = [Math.min(a.y, b.y), Math.max(a.y, b.y)]
    return {
      fromMillis: left <= LEFT_PX + EDGE_PX ? null : this.x.toValue(left),
      toMillis: right >= this.width - RIGHT_PX - EDGE_PX ? null : this.x.toValue(right),
      minNanos: bottom >= this.height - BOTTOM_PX - EDGE_PX ? null : this.y.toValue(bottom),
      maxNanos: top <= TOP_PX + EDGE_PX ? null : this.y.toValue(top),
    }
  }

  private readonly left = (): void => {
    if (this.drag === null) this.hover(null)
  }

  // left, top, right, bottom; an open side is the plot's edge.
  protected edges(box: PlaneBox): [number, number, number, number] {
    return [
      box.fromMillis === null ? LEFT_PX : this.inside({ x: this.x.toPixel(box.fromMillis), y: 0 }).x,
      box.maxNanos === null ? TOP_PX : this.inside({ x: 0, y: this.y.toPixel(box.maxNanos) }).y,
      box.toMillis === null ? this.width - RIGHT_PX : this.inside({ x: this.x.toPixel(box.toMillis), y: 0 }).x,
      box.minNanos === null ? this.height - BOTTOM_PX : this.inside({ x: 0, y: this.y.toPixel(box.minNanos) }).y,
    ]
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
