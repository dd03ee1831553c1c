// The time range of all views, from the URL; its refresh. A page asks with `range.params`, draws over `range.bounds`, and
// asks again when `range.tick` moves (query() of query.svelte.ts sees to that).
import { absolute, formatDate, resolve, shift, spanToText, widerRanges, zoom, type Bounds, type TimeRange } from '../base/time'
import { liveOf, rangeOf, rangeParams } from '../base/url'
import { asking } from './asking'
import { clock } from './clock.svelte'
import { router } from './router.svelte'
import { settings } from './settings.svelte'

class Range {
  // Counted up at each refresh, by hand or live.
  tick = $state(0)
  // By what it says: other parameters of the URL that change are no other range, and nothing is asked again for them.
  #text = $derived(JSON.stringify(rangeOf(router.search)))
  value: TimeRange = $derived(JSON.parse(this.#text) as TimeRange)
  liveSeconds = $derived(liveOf(router.search))
  // As seen at the last refresh.
  bounds: Bounds = $derived.by(() => {
    void this.tick
    return resolve(this.value, clock.read())
  })
  // It began on another day: a time of day alone says too little.
  dated = $derived(formatDate(this.bounds.fromMs, settings.zone) !== formatDate(clock.now, settings.zone))
  // Longer ones that end now, too.
  wider: string[] = $derived(this.value.kind === 'last' ? widerRanges(this.bounds.toMs - this.bounds.fromMs) : [])
  // What the API takes.
  params: { last?: string; from?: string; to?: string } = $derived(
    this.value.kind === 'last' ? { last: this.value.last } : { from: this.value.from, to: this.value.to },
  )

  start(): void {
    $effect.root(() => {
      $effect(() => {
        if (this.liveSeconds === 0 || this.value.kind !== 'last') return
        const look = () => {
          if (document.visibilityState === 'visible' && !asking.any) this.refresh()
        }
        const timer = setInterval(look, this.liveSeconds * 1000)
        document.addEventListener('visibilitychange', look)
        return () => {
          clearInterval(timer)
          document.removeEventListener('visibilitychange', look)
        }
      })
    })
  }

  refresh(): void {
    this.tick++
  }

  set(value: TimeRange): void {
    const same = JSON.stringify(value) === JSON.stringify(this.value)
    router.set({ ...rangeParams(value), live: value.kind === 'last' ? router.param('live') : null })
    if (same || value.kind === 'last') this.refresh()
  }

  // Between two instants in milliseconds, such as a chart's selection.
  setAbsolute(fromMs: number, toMs: number): void {
    this.set(absolute(fromMs, toMs))
  }

  step(steps: number): void {
    const bounds = shift(this.bounds, steps)
    const over = Math.max(0, bounds.toMs - clock.read())
    this.setAbsolute(bounds.fromMs - over, bounds.toMs - over)
  }

  zoomOut(): void {
    if (this.value.kind === 'last') {
      const { fromMs, toMs } = this.bounds
      this.set({ kind: 'last', last: spanToText(Math.round((toMs - fromMs) * 2)) })
    } else {
      const { fromMs, toMs } = zoom(this.bounds, 2, clock.read())
      this.setAbsolute(fromMs, toMs)
    }
  }

  setLive(seconds: number): void {
    router.set({ live: seconds === 0 ? null : spanToText(seconds * 1000) }, { replace: true })
  }
}

export const range = new Range()
