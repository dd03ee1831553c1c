// One question to the API, asked again when what it depends on changes, when the range is refreshed, and when the server is
// back. The last answer stays until the new one is there; an answer that is no longer wanted is cancelled in the server.
//
//   const services = query(() => {
//     const params = range.params                          // what is read here is what it depends on
//     return (signal) => api.listServices(params, signal)  // null: nothing to ask now
//   })
//   services.data, services.loading, services.error, services.stale
import { isAbort, toFailure, type ApiFailure } from '../api/failure'
import { asking } from './asking'
import { connection } from './connection.svelte'
import { range } from './range.svelte'

export interface QueryOptions {
  refresh?: boolean // with the range's tick; default true
  delayMs?: number // wait that long for further changes first: typing
}

export class Query<T> {
  data: T | undefined = $state.raw(undefined)
  error: ApiFailure | null = $state.raw(null)
  loading = $state(false)
  updatedMs = $state(0)
  #again = $state(0)

  // There is content, but not that which is asked for.
  get stale(): boolean {
    return this.data !== undefined && (this.loading || this.error !== null)
  }

  constructor(ask: () => ((signal: AbortSignal) => Promise<T>) | null, options: QueryOptions = {}) {
    let first = true
    $effect(() => {
      void this.#again
      void connection.epoch
      if (options.refresh !== false) void range.tick
      const run = ask()
      if (run === null) {
        this.loading = false
        return
      }
      const abort = new AbortController()
      this.loading = true
      const start = () => void this.#run(run, abort.signal)
      const timer = options.delayMs && !first ? setTimeout(start, options.delayMs) : (start(), undefined)
      first = false
      return () => {
        clearTimeout(timer)
        abort.abort()
      }
    })
  }

  async #run(run: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<void> {
    try {
      const data = await asking.during(run(signal))
      if (signal.aborted) return
      this.data = data
      this.error = null
      this.updatedMs = Date.now()
    } catch (error) {
      if (signal.aborted || isAbort(error)) return
      this.error = toFailure(error)
    }
    this.loading = false
  }

  retry = (): void => {
    this.#again++
  }

  // Forget the answer: it belongs to something else (another trace).
  reset(): void {
    this.data = undefined
    this.error = null
  }
}

// Call it while a component is set up.
export function query<T>(ask: () => ((signal: AbortSignal) => Promise<T>) | null, options?: QueryOptions): Query<T> {
  return new Query(ask, options)
}
