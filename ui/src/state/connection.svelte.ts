// Whether the program answers. Any request can find out that it does not; then /status is asked until it does again, and
// `epoch` moves, which makes every shown query ask again. Also keeps the last status, which several views show.
import { api, onAnswers } from '../api/client'
import { isAbort } from '../api/failure'
import type { Status } from '../api/types'
import { nanoBetween } from '../base/time'
import { clock } from './clock.svelte'

const ASK_MS = 5000 // while all is well
const SECOND_LOOK_MS = 1500 // after the first one, so that there are rates soon
const RATE_NANO = 30e9 // rates are over about so long: what is sent in batches is not a rate of its own each time
const RETRY_MS = [500, 1000, 2000, 3000]

class Connection {
  lost = $state(false)
  lostSinceMs = $state(0)
  epoch = $state(0)
  status: Status | null = $state.raw(null)
  // An earlier look at the counters, half a minute before if there is one, to make rates of them.
  previous: Status | null = $state.raw(null)
  #looks: Status[] = []
  #tries = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #asking: AbortController | null = null

  start(): void {
    onAnswers({ answered: () => this.#answered(), unanswered: () => this.#unanswered() })
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') void this.ask()
    })
    void this.ask()
  }

  // Asks for the status now.
  async ask(): Promise<void> {
    clearTimeout(this.#timer)
    this.#asking?.abort()
    const asking = (this.#asking = new AbortController())
    try {
      const status = await api.getStatus(asking.signal)
      clock.learn(status.now_unix_nano)
      this.#keep(status)
    } catch (error) {
      if (isAbort(error)) return
    }
    if (this.#asking !== asking) return
    this.#asking = null
    this.#schedule()
  }

  // Asks now, unless it is on the way already: for those who wait for the next status.
  askSoon(): void {
    if (this.#asking === null && !this.lost) void this.ask()
  }

  #keep(status: Status): void {
    if (this.status?.start_unix_nano !== status.start_unix_nano) this.#looks = [] // a new start counts from 0
    const old = (look: Status | undefined) => look !== undefined && nanoBetween(look.now_unix_nano, status.now_unix_nano) >= RATE_NANO
    while (old(this.#looks[1])) this.#looks.shift()
    this.previous = this.#looks[0] ?? null
    this.#looks.push(status)
    this.status = status
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const wait = this.lost ? (RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)] ?? ASK_MS) : this.previous ? ASK_MS : SECOND_LOOK_MS
    this.#timer = setTimeout(() => {
      if (document.visibilityState === 'visible' || this.lost) void this.ask()
      else this.#schedule()
    }, wait)
  }

  #answered(): void {
    if (!this.lost) return
    this.lost = false
    this.#tries = 0
    this.epoch++
  }

  #unanswered(): void {
    if (this.lost) return
    this.lost = true
    this.lostSinceMs = Date.now()
    this.#tries = 0
    this.#schedule()
  }
}

export const connection = new Connection()
