// What came in while one follows: the rows to show, what waits while one has paused, how much did not fit, and how fast it
// comes. Batches of arrivals in, a view out; knows no clock and no DOM.

export const SHOWN_MAX = 2000 // rows; older ones make room
export const WAITING_MAX = 1000
const RATE_MS = 10_000
export const LATE_MS = 60_000 // a record that is older than this when it comes is said to be late

export interface TailView<T> {
  items: readonly T[] // what came last first
  waiting: number // kept back by the pause
  leftOut: number // came and was never shown: too much at once
  letGo: number // was shown and made room
  perSecond: number // over the last ten seconds; NaN before anything is known
}

export class TailBuffer<T> {
  #items: T[] = []
  #waiting: T[] = [] // as they came
  #leftOut = 0
  #letGo = 0
  #counts: { atMs: number; arrived: number }[] // oldest first; the first one only says since when is counted
  #paused = false

  constructor(nowMs: number) {
    this.#counts = [{ atMs: nowMs, arrived: 0 }]
  }

  get paused(): boolean {
    return this.#paused
  }

  // `batch` as it came, the last ones of `arrived`.
  add(batch: readonly T[], arrived: number, nowMs: number): void {
    this.#leftOut += arrived - batch.length
    this.#counts.push({ atMs: nowMs, arrived })
    while (this.#counts.length > 2 && (this.#counts[1]?.atMs ?? 0) <= nowMs - RATE_MS) this.#counts.shift()
    if (!this.#paused) return this.#show(batch)
    const all = [...this.#waiting, ...batch]
    const over = Math.max(0, all.length - WAITING_MAX)
    this.#leftOut += over
    this.#waiting = all.slice(over)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#show(this.#waiting)
    this.#waiting = []
  }

  view(): TailView<T> {
    const first = this.#counts[0]
    const last = this.#counts.at(-1)
    const seconds = ((last?.atMs ?? 0) - (first?.atMs ?? 0)) / 1000
    const arrived = this.#counts.slice(1).reduce((sum, count) => sum + count.arrived, 0)
    return {
      items: this.#items,
      waiting: this.#waiting.length,
      leftOut: this.#leftOut,
      letGo: this.#letGo,
      perSecond: seconds > 0 ? arrived / seconds : NaN,
    }
  }

  #show(batch: readonly T[]): void {
    if (batch.length === 0) return
    const all = [...batch.toReversed(), ...this.#items]
    this.#letGo += Math.max(0, all.length - SHOWN_MAX)
    this.#items = all.slice(0, SHOWN_MAX)
  }
}

// How late a record came, 0: in time. `sinceMs` is when one looked last: it may have come right after that, and in a tab that
// was hidden that is long ago.
export function lateMs(timeUnixNano: string, sinceMs: number): number {
  const late = sinceMs - Number(BigInt(timeUnixNano) / 1_000_000n)
  return late > LATE_MS ? late : 0
}

// What of a list is not among the arrivals: it was asked for when some of them were there already. Equal ones count as
// often as they occur.
export function withoutArrivals<T extends { token: string }>(list: readonly T[], arrivals: readonly T[]): readonly T[] {
  if (arrivals.length === 0) return list
  const counts = new Map<string, number>()
  for (const { token } of arrivals) counts.set(token, (counts.get(token) ?? 0) + 1)
  return list.filter(({ token }) => {
    const count = counts.get(token) ?? 0
    if (count > 0) counts.set(token, count - 1)
    return count === 0
  })
}
