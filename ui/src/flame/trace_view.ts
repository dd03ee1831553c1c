// What is shown of a trace, shared by waterfall, flame graph and minimap: window of time, chosen and hovered span,
// matches of the search. Views draw again when it says that something changed; they hold no state that another needs.
import type { CriticalPath } from './critical_path'
import type { TraceModel } from './model'
import { VisibleRows } from './rows'
import { clampWindow, zoomWindow, type Window } from './ruler'
import { NO_MATCHES, type Matches } from './search'

export type Change = 'window' | 'brushed' | 'active' | 'hover' | 'rows' | 'matches' | 'marks' | 'settings'

/** Times of log records (or chosen events) to be drawn on a row. */
export interface RowMark {
  at: number // ns from the start of the trace
  severe: boolean
}

export class TraceView {
  readonly rows: VisibleRows
  window: Window
  active = -1 // the row that the keyboard is on
  chosen = -1 // the row whose details are shown
  hovered = -1
  cursor = -1 // ns under the pointer, -1 for none
  matches: Matches = NO_MATCHES
  onlyMatches = false // other rows are left out
  showPath = true
  marks = new Map<number, RowMark[]>() // by row
  timeMarks: RowMark[] = [] // all of the trace, by time
  private readonly listeners = new Set<(change: Change) => void>()

  constructor(
    readonly model: TraceModel,
    readonly path: CriticalPath,
  ) {
    this.rows = new VisibleRows(model)
    this.window = { from: 0, to: model.duration }
  }

  listen(listener: (change: Change) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  tell(change: Change): void {
    for (const listener of this.listeners) listener(change)
  }

  get zoomed(): boolean {
    return this.window.from > 0 || this.window.to < this.model.duration
  }

  setWindow(window: Window): void {
    this.window = clampWindow(window, this.model.duration)
    this.tell('window')
  }

  /** A window that was marked out: views also bring what runs in it into sight. */
  brush(window: Window): void {
    this.setWindow(window)
    this.tell('brushed')
  }

  zoomAt(at: number, factor: number): void {
    this.window = zoomWindow(this.window, at, factor, this.model.duration)
    this.tell('window')
  }

  pan(nanos: number): void {
    this.setWindow({ from: this.window.from + nanos, to: this.window.to + nanos })
  }

  /** Fills the window with a span and a little on both sides. */
  zoomToRow(row: number): void {
    const [start, end] = [this.model.start[row]!, this.model.end[row]!]
    const air = Math.max((end - start) * 0.05, 50)
    this.setWindow({ from: start - air, to: end + air })
  }

  resetWindow(): void {
    this.setWindow({ from: 0, to: this.model.duration })
  }

  /** The place of the first shown row that begins in the window; -1 for none. Spans around it began before. */
  firstPlaceInWindow(): number {
    const { from, to } = this.window
    return this.rows.rows.findIndex((row) => this.model.start[row]! >= from && this.model.start[row]! < to)
  }

  /** The id of the span in a row; undefined for no row. */
  spanAt(row: number): string | undefined {
    return this.model.spanIds[row]
  }

  setActive(row: number): void {
    if (row === this.active || row < 0 || row >= this.model.rows) return
    this.active = row
    if (this.rows.reveal(row)) this.tell('rows')
    this.tell('active')
  }

  setChosen(row: number): void {
    this.chosen = row
    if (row >= 0) this.setActive(row)
    this.tell('active')
  }

  setHovered(row: number, cursor: number): void {
    if (row === this.hovered && cursor === this.cursor) return
    this.hovered = row
    this.cursor = cursor
    this.tell('hover')
  }

  setMatches(matches: Matches): void {
    this.matches = matches
    this.filter()
    this.tell('matches')
  }

  /** Shows nothing but the matches of the search and what they lie under. */
  setOnlyMatches(only: boolean): void {
    if (only === this.onlyMatches) return
    this.onlyMatches = only
    this.filter()
  }

  private filter(): void {
    const { mask, rows } = this.matches
    const before = this.rows.rows
    this.rows.showOnly(this.onlyMatches && mask !== null && rows.length > 0 ? rows : null)
    if (this.rows.rows === before) return
    if (this.active >= 0 && this.rows.placeOf(this.active) < 0) this.active = this.rows.rows[0] ?? -1
    this.tell('rows')
  }

  /** Folds or unfolds the siblings that are like a row. */
  toggleFold(row: number): boolean {
    const head = this.rows.toggleFold(row)
    if (head < 0) return false
    if (this.active >= 0 && this.rows.placeOf(this.active) < 0) this.active = head
    this.tell('rows')
    this.tell('active')
    return true
  }
}

/** Takes over what a person had made of the same trace before more of it arrived: by span ids, as rows have moved. */
export function carryOver(from: TraceView, to: TraceView): void {
  const rowIn = (row: number) => (row < 0 ? -1 : to.model.rowOf(from.model.spanIds[row] ?? ''))
  to.rows.takeCollapsed(from.rows, rowIn)
  to.showPath = from.showPath
  to.onlyMatches = from.onlyMatches
  if (from.zoomed) {
    // The trace may begin earlier now; what is shown stays what it was.
    const moved = Number(from.model.startUnixNano - to.model.startUnixNano)
    to.window = clampWindow({ from: from.window.from + moved, to: from.window.to + moved }, to.model.duration)
  }
  to.active = rowIn(from.active)
  to.chosen = rowIn(from.chosen)
}
