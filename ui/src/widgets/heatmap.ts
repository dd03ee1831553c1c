// How many spans there are over time and duration, as cells on a canvas: the more, the darker; the part that failed in the
// error colour at the cell's foot, so that height says it too. A drag selects a box, which stays until it is let go; so do
// arrow keys and Enter (heatmap_cursor.ts). Plain TypeScript; Heatmap.svelte puts it on a page.
import { logScale, type Scale } from '../base/scale'
import { DurationPlane, type Place, type PlaneBox, type PlaneSpec, type Spot } from './duration_plane'
import { moveBox, planeBox, type CellBox, type CellRange } from './heatmap_cursor'

export interface HeatCell {
  column: number
  bucket: number // durations from 2^(bucket/n) to below 2^((bucket+1)/n) ns; 0 begins at 0
  spans: number
  errors: number
}

export interface HeatmapSpec extends PlaneSpec {
  columnMs: number
  bucketsPerDoubling: number
  cells: readonly HeatCell[]
}

export interface HeatmapEvents {
  hover?: ((cell: HeatCell | null, x: number, y: number) => void) | undefined
  select?: ((box: PlaneBox, spot: Spot) => void) | undefined
  // The box under the keys, with what is in it; null: there is none any more.
  move?: ((box: KeyedBox | null) => void) | undefined
}

export interface KeyedBox {
  box: PlaneBox
  spans: number
  errors: number
}

const ALPHA_LEAST = 0.16
const GAP_PX = 1 // between cells, where there is room
const ROOM_PX = 5

// [low, high) in nanoseconds.
export function bucketBounds(bucket: number, perDoubling: number): [number, number] {
  return [bucket === 0 ? 0 : 2 ** (bucket / perDoubling), 2 ** ((bucket + 1) / perDoubling)]
}

function between(value: number, a: number, b: number): boolean {
  return value >= Math.min(a, b) && value <= Math.max(a, b)
}

// Whether a cell means the same in both. Live moves a range on by little, and who stretches a box then goes on with it.
export function sameCells(one: HeatmapSpec, other: HeatmapSpec): boolean {
  const [length, otherLength] = [one.toMs - one.fromMs, other.toMs - other.fromMs]
  const sameSteps = one.columnMs === other.columnMs && one.bucketsPerDoubling === other.bucketsPerDoubling
  return sameSteps && Math.abs(length - otherLength) < one.columnMs && Math.abs(one.fromMs - other.fromMs) < length
}

// By the logarithm: one span among thousands is still seen.
export function cellAlpha(spans: number, most: number): number {
  if (most <= 1) return 1
  return ALPHA_LEAST + (1 - ALPHA_LEAST) * (Math.log1p(spans) / Math.log1p(most))
}

// Thread: the page.
export class HeatmapPlot extends DurationPlane<HeatmapSpec> {
  private cells = new Map<string, HeatCell>()
  private hovered: HeatCell | null = null
  private selected: PlaneBox | null = null
  private keyed: CellBox | null = null

  constructor(
    host: HTMLElement,
    spec: HeatmapSpec,
    private readonly events: HeatmapEvents,
  ) {
    super(host, spec, (box, spot) => {
      this.letGo()
      events.select?.(box, spot)
    })
    this.layout()
  }

  override update(spec: HeatmapSpec): void {
    this.hovered = null
    const stays = this.keyed !== null && sameCells(this.spec, spec)
    if (!stays) this.letGo()
    super.update(spec)
    if (stays) this.tellBox()
  }

  // Shows a box as selected; null: none.
  keep(box: PlaneBox | null): void {
    this.selected = box
    this.drawOver()
  }

  // True: the key meant something here.
  pressKey({ key, shiftKey }: Pick<KeyboardEvent, 'key' | 'shiftKey'>): boolean {
    if (this.isEmpty()) return false
    if (this.keyed !== null && key === 'Escape') {
      this.letGo()
      return true
    }
    if (this.keyed !== null && (key === 'Enter' || key === ' ')) {
      const box = this.boxOf(this.keyed)
      const [left, top, right, bottom] = this.edges(box)
      const plane = this.over.getBoundingClientRect()
      this.events.select?.(box, { clientX: plane.left + (left + right) / 2, clientY: plane.top + (top + bottom) / 2 })
      return true
    }
    const most = this.spec.cells.reduce((one, other) => (other.spans > one.spans ? other : one))
    const moved = moveBox(this.keyed, { key, shift: shiftKey }, this.range(), most)
    if (moved === null) return false
    this.keyed = moved
    this.drawOver()
    this.tellBox()
    return true
  }

  private tellBox(): void {
    const { keyed } = this
    if (keyed === null) return
    const inside = this.spec.cells.filter(({ column, bucket }) => between(column, keyed.column, keyed.toColumn) && between(bucket, keyed.bucket, keyed.toBucket))
    const sum = (of: 'spans' | 'errors') => inside.reduce((all, cell) => all + cell[of], 0)
    this.events.move?.({ box: this.boxOf(keyed), spans: sum('spans'), errors: sum('errors') })
  }

  private letGo(): void {
    if (this.keyed === null) return
    this.keyed = null
    this.drawOver()
    this.events.move?.(null)
  }

