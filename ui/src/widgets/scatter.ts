// Spans as points of time and duration on a canvas: hover finds the nearest, a click opens it, a drag selects a box. Failed
// ones are crosses in the error colour, so that shape says it too. Plain TypeScript; Scatter.svelte puts it on a page.
// Data: a ScatterSpec in; hovers, picks and boxes out.
import { seriesIndex } from '../base/colors'
import { linearScale, logDomain, logScale, type Scale } from '../base/scale'
import { DurationPlane, type Place, type PlaneBox, type PlaneSpec } from './duration_plane'
import { PointGrid } from './scatter_grid'

export interface ScatterMark {
  timeMs: number
  nanos: number
  failed: boolean
  service: string
}

export interface ScatterSpec extends PlaneSpec {
  marks: readonly ScatterMark[]
}

export interface ScatterEvents {
  hover?: ((index: number | null, x: number, y: number) => void) | undefined
  pick?: ((index: number, event: MouseEvent) => void) | undefined
  select?: ((box: PlaneBox) => void) | undefined
}

const POINT_PX = 2.75 // radius
const CROSS_PX = 3.25
const REACH_PX = 12 // how far from the pointer a point is still meant
const POINT_ALPHA = 0.6

// Thread: the page.
export class ScatterPlot extends DurationPlane<ScatterSpec> {
  private grid = new PointGrid([], REACH_PX)
  private hovered: number | null = null
  private marked: number | null = null

  constructor(
    host: HTMLElement,
    spec: ScatterSpec,
    private readonly events: ScatterEvents,
  ) {
    super(host, spec, (box) => events.select?.(box))
    this.layout()
  }

  override update(spec: ScatterSpec): void {
    this.hovered = null
    this.marked = null
    super.update(spec)
  }

  // Rings a point from outside: the row that has the focus.
  mark(index: number | null): void {
    if (index === this.marked) return
    this.marked = index
    this.drawOver()
  }

  // Where a point stands, in CSS pixels of the host; for tests and for the ring.
  place(index: number): Place | null {
    const mark = this.spec.marks[index]
    return mark === undefined ? null : { x: this.x.toPixel(mark.timeMs), y: this.y.toPixel(mark.nanos) }
  }

  protected durations(pixels: readonly [number, number]): Scale {
    const { marks, log } = this.spec
    if (log) return logScale(logDomain(marks.map((mark) => mark.nanos)), pixels)
    let highest = 1e6
    for (const mark of marks) if (mark.nanos > highest) highest = mark.nanos
    return linearScale([0, highest * 1.05], pixels)
  }

  protected isEmpty(): boolean {
    return this.spec.marks.length === 0
  }

  protected override laidOut(): void {
    this.grid = new PointGrid(
      this.spec.marks.map((_, index) => this.place(index) ?? { x: 0, y: 0 }),
      REACH_PX,
    )
  }

  // By colour, so that the canvas changes its state a few times and not for each point; failed ones on top.
  protected drawMarks(context: CanvasRenderingContext2D): void {
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

  protected drawHovered(context: CanvasRenderingContext2D): void {
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

  protected hover(at: Place | null): void {
    this.hoverOn(at === null ? null : this.grid.nearest(at.x, at.y), at ?? { x: 0, y: 0 })
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

  protected pick(at: Place, event: MouseEvent): void {
    const index = this.grid.nearest(at.x, at.y)
    if (index !== null) this.events.pick?.(index, event)
  }
}
