// Where one was in a table: its active row and how far it was scrolled, for "back". Call it while a component is set up.
import { keep, keptFor } from './kept'
import { router } from './router.svelte'

interface Place {
  active: string | null
  px: number
}

export class KeptPlace {
  readonly startPx: number
  #active: string | null = $state(null)
  #place: Place

  // `name` is unique in the page.
  constructor(private readonly name: string) {
    this.#place = keptFor<Place>(router.entry, name) ?? { active: null, px: 0 }
    this.#active = this.#place.active
    this.startPx = this.#place.px
  }

  get active(): string | null {
    return this.#active
  }
  set active(key: string | null) {
    this.#active = key
    this.#keep({ ...this.#place, active: key })
  }

  scrolled = (px: number): void => this.#keep({ ...this.#place, px })

  #keep(place: Place): void {
    this.#place = place
    keep(router.entry, this.name, place)
  }
}
