// A list that comes in pages: asks for the first one when what it depends on changes, for the next ones as one scrolls, and
// looks for new items at each refresh. What is there stays until the new is there. Call it while a component is set up.
//
//   const list = pagedList(() => {
//     const query = { ...range.params, ...filters }               // what is read here is what it depends on
//     return (cursor, signal) => api.searchX({ ...query, cursor }, signal).then(...)
//   }, { key: (item) => item.id })
import { untrack } from 'svelte'
import { isAbort, toFailure, type ApiFailure } from '../api/failure'
import type { Scanned } from '../api/types'
import { asking } from '../state/asking'
import { connection } from '../state/connection.svelte'
import { forget, keep, keptFor } from '../state/kept'
import { range } from '../state/range.svelte'
import { router } from '../state/router.svelte'

export interface Page<T> {
  items: T[]
  next: string | null
  previous?: string | null // of a list that begins in the middle: what goes on before it
  scanned: Scanned
}

// `before`: the cursor is a page's `previous`; the items come in the list's order all the same.
export type AskPage<T> = (cursor: string | undefined, signal: AbortSignal, before?: boolean) => Promise<Page<T>>

export interface PagedOptions<T> {
  key: (item: T) => string
  // Live: how new items join. 'pill' keeps them aside until take(); 'head' puts them in at once, unless the list would have
  // to be replaced under someone who reads further down.
  arrive: 'pill' | 'head'
  // What of a fresh first page is not in the list yet; null: it does not overlap with the list any more.
  fresh?: (known: readonly T[], page: readonly T[]) => T[] | null
  // Whether a refresh can look for new items at the head: only a list that is newest first.
  headed?: () => boolean
  // True: refreshes leave the list as it is, and "back" asks anew.
  still?: () => boolean
  // How far down a list begins that was asked for anew; default: at its top.
  startPx?: (items: readonly T[]) => number
  // A name, unique in the page: "back" shows the rows that were there, without asking again.
  keep?: string
}

// A live list that has grown so long begins anew at its newest items, so that a page can stay open for days.
const GROWN_MAX = 5000

// A list as one left it.
interface Kept<T> {
  items: T[]
  next: string | null
  previous?: string | null
  scanned: Scanned | null
  active: string | null
  scrollPx: number
}

export class PagedList<T> {
  items: T[] = $state.raw([])
  next: string | null = $state.raw(null)
  previous: string | null = $state.raw(null)
  scanned: Scanned | null = $state.raw(null)
  error: ApiFailure | null = $state.raw(null)
  moreError: ApiFailure | null = $state.raw(null)
  earlierError: ApiFailure | null = $state.raw(null)
  loading = $state(true)
  loadingMore = $state(false)
  answered = $state(false)
  // New items that wait to be shown; `manyNew`: a whole page of them, there may be more.
  newCount = $state(0)
  manyNew = $state(false)
  // Counted up with each answer that replaces the list: a view goes to its top then.
  generation = $state(0)
  // The key of the row that keys act on, and how far down a list of this generation begins; see VirtualList.
  get active(): string | null {
    return this.#active
  }
  set active(key: string | null) {
    this.#active = key
    this.#activeLast = key
  }
  startPx = 0
  #active: string | null = $state(null)
  #activeLast: string | null = null // while an effect ends, state reads as it was before the change that ends it
  #scrollPx = 0
  #entry = ''
  #again = $state(0)
  #ask: AskPage<T> | null = null
  #abort: AbortController | null = null
  #waiting: Page<T> | null = null

  get stale(): boolean {
    return this.answered && (this.loading || this.error !== null)
  }

