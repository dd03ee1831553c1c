// What belongs to the person and not to the view: kept in this browser only.
import type { Zone } from '../base/time'
import { store, stored } from './stored'

export type ThemeChoice = 'system' | 'light' | 'dark'

const THEMES: readonly ThemeChoice[] = ['system', 'light', 'dark']
const ZONES: readonly Zone[] = ['browser', 'utc']

function read<T extends string>(key: string, allowed: readonly T[], fallback: T): T {
  const value = stored(key) as T | null
  return value !== null && allowed.includes(value) ? value : fallback
}

class Settings {
  #theme = $state<ThemeChoice>(read('theme', THEMES, 'system'))
  #zone = $state<Zone>(read('zone', ZONES, 'browser'))
  #rail = $state(read('rail', ['wide', 'narrow'] as const, 'wide'))
  #facets = $state(read('facets', ['shown', 'hidden'] as const, 'shown'))
  #systemDark = $state(matchMedia('(prefers-color-scheme: dark)').matches)

  start(): void {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (event) => {
      this.#systemDark = event.matches
      this.#apply()
    })
    // Another tab changed them.
    addEventListener('storage', () => {
      this.#theme = read('theme', THEMES, 'system')
      this.#zone = read('zone', ZONES, 'browser')
      this.#apply()
    })
    this.#apply()
  }

  get theme(): ThemeChoice {
    return this.#theme
  }
  set theme(value: ThemeChoice) {
    this.#theme = value
    store('theme', value)
    this.#apply()
  }

  // What is shown now. Read it where colours are read from styles, so that a change draws again.
  get shownTheme(): 'light' | 'dark' {
    return this.#theme === 'system' ? (this.#systemDark ? 'dark' : 'light') : this.#theme
  }

  get zone(): Zone {
    return this.#zone
  }
  set zone(value: Zone) {
    this.#zone = value
    store('zone', value)
  }

  get railNarrow(): boolean {
    return this.#rail === 'narrow'
  }
  set railNarrow(value: boolean) {
    this.#rail = value ? 'narrow' : 'wide'
    store('rail', this.#rail)
  }

  // Beside lists of what a query found: what it is made of.
  get facetsShown(): boolean {
    return this.#facets === 'shown'
  }
  set facetsShown(value: boolean) {
    this.#facets = value ? 'shown' : 'hidden'
    store('facets', this.#facets)
  }

  #apply(): void {
    document.documentElement.dataset.theme = this.shownTheme
  }
}

export const settings = new Settings()
