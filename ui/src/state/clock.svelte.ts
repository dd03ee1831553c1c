// Now, by the server's clock: relative ranges and ages are meant there, and a laptop's clock may be off. Ticks once a second.
import { nanoToMs } from '../base/time'

const SKEW_MS_MIN = 2000 // less than this may be the way the answer took

class ServerClock {
  #skewMs = 0
  now = $state(Date.now())

  start(): void {
    setInterval(() => {
      if (document.visibilityState === 'visible') this.now = this.read()
    }, 1000)
    document.addEventListener('visibilitychange', () => (this.now = this.read()))
  }

  read(): number {
    return Date.now() + this.#skewMs
  }

  learn(nowUnixNano: string): void {
    const skew = nanoToMs(nowUnixNano) - Date.now()
    this.#skewMs = Math.abs(skew) < SKEW_MS_MIN ? 0 : skew
  }
}

export const clock = new ServerClock()
