// The queries that this person asked last, newest first, kept in this browser. One list for each kind: "traces", "logs".
import { readRecent, withRecent } from '../base/recent'
import { store, stored } from './stored'

class Recent {
  queries: readonly string[] = $state.raw([])

  constructor(private readonly kind: string) {
    this.queries = readRecent(stored(`recent.${kind}`))
  }

  add(query: string): void {
    if (query.trim() === '' || query.trim() === '{}') return
    this.queries = withRecent(this.queries, query.trim())
    store(`recent.${this.kind}`, JSON.stringify(this.queries))
  }
}

export const recentTraceQueries = new Recent('traces')
export const recentLogQueries = new Recent('logs')
