// Attributes by the first part of their names, as the semantic conventions group them: http.*, db.*, model.*. Data in, data
// out.
export interface Namespace<T> {
  name: string // "" for names that are alone in theirs
  entries: [string, T][] // by name
}

/** Namespaces by name; those of one attribute are put together and stand last. */
export function byNamespace<T>(entries: readonly [string, T][]): Namespace<T>[] {
  const groups = new Map<string, [string, T][]>()
  for (const entry of [...entries].sort(([a], [b]) => a.localeCompare(b))) {
    const name = entry[0].includes('.') ? entry[0].slice(0, entry[0].indexOf('.')) : ''
    const group = groups.get(name)
    if (group) group.push(entry)
    else groups.set(name, [entry])
  }
  const alone: [string, T][] = []
  const named: Namespace<T>[] = []
  for (const [name, group] of groups) {
    if (name === '' || group.length === 1) alone.push(...group)
    else named.push({ name, entries: group })
  }
  named.sort((a, b) => a.name.localeCompare(b.name))
  alone.sort(([a], [b]) => a.localeCompare(b))
  return alone.length > 0 ? [...named, { name: '', entries: alone }] : named
}
