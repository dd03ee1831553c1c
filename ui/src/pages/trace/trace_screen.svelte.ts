// One trace as it is shown: the model of what has arrived, the view on it, and both in step with the URL. The canvases
// listen to the view; the markup reads the fields here, which follow it.
import { untrack } from 'svelte'
import { api } from '../../api/client'
import { toFailure, type ApiFailure } from '../../api/failure'
import type { LogList, SpanDetail } from '../../api/types'
import { clock } from '../../state/clock.svelte'
import { query, type Query } from '../../state/query.svelte'
import { criticalPath } from '../../flame/critical_path'
import { buildModel, type TraceModel } from '../../flame/model'
import { nextFailed } from '../../flame/rows'
import { findRows } from '../../flame/search'
import { carryOver, TraceView, type Change } from '../../flame/trace_view'
import { ARRIVAL_TRIES_MAX, ARRIVAL_WAIT_MS, growsStill, logMarks, lookAfterMs, sameOutline, timeMarks } from './arrival'
import { joinLogs, loadOutline, type WholeOutline } from './trace_pages'
import { zoomText, type SpanTab, type TraceViewKind } from './trace_url'
import { TraceUrlState } from './url_state.svelte'

const logsOf = (trace_id: string) => ({ trace_id, sort: 'oldest', limit: 1000 }) as const

export class TraceScreen {
  readonly url = new TraceUrlState()
  readonly outline: Query<WholeOutline>
  readonly detail: Query<SpanDetail>
  readonly logs: Query<LogList>
  view: TraceView | null = $state.raw(null)
  tries = $state(0) // that found no such trace
  loaded = $state(0) // spans that are here while further pages are asked for
  logsLoading = $state(false) // the next page of them
  logsError: ApiFailure | null = $state.raw(null) // of that page
  matchCount = $state(0)
  matchPlace = $state(0) // 1 for the first, 0: the active row is none of them
  zoomed = $state(false)
  chosen = $state(-1) // row
  hovered = $state(-1)
  active = $state(-1)
  // Of the flame graph while it is shown: what lies beside a row. Null: rows lie below each other.
  neighbour: ((row: number, direction: 'left' | 'right' | 'up' | 'down') => number) | null = null
  #shown: WholeOutline | null = null
  #stop = () => {}
  #looks = $state(0) // that found nothing new

  // Call it while a component is set up. `id`: 32 hex digits, or the first ones.
  constructor(readonly id: string) {
    this.outline = query(
      () => {
        void this.tries
        return (signal) => {
          this.loaded = 0
          return loadOutline(
            (cursor) => api.getTraceOutline(this.id, { cursor }, signal),
            (spans) => (this.loaded = spans),
          )
        }
      },
      { refresh: false },
    )
    this.detail = query(
      () => {
        const [trace, span] = [this.view?.model.traceId, this.url.value.span]
        return trace && span && (this.view?.model.rowOf(span) ?? -1) >= 0 ? (signal) => api.getSpan(trace, span, signal) : null
      },
      { refresh: false, delayMs: 120 },
    )
    this.logs = query(
      () => {
        const trace = this.view?.model.traceId
        return trace ? (signal) => api.searchLogs(logsOf(trace), signal) : null
      },
      { refresh: false },
    )
    $effect(() => this.#retryUntilArrived())
    $effect(() => this.#lookAgain())
    $effect(() => {
      const outline = this.outline.data
      if (outline) untrack(() => this.#take(outline))
    })
    $effect(() => {
      const [value, view] = [this.url.value, this.view]
      if (view) untrack(() => this.#apply(view, value))
    })
    $effect(() => {
      const [list, view] = [this.logs.data, this.view]
      if (!list || !view) return
      view.marks = logMarks(view.model, list.logs)
      view.timeMarks = timeMarks(view.model, list.logs)
      view.tell('marks')
    })
    $effect(() => () => this.#stop())
  }

  // The next page of the logs joins those that are here.
  moreLogs = async (): Promise<void> => {
    const [trace, list] = [this.view?.model.traceId, this.logs.data]
    if (!trace || !list?.next_cursor || this.logsLoading) return
    this.logsLoading = true
    this.logsError = null
    try {
      const page = await api.searchLogs({ ...logsOf(trace), cursor: list.next_cursor })
      if (this.logs.data === list) this.logs.data = joinLogs(list, page)
    } catch (error) {
      this.logsError = toFailure(error)
    }
    this.logsLoading = false
  }

  get model(): TraceModel | null {
    return this.view?.model ?? null
  }

  get waiting(): boolean {
    return this.outline.error?.code === 'NOT_FOUND' && this.tries < ARRIVAL_TRIES_MAX
  }

  tryAgain = (): void => {
    this.tries = 0
    this.outline.retry()
  }

  // What has just been sent can be asked for a little later.
  #retryUntilArrived(): void | (() => void) {
    if (this.outline.loading || !this.waiting) return
    const timer = setTimeout(() => this.tries++, ARRIVAL_WAIT_MS)
    return () => clearTimeout(timer)
  }

  // More of it may come, and is looked for without being asked.
  get growing(): boolean {
    const { data } = this.outline
    return data !== undefined && growsStill(data, clock.now)
  }

  #lookAgain(): void | (() => void) {
    const looks = this.#looks
    if (this.outline.loading || !untrack(() => this.growing)) return
    const timer = setTimeout(() => {
      this.#looks = looks + 1
      if (document.visibilityState === 'visible') this.outline.retry()
    }, lookAfterMs(looks))
    return () => clearTimeout(timer)
  }

  #take(outline: WholeOutline): void {
    if (this.#shown !== null && sameOutline(this.#shown, outline)) return
    this.#shown = outline
    this.#looks = 0
    performance.mark('trace-outline')
    const model = buildModel(outline)
    const view = new TraceView(model, criticalPath(model))
    if (this.view) carryOver(this.view, view)
    else view.active = model.mainRoot
    performance.mark('trace-model')
    this.#stop()
    this.#stop = view.listen((change) => this.#follow(view, change))
    this.view = view
    this.active = view.active
  }

  // The URL is what holds; a view that shows it already is left alone.
  #apply(view: TraceView, url: TraceUrlState['value']): void {
    view.setOnlyMatches(url.only)
    if (view.matches.text !== url.q) {
      view.setMatches(findRows(view.model, url.q, view.path))
      this.matchCount = view.matches.rows.length
    }
    if (view.showPath !== url.path) {
      view.showPath = url.path
      view.tell('settings')
    }
    if (zoomText(url.zoom) !== zoomText(view.zoomed ? view.window : null)) {
      if (url.zoom) view.setWindow(url.zoom)
      else view.resetWindow()
    }
    // Two spans may have the same id: the chosen one of them stays.
    if ((view.spanAt(view.chosen) ?? '') !== url.span) view.setChosen(url.span ? view.model.rowOf(url.span) : -1)
    this.#mirror(view)
  }

  #follow(view: TraceView, change: Change): void {
    if (change === 'window') this.url.change({ zoom: view.zoomed ? { ...view.window } : null })
    if (change === 'hover') this.hovered = view.hovered
    else this.#mirror(view)
  }

  #mirror(view: TraceView): void {
    this.zoomed = view.zoomed
    this.chosen = view.chosen
    this.active = view.active
    this.matchPlace = view.matches.rows.indexOf(view.active) + 1
  }

