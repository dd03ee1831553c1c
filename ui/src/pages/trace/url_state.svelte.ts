// The page's part of the URL as state that can change many times a second: what moves is shown at once and written to the
// URL a moment later, since browsers refuse a URL that changes with every frame.
import { untrack } from 'svelte'
import { router } from '../../state/router.svelte'
import { readTraceUrl, traceUrlParams, type TraceUrl } from './trace_url'

const WRITE_MS = 200

export class TraceUrlState {
  value: TraceUrl = $state.raw(readTraceUrl(router.search))
  #written = router.search.toString()
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #path = router.path

  // Call it while a component is set up.
  constructor() {
    $effect(() => {
      const search = router.search
      untrack(() => this.#follow(search))
    })
    $effect(() => {
      const flush = () => this.flush()
      // Before a click leads away, and before a reload: what is left must be what one comes back to.
      document.addEventListener('click', flush, true)
      addEventListener('pagehide', flush)
      return () => {
        document.removeEventListener('click', flush, true)
        removeEventListener('pagehide', flush)
        clearTimeout(this.#timer)
      }
    })
  }

  change(part: Partial<TraceUrl>): void {
    this.value = { ...this.value, ...part }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.flush(), WRITE_MS)
  }

  flush(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (router.path !== this.#path) return
    router.set(traceUrlParams(this.value), { replace: true })
    this.#written = router.search.toString()
  }

  // Somebody else changed the URL: a link to another span, back.
  #follow(search: URLSearchParams): void {
    const text = search.toString()
    if (text === this.#written || this.#timer !== undefined || router.path !== this.#path) return
    this.#written = text
    this.value = readTraceUrl(search)
  }
}
