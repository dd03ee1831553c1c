// Which rows of a trace are shown: all but those under collapsed ones. Data: TraceModel + collapsed rows -> row numbers.
import { ancestors, FAILED, FAILED_BELOW, type TraceModel } from './model'

export class VisibleRows {
  rows: Int32Array // what is shown, top to bottom
  readonly collapsed: Uint8Array
  private readonly place: Int32Array // of a row in `rows`, -1 where hidden

  constructor(readonly model: TraceModel) {
    this.collapsed = new Uint8Array(model.rows)
    this.place = new Int32Array(model.rows)
    this.rows = new Int32Array(0)
    this.rebuild()
  }

  get length(): number {
    return this.rows.length
  }

  /** Place of a row among those shown, -1 where it is hidden. */
  placeOf(row: number): number {
    return this.place[row] ?? -1
  }

  isOpen(row: number): boolean {
    return this.collapsed[row] === 0
  }

  setOpen(row: number, open: boolean): boolean {
    if (this.model.children[row] === 0 || this.isOpen(row) === open) return false
    this.collapsed[row] = open ? 0 : 1
    this.rebuild()
    return true
  }

  /** Opens what hides a row. */
  reveal(row: number): boolean {
    let changed = false
    for (const above of ancestors(this.model, row)) {
      if (this.collapsed[above]) changed = true
      this.collapsed[above] = 0
    }
    if (changed) this.rebuild()
    return changed
  }

  openAll(): void {
    this.collapsed.fill(0)
    this.rebuild()
  }

  /** Shows the rows down to `depth` (0: the roots). */
  openToDepth(depth: number): void {
    for (let row = 0; row < this.model.rows; row++) {
      this.collapsed[row] = this.model.depth[row]! >= depth && this.model.children[row]! > 0 ? 1 : 0
    }
    this.rebuild()
  }

  /** Collapses all that has no failure under it. */
  openFailures(): void {
    for (let row = 0; row < this.model.rows; row++) {
      const leads = (this.model.flags[row]! & FAILED_BELOW) !== 0
      this.collapsed[row] = !leads && this.model.children[row]! > 0 ? 1 : 0
    }
    this.rebuild()
  }

  /** Collapses a service's work: each span of it that another service (or nobody) asked for. */
  closeService(service: number): void {
    const { model } = this
    for (let row = 0; row < model.rows; row++) {
      const parent = model.parent[row]!
      const entry = model.service[row] === service && (parent < 0 || model.service[parent] !== service)
      if (entry && model.children[row]! > 0) this.collapsed[row] = 1
    }
    this.rebuild()
  }

  /** Collapses what was collapsed in another trace's rows; `rowIn` says which row it is here. */
  takeCollapsed(from: VisibleRows, rowIn: (row: number) => number): void {
    for (let row = 0; row < from.model.rows; row++) {
      const here = from.collapsed[row] ? rowIn(row) : -1
      if (here >= 0 && this.model.children[here]! > 0) this.collapsed[here] = 1
    }
    this.rebuild()
  }

  private rebuild(): void {
    const { model } = this
    const shown = new Int32Array(model.rows)
    let count = 0
    this.place.fill(-1)
    for (let row = 0; row < model.rows;) {
      this.place[row] = count
      shown[count++] = row
      row += this.collapsed[row] ? model.size[row]! : 1
    }
    this.rows = shown.subarray(0, count)
  }
}

/** The next failed row after `from` in the direction, around the end; -1 where nothing failed. */
export function nextFailed(model: TraceModel, from: number, step: 1 | -1): number {
  for (let i = 1; i <= model.rows; i++) {
    const row = (((from + i * step) % model.rows) + model.rows) % model.rows
    if (model.flags[row]! & FAILED) return row
  }
  return -1
}