  // ---- what a person does

  choose = (row: number): void => {
    const { view } = this
    if (!view || row < 0 || row >= view.model.rows) return
    view.setChosen(row)
    this.url.change({ span: view.model.spanIds[row] ?? '' })
  }

  close = (): void => {
    this.view?.setChosen(-1)
    this.url.change({ span: '' })
  }

  // Moves to a row; the details follow where they are open.
  moveTo = (row: number): void => {
    if (!this.view || row < 0) return
    if (this.view.chosen >= 0) this.choose(row)
    else this.view.setActive(row)
  }

  step(steps: number): void {
    const { view } = this
    if (!view || view.rows.length === 0) return
    const place = view.active < 0 ? -1 : view.rows.placeOf(view.active)
    const to = Math.min(Math.max(0, place + steps), view.rows.length - 1)
    this.moveTo(view.rows.rows[to] ?? -1)
  }

  // Into a row: opens it, or goes to its first child. Out of it: closes it, or goes to its parent.
  goIn(): void {
    const { view } = this
    if (!view || view.active < 0) return
    if (view.rows.foldAt(view.active)) view.toggleFold(view.active)
    else if (view.rows.setOpen(view.active, true)) view.tell('rows')
    else if (view.model.children[view.active]! > 0) this.moveTo(view.active + 1)
  }

  goOut(): void {
    const { view } = this
    if (!view || view.active < 0) return
    if (view.rows.setOpen(view.active, false)) view.tell('rows')
    else this.moveTo(view.model.parent[view.active]!)
  }

  search(text: string): void {
    this.url.change(text === '' ? { q: text, only: false } : { q: text })
  }

  // Other spans are left out, or stand back.
  toggleOnly(): void {
    const { q, only } = this.url.value
    if (q !== '') this.url.change({ only: !only })
  }

  stepMatch(step: 1 | -1): void {
    const { view } = this
    const rows = view?.matches.rows
    if (!view || !rows || rows.length === 0) return
    const at = rows.indexOf(view.active)
    if (at >= 0) return this.moveTo(rows[(at + step + rows.length) % rows.length]!)
    const after = rows.findIndex((row) => row > view.active)
    const next = after < 0 ? 0 : after
    this.moveTo(rows[step > 0 ? next : (next - 1 + rows.length) % rows.length]!)
  }

  stepFailed(step: 1 | -1): void {
    if (this.view) this.moveTo(nextFailed(this.view.model, this.view.active, step))
  }

  setKind(view: TraceViewKind): void {
    this.url.change({ view })
  }

  setTab(tab: SpanTab): void {
    this.url.change({ tab })
  }

  togglePath(): void {
    this.url.change({ path: !this.url.value.path })
  }

  // Opens and closes rows by a rule.
  arrange(rule: (rows: TraceView['rows']) => void): void {
    const { view } = this
    if (!view) return
    rule(view.rows)
    let at = view.active
    while (at >= 0 && view.rows.placeOf(at) < 0) at = view.model.parent[at]!
    view.active = at
    view.tell('rows')
    view.tell('active')
  }

  // One thing less, for Escape: the search, then the zoom.
  clear(): boolean {
    const { view, url } = this
    if (url.value.q) this.search('')
    else if (view?.zoomed) view.resetWindow()
    else return false
    return true
  }
}
