// One row of the waterfall's names: an element that is filled anew for whatever span it shows while one scrolls.
// The tree stands in ARIA attributes; the timeline's cell says in words what the canvas draws.
import { formatDuration } from '../base/units'
import { ENDS_LATE, FAILED, FAILED_BELOW, MISSING, rowName, serviceName, STARTS_EARLY } from './model'
import type { Fold } from './folds'
import type { TraceView } from './trace_view'

export interface RowLook {
  indent: number // pixels
  color: string
}

export class WaterfallRow {
  readonly element = document.createElement('div')
  row = -1
  private readonly cell = part('div', 'wf-cell')
  private readonly twisty = part('span', 'wf-twisty')
  private readonly swatch = part('span', 'wf-swatch')
  private readonly fail = part('span', 'wf-fail')
  private readonly name = part('span', 'wf-name')
  private readonly service = part('span', 'wf-service')
  private readonly count = part('span', 'wf-count')
  private readonly repeat = part('span', 'wf-repeat')
  private readonly time = part('div', 'wf-time')
  private readonly words = part('span', 'sr')
  private readonly timeWords = part('span', 'sr')
  private top = NaN

  constructor(readonly id: string) {
    this.element.className = 'wf-row'
    this.element.id = id
    this.element.setAttribute('role', 'row')
    this.cell.setAttribute('role', 'gridcell')
    this.time.setAttribute('role', 'gridcell')
    this.cell.append(this.twisty, this.swatch, this.fail, this.name, this.repeat, this.service, this.count, this.words)
    this.time.append(this.timeWords)
    this.element.append(this.cell, this.time)
  }

  // By its place, not a transform: each transform would be a layer of its own to be carried over at each frame.
  moveTo(top: number): void {
    if (top === this.top) return
    this.top = top
    this.element.style.top = `${top}px`
  }

  show(view: TraceView, row: number, place: number, look: RowLook): void {
    const { model, rows } = view
    this.row = row
    const flags = model.flags[row]!
    const failed = (flags & FAILED) !== 0
    const leading = (flags & FAILED_BELOW) !== 0
    const open = rows.isOpen(row)
    const fold = rows.foldAt(row)
    const parent = model.children[row]! > 0 || fold !== null
    const dim = isDim(view, row)

    this.element.className =
      'wf-row' +
      (failed ? ' is-failed' : '') +
      (leading ? ' is-leading' : '') +
      (flags & MISSING ? ' is-missing' : '') +
      (row === view.active ? ' is-active' : '') +
      (row === view.chosen ? ' is-chosen' : '') +
      (dim ? ' is-dim' : '') +
      (view.matches.mask !== null && !dim ? ' is-match' : '')
    attribute(this.element, 'aria-level', String(model.depth[row]! + 1))
    attribute(this.element, 'aria-rowindex', String(place + 2))
    attribute(this.element, 'aria-expanded', parent ? String(open) : null)
    attribute(this.element, 'aria-selected', String(row === view.chosen))

    this.cell.style.paddingLeft = `${look.indent}px`
    this.twisty.className = 'wf-twisty' + (parent ? (open ? '' : ' is-closed') : ' is-leaf')
    this.swatch.style.background = look.color
    this.name.textContent = rowName(model, row)
    this.service.textContent = this.serviceText(view, row)
    const hidden = parent && !open && !fold ? model.size[row]! - 1 : 0
    this.showRepeat(view, row, fold)
    this.count.textContent = hidden > 0 ? `+${hidden.toLocaleString('en-US')}` : ''
    this.count.hidden = hidden === 0
    this.fail.title = failed ? 'Failed' : leading ? `${model.failedBelow[row]} failed under it` : ''
    this.words.textContent = failed ? ', failed' : leading ? ', leads to a failed span' : ''
    this.timeWords.textContent = fold ? `${formatDuration(fold.nano)} together, from ${formatDuration(fold.from)} to ${formatDuration(fold.to)}` : timeWords(view, row)
  }

  // How many are alike: on the row that stands for them, and, to fold them again, on the first of those unfolded.
  private showRepeat(view: TraceView, row: number, fold: Fold | null): void {
    const { folds } = view.rows
    const group = fold ?? folds.list[folds.of[row]!] ?? null
    const first = group !== null && group.rows[0] === row && !view.onlyMatches
    this.repeat.hidden = !first
    if (!first) return
    const count = group.rows.length.toLocaleString('en-US')
    this.repeat.textContent = fold ? `×${count}` : `fold ×${count}`
    this.repeat.title = `${count} siblings alike, ${formatDuration(group.nano)} together. ${fold ? 'Unfold' : 'Fold'} (x)`
  }

  // Where the work changes hands; a trace of one service says it once.
  private serviceText(view: TraceView, row: number): string {
    const { model } = view
    if (model.spans[row] === null) return `parent ${model.spanIds[row]} did not arrive`
    const parent = model.parent[row]!
    const same = parent >= 0 && model.service[parent] === model.service[row]
    const target = model.spans[row]?.target
    return [same ? '' : serviceName(model, row), target ? `→ ${target}` : ''].filter(Boolean).join(' ')
  }
}

/** Whether the search left a row out; one that stands for folded ones only if it left out all of them. */
export function isDim(view: TraceView, row: number): boolean {
  const { mask } = view.matches
  if (mask === null || mask[row] !== 0) return false
  const fold = view.rows.foldAt(row)
  return fold === null || fold.rows.every((member) => mask[member] === 0)
}

function timeWords(view: TraceView, row: number): string {
  const { model } = view
  const start = formatDuration(model.start[row]!)
  const skew = model.flags[row]! & STARTS_EARLY ? ', starts before its parent' : ''
  const late = model.flags[row]! & ENDS_LATE ? ', ends after its parent' : ''
  const path = view.showPath && view.path.own[row]! > 0 ? ', on the critical path' : ''
  return `${formatDuration(model.end[row]! - model.start[row]!)} from ${start}${skew}${late}${path}`
}

function part(tag: string, className: string): HTMLElement {
  const element = document.createElement(tag)
  element.className = className
  return element
}

function attribute(element: Element, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name)
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}
