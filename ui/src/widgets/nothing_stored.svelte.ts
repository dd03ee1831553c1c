// Whether nothing of a signal was ever stored. What arrives first is asked for at once: who has just set up a service
// watches this page. Call it while a component is set up.
import type { Status } from '../api/types'
import { connection } from '../state/connection.svelte'
import { range } from '../state/range.svelte'

export function nothingStored(signal: keyof Status['signals']): { readonly now: boolean } {
  const now = $derived(connection.status?.signals[signal].rows === 0)
  let before = false
  $effect(() => {
    if (before && !now) range.refresh()
    before = now
  })
  return {
    get now() {
      return now
    },
  }
}
