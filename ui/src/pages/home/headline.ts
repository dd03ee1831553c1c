// Is anything wrong now? One sentence over the states of services.
import type { ServiceState, Trouble } from './deviation'

export interface Compared {
  only: string // the one service that is looked at; "" for all
  earlier: string // "the hour before"
  pastless: boolean // nothing was called earlier: things fail, or not, but deviate from nothing
}

const ORDER: readonly Trouble[] = ['errors', 'silent', 'slow']

export function headline(states: readonly ServiceState[], { only, earlier, pastless }: Compared): string {
  const wrong = states.filter((state) => state.trouble !== null && state.ongoing)
  const slower = `slower than in ${earlier}`
  const words: Record<Trouble, string> = { errors: 'failing', silent: 'silent', slow: slower }
  const [first] = wrong
  if (first === undefined) {
    if (pastless) return only === '' ? 'No service is failing' : `${only} is not failing`
    return only === '' ? `Nothing deviates from ${earlier}` : `${only} does not deviate from ${earlier}`
  }
  if (wrong.length === 1) {
    const name = first.name || 'The unnamed service'
    return first.trouble === 'silent' ? `${name} has gone silent` : `${name} is ${words[first.trouble ?? 'errors']}`
  }
  const parts = ORDER.map((trouble) => [wrong.filter((state) => state.trouble === trouble).length, words[trouble]] as const)
  return parts
    .filter(([count]) => count > 0)
    .map(([count, word], i) => (i === 0 ? `${count} of ${states.length} services ${count === 1 ? 'is' : 'are'} ${word}` : `${count} ${word}`))
    .join(', ')
}