  private range(): CellRange {
    const { fromMs, toMs, columnMs, bucketsPerDoubling, cells } = this.spec
    const buckets = cells.map(({ bucket }) => bucket)
    return {
      columns: Math.max(1, Math.round((toMs - fromMs) / columnMs)),
      low: Math.max(0, buckets.reduce((a, b) => Math.min(a, b), Infinity) - bucketsPerDoubling),
      high: buckets.reduce((a, b) => Math.max(a, b), 0) + bucketsPerDoubling,
    }
  }

  private boxOf(cells: CellBox): PlaneBox {
    const { fromMs, columnMs, bucketsPerDoubling } = this.spec
    return planeBox(cells, this.range(), fromMs, columnMs, (bucket) => bucketBounds(bucket, bucketsPerDoubling))
  }

  protected override laidOut(): void {
    this.cells = new Map(this.spec.cells.map((cell) => [`${cell.column},${cell.bucket}`, cell]))
  }

  protected durations(pixels: readonly [number, number]): Scale {
    const { cells, bucketsPerDoubling } = this.spec
    let low = Infinity
    let high = 0
    for (const { bucket } of cells) {
      if (bucket < low) low = bucket
      if (bucket > high) high = bucket
    }
    if (low > high) return logScale([1e3, 1e9], pixels)
    const room = bucketsPerDoubling // one doubling above and below, so that no cell sticks to the edge
    return logScale([Math.max(1, 2 ** ((low - room) / bucketsPerDoubling)), 2 ** ((high + 1 + room) / bucketsPerDoubling)], pixels)
  }

  protected isEmpty(): boolean {
    return this.spec.cells.length === 0
  }

  private cellBox({ column, bucket }: HeatCell): { x: number; y: number; width: number; height: number } {
    const { fromMs, columnMs, bucketsPerDoubling } = this.spec
    const [low, high] = bucketBounds(bucket, bucketsPerDoubling)
    const left = this.x.toPixel(fromMs + column * columnMs)
    const right = this.x.toPixel(fromMs + (column + 1) * columnMs)
    const [top, bottom] = [this.y.toPixel(high), this.y.toPixel(Math.max(low, this.y.domain[0]))]
    return { x: left, y: top, width: right - left, height: bottom - top }
  }

  protected drawMarks(context: CanvasRenderingContext2D): void {
    const most = this.spec.cells.reduce((sum, cell) => Math.max(sum, cell.spans), 0)
    const [plain, failed] = [this.token('accent'), this.token('error-mark')]
    for (const cell of this.spec.cells) {
      const { x, y, width, height } = this.cellBox(cell)
      const [wide, high] = [width > ROOM_PX ? width - GAP_PX : width, height > ROOM_PX ? height - GAP_PX : height]
      context.fillStyle = plain
      context.globalAlpha = cellAlpha(cell.spans, most)
      context.fillRect(x, y, wide, high)
      if (cell.errors > 0) {
        context.fillStyle = failed
        context.globalAlpha = 1
        const part = Math.max(1.5, high * Math.min(1, cell.errors / cell.spans))
        context.fillRect(x, y + high - part, wide, part)
      }
    }
    context.globalAlpha = 1
  }

  protected drawHovered(context: CanvasRenderingContext2D): void {
    const box = this.keyed === null ? this.selected : this.boxOf(this.keyed)
    if (box !== null) {
      const [left, top, right, bottom] = this.edges(box)
      context.fillStyle = this.token('text')
      context.globalAlpha = 0.06
      context.fillRect(left, top, right - left, bottom - top)
      context.globalAlpha = 1
      context.strokeStyle = this.token('text')
      context.lineWidth = 1.5
      context.strokeRect(left + 0.5, top + 0.5, right - left, bottom - top)
    }
    if (this.hovered === null) return
    const { x, y, width, height } = this.cellBox(this.hovered)
    context.strokeStyle = this.token('text')
    context.lineWidth = 1
    context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1)
  }

  protected hover(at: Place | null): void {
    const cell = at === null ? null : this.cellAt(at)
    if (cell === this.hovered && cell === null) return
    const changed = cell !== this.hovered
    this.hovered = cell
    const { x, y, width, height } = cell === null ? { x: 0, y: 0, width: 0, height: 0 } : this.cellBox(cell)
    this.events.hover?.(cell, x + width / 2, y + height / 2)
    if (changed) this.drawOver()
  }

  // A click on a cell selects it.
  protected pick(at: Place, event: MouseEvent): void {
    const cell = this.cellAt(at)
    if (cell === null) return
    const { fromMs, columnMs, bucketsPerDoubling } = this.spec
    const [minNanos, maxNanos] = bucketBounds(cell.bucket, bucketsPerDoubling)
    const fromMillis = fromMs + cell.column * columnMs
    this.letGo()
    this.events.select?.({ fromMillis, toMillis: fromMillis + columnMs, minNanos, maxNanos }, event)
  }

  private cellAt({ x, y }: Place): HeatCell | null {
    const { fromMs, columnMs, bucketsPerDoubling } = this.spec
    const column = Math.floor((this.x.toValue(x) - fromMs) / columnMs)
    const bucket = Math.max(0, Math.floor(Math.log2(this.y.toValue(y)) * bucketsPerDoubling))
    return this.cells.get(`${column},${bucket}`) ?? null
  }
}
