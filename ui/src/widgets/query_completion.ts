// What a query box offers: fields and values that are stored, the most frequent first.
import { api } from '../api/client'
import { formatCount } from '../base/units'
import { range } from '../state/range.svelte'
import type { Suggestion } from './QueryBox.svelte'

const OFFERED = 20

export interface Completion {
  fields: (typed: string, signal: AbortSignal) => Promise<Suggestion[]>
  values: (field: string, typed: string, signal: AbortSignal) => Promise<Suggestion[]>
}

export function storedCompletion(of: 'traces' | 'logs'): Completion {
  const scope = of === 'logs' ? /^(?:log|resource)(?=\.)/ : /^(?:span|resource)(?=\.)/
  return {
    async fields(typed, signal) {
      const answer = await api.listFields({ ...range.params, signal: of, text: typed.replace(/^\./, ''), limit: OFFERED }, signal)
      // One that begins with a point is wanted of whatever scope.
      return answer.fields.map((one) => ({ text: typed.startsWith('.') ? one.field.replace(scope, '') : one.field, hint: formatCount(one.items) }))
    },
    async values(field, typed, signal) {
      const answer = await api.listFieldValues({ ...range.params, signal: of, field, text: typed, limit: OFFERED }, signal)
      return answer.values.map((one) => ({ text: one.literal, hint: formatCount(one.items) }))
    },
  }
}
