// The tokens' values for what is drawn on a canvas. Inside an $effect or $derived this follows the theme.
import { SERIES_COUNT, seriesIndex } from '../base/colors'
import { settings } from './settings.svelte'

const cache = new Map<string, string>()
let cachedTheme = ''

// token('line-soft') -> #ebecf0
export function token(name: string): string {
  if (cachedTheme !== settings.shownTheme) {
    cache.clear()
    cachedTheme = settings.shownTheme
  }
  let value = cache.get(name)
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
    cache.set(name, value)
  }
  return value
}

export function seriesColor(name: string): string {
  return token(`series-${seriesIndex(name)}`)
}

export function seriesColors(): string[] {
  return Array.from({ length: SERIES_COUNT }, (_, i) => token(`series-${i}`))
}
