// A short list of what was asked last. Knows no DOM.
export const RECENT_MAX = 10
const LENGTH_MAX = 2000

// From what was stored, which may be anything.
export function readRecent(text: string | null): string[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string' && one !== '').slice(0, RECENT_MAX) : []
  } catch {
    return []
  }
}

// Newest first, each once.
export function withRecent(list: readonly string[], added: string): string[] {
  if (added.length > LENGTH_MAX) return [...list]
  return [added, ...list.filter((one) => one !== added)].slice(0, RECENT_MAX)
}
