// Whether what a query found is counted beside its list: where there is room, as the person wants it.
import { MediaQuery } from 'svelte/reactivity'
import { settings } from './settings.svelte'

const room = new MediaQuery('min-width: 901px')

export const facetRail = {
  get fits(): boolean {
    return room.current
  },
  get shown(): boolean {
    return room.current && settings.facetsShown
  },
  toggle(): void {
    settings.facetsShown = !settings.facetsShown
  },
}
