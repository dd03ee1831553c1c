// What a view keeps for an entry of the browser's history, so that "back" finds it as it was: the rows that were loaded,
// how far they were scrolled. Only in memory and only for the last few entries; the URL alone must do, too.

const ENTRIES_MAX = 12
const kept = new Map<string, Map<string, unknown>>() // oldest use first

export function keep(entry: string, name: string, value: unknown): void {
  const values = kept.get(entry) ?? new Map<string, unknown>()
  values.set(name, value)
  kept.delete(entry)
  kept.set(entry, values)
  for (const old of kept.keys()) {
    if (kept.size <= ENTRIES_MAX) break
    kept.delete(old)
  }
}

// Whoever keeps it under that name says what it is.
export function keptFor<T>(entry: string, name: string): T | undefined {
  return kept.get(entry)?.get(name) as T | undefined
}

export function forget(entry: string, name: string): void {
  kept.get(entry)?.delete(name)
}
