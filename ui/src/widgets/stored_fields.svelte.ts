// The fields that are stored, to choose from: asked for when somebody wants to see them. Call it while a component is set up.
import { api } from '../api/client'
import { formatCount } from '../base/units'
import { query } from '../state/query.svelte'
import { range } from '../state/range.svelte'
import type { Option } from './Combobox.svelte'

const FIELDS = 200

export class StoredFields {
  #wanted = $state(false)
  #signal: () => 'traces' | 'logs'
  #answer = query(
    () => {
      const [params, signal] = [range.params, this.#signal()]
      if (!this.#wanted) return null
      return async (abort) => (await api.listFields({ ...params, signal, limit: FIELDS }, abort)).fields
    },
    { refresh: false },
  )

  constructor(signal: () => 'traces' | 'logs') {
    this.#signal = signal
  }

  // Most frequent first, with how many items have them.
  get options(): Option[] {
    return (this.#answer.data ?? []).map((one) => ({ value: one.field, hint: formatCount(one.items) }))
  }
  get loading(): boolean {
    return this.#answer.loading
  }
  want = (): void => {
    this.#wanted = true
  }
}
