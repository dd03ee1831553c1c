// How far a page that scrolls as a whole was scrolled, for "back". Its content comes later than the page: until it is as
// long as it was, or the person does something, each growth tries again.
import { keep, keptFor } from '../state/kept'
import { router } from '../state/router.svelte'

const NAME = 'main'

// Thread: the page.
export class ScrollPlace {
  private returning: AbortController | null = null
  private entry = router.entry // that is shown

  constructor(private readonly box: HTMLElement) {}

  // Another entry of the history is shown next, while the box still holds what was. Scroll events would come too late:
  // in the next frame, when it holds something else.
  leave(): void {
    if (this.returning === null) keep(this.entry, NAME, this.box.scrollTop)
    this.entry = router.entry
  }

  // Another page is shown in the box.
  arrive(): void {
    this.returning?.abort()
    const wanted = keptFor<number>(this.entry, NAME) ?? 0
    this.box.scrollTop = wanted
    if (wanted > 0) this.returnTo(wanted)
  }

  destroy(): void {
    this.returning?.abort()
  }

  private returnTo(wanted: number): void {
    const returning = (this.returning = new AbortController())
    const { signal } = returning
    const grown = new MutationObserver(() => {
      this.box.scrollTop = wanted
      if (this.box.scrollTop >= wanted - 1) returning.abort()
    })
    grown.observe(this.box, { childList: true, subtree: true })
    signal.addEventListener('abort', () => {
      grown.disconnect()
      this.returning = null
    })
    for (const act of ['wheel', 'pointerdown', 'keydown']) {
      addEventListener(act, () => returning.abort(), { passive: true, capture: true, signal })
    }
  }
}
