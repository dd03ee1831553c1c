// Follows the log records that come in, by asking every second for what was stored since. Start it before the list is
// asked for: what comes between the two is then in one of them at least (withoutArrivals() sees to the rest).
import { isAbort, toFailure, type ApiFailure } from '../../api/failure'
import { api } from '../../api/client'
import { clock } from '../../state/clock.svelte'
import { lateMs, TailBuffer, type TailView } from './live_tail'
import { itemsOf, type LogItem } from './log_view'

const EVERY_MS = 1000
const BATCH_MAX = 500

export interface Arrival extends LogItem {
  lateMs: number // 0: in time
}

const NOTHING: TailView<Arrival> = { items: [], waiting: 0, leftOut: 0, letGo: 0, perSecond: NaN }

export class LiveTail {
  view: TailView<Arrival> = $state.raw(NOTHING)
  paused = $state(false)
  error: ApiFailure | null = $state.raw(null)
  #buffer: TailBuffer<Arrival> | null = null
  #abort: AbortController | null = null

  // Begins anew, from now on. Resolves when everything that is stored later will be seen.
  async start(wanted: { q?: string }, signal: AbortSignal): Promise<void> {
    this.stop()
    const abort = new AbortController()
    this.#abort = abort
    const begin = await api.tailLogs(wanted, signal)
    if (abort.signal.aborted) return
    const nowMs = clock.read()
    this.#buffer = new TailBuffer(nowMs)
    void this.#follow(wanted, begin.next_cursor, nowMs, abort.signal)
  }

  stop(): void {
    this.#abort?.abort()
    this.#abort = null
    this.#buffer = null
    this.view = NOTHING
    this.paused = false
    this.error = null
  }

  toggle = (): void => {
    if (this.#buffer === null) return
    if (this.#buffer.paused) this.#buffer.resume()
    else this.#buffer.pause()
    this.paused = this.#buffer.paused
    this.view = this.#buffer.view()
  }

  async #follow(wanted: { q?: string }, cursor: string, sinceMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
      if (signal.aborted) return
      if (document.visibilityState !== 'visible') continue // what comes meanwhile is asked for then
      try {
        const page = await api.tailLogs({ ...wanted, cursor, limit: BATCH_MAX }, signal)
        if (signal.aborted || this.#buffer === null) return
        const nowMs = clock.read()
        const batch = itemsOf(page).map((item) => ({ ...item, lateMs: lateMs(item.time_unix_nano, sinceMs) }))
        this.#buffer.add(batch, page.matched, nowMs)
        cursor = page.next_cursor
        sinceMs = nowMs
        this.view = this.#buffer.view()
        this.error = null
      } catch (error) {
        if (signal.aborted || isAbort(error)) return
        this.error = toFailure(error) // and goes on from the same place
      }
    }
  }
}