  constructor(
    ask: () => AskPage<T> | null,
    private readonly options: PagedOptions<T>,
  ) {
    $effect(() => {
      void this.#again
      void connection.epoch
      this.#ask = ask()
      untrack(() => this.#restore() || void this.#first())
      return () => {
        this.#abort?.abort()
        this.#keep()
      }
    })
    let seen = range.tick
    $effect(() => {
      const tick = range.tick
      if (tick === seen) return
      seen = tick
      untrack(() => this.#refresh())
    })
  }

  retry = (): void => {
    this.#again++
  }

  scrolled = (px: number): void => {
    this.#scrollPx = px
  }

  // Shows what waits.
  take = (): void => {
    if (this.#waiting === null) return
    this.#replace(this.#waiting)
  }

  more = (): void => {
    if (this.next === null || this.loading || this.loadingMore || this.moreError !== null) return
    void this.#more(this.next)
  }

  retryMore = (): void => {
    this.moreError = null
    this.more()
  }

  // What comes before the list's first item, where there is more.
  earlier = (): void => {
    if (this.previous === null || this.loading || this.loadingMore || this.earlierError !== null) return
    void this.#more(this.previous, true)
  }

  retryEarlier = (): void => {
    this.earlierError = null
    this.earlier()
  }

  #keep(): void {
    if (this.options.keep === undefined || !this.answered) return
    const { items, next, previous, scanned } = this
    if (this.error === null && !this.loading) {
      keep(this.#entry, this.options.keep, { items, next, previous, scanned, active: this.#activeLast, scrollPx: this.#scrollPx } satisfies Kept<T>)
    }
  }

  // True: this entry of the history was shown before, and so was this list.
  #restore(): boolean {
    const { keep: name } = this.options
    if (name === undefined) return false
    const same = this.#entry === router.entry
    this.#entry = router.entry
    const was = keptFor<Kept<T>>(router.entry, name)
    forget(router.entry, name)
    if (same || was === undefined || this.options.still?.()) return false
    this.#start()
    this.startPx = was.scrollPx
    this.#show(was)
    this.active = was.active
    this.loading = false
    return true
  }

  #replace(page: Page<T>): void {
    this.startPx = this.options.startPx?.(page.items) ?? 0
    this.#show(page)
  }

  #show(page: Page<T> | Kept<T>): void {
    this.#scrollPx = this.startPx
    this.items = page.items
    this.next = page.next
    this.previous = page.previous ?? null
    this.scanned = page.scanned
    this.error = null
    this.moreError = null
    this.earlierError = null
    this.answered = true
    this.#waiting = null
    this.newCount = 0
    this.manyNew = false
    this.generation++
  }

  #start(): AbortSignal {
    this.#abort?.abort()
    this.#abort = new AbortController()
    this.loadingMore = false
    return this.#abort.signal
  }

  async #first(): Promise<void> {
    const ask = this.#ask
    const signal = this.#start()
    if (ask === null) {
      this.loading = false
      return
    }
    this.loading = true
    try {
      const page = await asking.during(ask(undefined, signal))
      if (signal.aborted) return
      this.#replace(page)
    } catch (error) {
      if (signal.aborted || isAbort(error)) return
      this.error = toFailure(error)
    }
    this.loading = false
  }

  async #more(cursor: string, before = false): Promise<void> {
    const ask = this.#ask
    const signal = this.#abort?.signal
    if (ask === null || signal === undefined) return
    this.loadingMore = true
    try {
      const page = await asking.during(ask(cursor, signal, before))
      if (signal.aborted) return
      this.items = before ? [...page.items, ...this.items] : [...this.items, ...page.items]
      if (before) this.previous = page.previous ?? null
      else this.next = page.next
    } catch (error) {
      if (signal.aborted || isAbort(error)) return
      if (before) this.earlierError = toFailure(error)
      else this.moreError = toFailure(error)
    }
    this.loadingMore = false
  }

  #refresh(): void {
    if (this.loading || this.options.still?.()) return
    const headed = this.options.headed?.() ?? true
    if (range.liveSeconds > 0 && this.items.length > 0 && headed) void this.#head()
    else void this.#first()
  }

  // A look at the first page while the list stays as it is. An error there is the connection banner's.
  async #head(): Promise<void> {
    const ask = this.#ask
    const signal = this.#abort?.signal
    if (ask === null || signal === undefined) return
    try {
      const page = await asking.during(ask(undefined, signal))
      if (signal.aborted || this.loading) return
      const fresh = this.#fresh(page.items)
      if (fresh?.length === 0) return
      const joins = fresh !== null && this.items.length + fresh.length <= GROWN_MAX
      if (this.options.arrive === 'pill' || (!joins && this.#scrollPx > 0)) {
        this.#waiting = page
        this.newCount = fresh?.length ?? page.items.length
        this.manyNew = fresh === null || (fresh.length === page.items.length && page.next !== null)
      } else if (joins) {
        this.items = [...fresh, ...this.items]
      } else {
        this.#replace(page)
      }
    } catch (error) {
      if (!signal.aborted && !isAbort(error)) this.error = toFailure(error)
    }
  }

  #fresh(page: readonly T[]): T[] | null {
    if (this.options.fresh !== undefined) return this.options.fresh(this.items, page)
    const known = new Set(this.items.map(this.options.key))
    return page.filter((item) => !known.has(this.options.key(item)))
  }
}

export function pagedList<T>(ask: () => AskPage<T> | null, options: PagedOptions<T>): PagedList<T> {
  return new PagedList(ask, options)
}
