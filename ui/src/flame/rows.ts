// Which rows of a trace are shown: all but those under collapsed ones, those that a folded sibling stands for, and, while
// there is a filter, those that it leaves out. Data: TraceModel + what is collapsed and folded -> row numbers.
import { findFolds, type Fold, type Folds } from './folds'
import { ancestors, FAILED, FAILED_BELOW, type TraceModel } from './model'

export class VisibleRows {
  rows: Int32Array // what is shown, top to bottom
  readonly collapsed: Uint8Array
  readonly folds: Folds
  private readonly unfolded: Uint8Array // by fold
  private only: Uint8Array | null = null // rows that the filter shows; null: no filter, all
  private readonly place: Int32Array // of a row in `rows`, -1 where hidden

  constructor(readonly model: TraceModel) {
    this.collapsed = new Uint8Array(model.rows)
    this.folds = findFolds(model)
    this.unfolded = new Uint8Array(this.folds.list.length)
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

  /** Whether what is under a row is shown; a row that stands for folded ones is closed. */
  isOpen(row: number): boolean {
    return this.collapsed[row] === 0 && this.foldAt(row) === null
  }

  setOpen(row: number, open: boolean): boolean {
    if (open && this.foldAt(row) !== null) return this.toggleFold(row) >= 0
    if (this.model.children[row] === 0 || this.isOpen(row) === open) return false
    this.collapsed[row] = open ? 0 : 1
    this.rebuild()
    return true
  }

  /** The group for which a row stands at present; null for a row that is only itself. */
  foldAt(row: number): Fold | null {
    const fold = this.folds.of[row] ?? -1
    return fold >= 0 && this.isFolded(fold) && this.folds.list[fold]!.rows[0] === row ? this.folds.list[fold]! : null
  }

  /** Folds or unfolds the group of a row. The row that stands for it, -1 where the row has none. */
  toggleFold(row: number): number {
    const fold = this.folds.of[row] ?? -1
    if (fold < 0 || this.only !== null) return -1
    this.unfolded[fold] = this.unfolded[fold] ? 0 : 1
    this.rebuild()
    return this.folds.list[fold]!.rows[0]!
  }

  /** Shows these rows and what they lie under, and nothing else; null shows all again. */
  showOnly(rows: readonly number[] | null): void {
    if (rows === null && this.only === null) return
    this.only = rows === null ? null : new Uint8Array(this.model.rows)
    for (const row of rows ?? []) this.addToFilter(row)
    this.rebuild()
  }

  // A filter shows each match by itself.
  private isFolded(fold: number): boolean {
    return this.unfolded[fold] === 0 && this.only === null
  }

  private addToFilter(row: number): boolean {
    let changed = false
    for (let at = row; at >= 0 && this.only?.[at] === 0; at = this.model.parent[at]!) {
      this.only[at] = 1
      if (at !== row) this.collapsed[at] = 0
      changed = true
    }
    return changed
  }

  private unfoldFor(row: number, itself: boolean): boolean {
    const fold = this.folds.of[row]!
    if (fold < 0 || !this.isFolded(fold) || (itself && this.folds.list[fold]!.rows[0] === row)) return false
    this.unfolded[fold] = 1
    return true
  }

  /** Opens what hides a row. */
  reveal(row: number): boolean {
    let changed = this.addToFilter(row)
    if (this.unfoldFor(row, true)) changed = true
    for (const above of ancestors(this.model, row)) {
      if (this.collapsed[above] || this.unfoldFor(above, false)) changed = true
      this.collapsed[above] = 0
    }
    if (changed) this.rebuild()
    return changed
  }

  openAll(): void {
    this.collapsed.fill(0)
    this.unfolded.fill(1)
    this.rebuild()
  }

  /** Shows the rows down to `depth` (0: the roots). */
  openToDepth(depth: number): void {
    this.unfolded.fill(0)
    for (let row = 0; row < this.model.rows; row++) {
      this.collapsed[row] = this.model.depth[row]! >= depth && this.model.children[row]! > 0 ? 1 : 0
    }
    this.rebuild()
  }

  /** Collapses all that has no failure under it. */
  openFailures(): void {
    this.unfolded.fill(0)
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

  /** Collapses and unfolds what was so in another trace's rows; `rowIn` says which row it is here. */
  takeCollapsed(from: VisibleRows, rowIn: (row: number) => number): void {
    for (let row = 0; row < from.model.rows; row++) {
      const here = from.collapsed[row] ? rowIn(row) : -1
      if (here >= 0 && this.model.children[here]! > 0) this.collapsed[here] = 1
    }
    from.folds.list.forEach((fold, i) => {
      const here = from.unfolded[i] ? (this.folds.of[rowIn(fold.rows[0]!)] ?? -1) : -1
      if (here >= 0) this.unfolded[here] = 1
    })
    this.rebuild()
  }

  private rebuild(): void {
    const { model } = this
    const shown = new Int32Array(model.rows)
    let count = 0
    this.place.fill(-1)
    for (let row = 0; row < model.rows;) {
      const fold = this.folds.of[row]!
      const folded = fold >= 0 && this.isFolded(fold)
      if (this.only?.[row] === 0 || (folded && this.folds.list[fold]!.rows[0] !== row)) {
        row += model.size[row]!
        continue
      }
      this.place[row] = count
      shown[count++] = row
      row += folded || this.collapsed[row] ? model.size[row]! : 1
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
