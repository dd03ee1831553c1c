// Finding by a few letters. Each word of the query must be in the text, its letters in order; runs and starts of words
// count most, so that "ck" finds "checkout" but "cart-kafka" too, and "check" finds "checkout" first.

export interface FuzzyMatch {
  score: number
  places: number[] // of the letters that matched, ascending
}

const RUN = 8 // beside the letter before
const WORD_START = 10
const TEXT_START = 6
const GAP_MAX = 12 // points lost for letters between

export function fuzzyMatch(query: string, text: string): FuzzyMatch | null {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const places = new Set<number>()
  let score = 0
  for (const word of words) {
    const match = matchWord(word, text)
    if (match === null) return null
    score += match.score
    for (const place of match.places) places.add(place)
  }
  // Of two texts with the same match the shorter one is meant.
  return { score: score - text.length / 100, places: [...places].sort((a, b) => a - b) }
}

function startsWord(text: string, at: number): boolean {
  if (at === 0) return true
  const [before, here] = [text[at - 1] ?? '', text[at] ?? '']
  return !/[\p{L}\p{N}]/u.test(before) || (/\p{Ll}/u.test(before) && /\p{Lu}/u.test(here))
}

// best[j]: the score of the word's first i letters with letter i at text[j]; from[i][j]: where the letter before it was.
function matchWord(word: string, text: string): FuzzyMatch | null {
  const lower = text.toLowerCase()
  let best: number[] = []
  const from: number[][] = []
  for (let i = 0; i < word.length; i++) {
    const next: number[] = []
    const came: number[] = []
    for (let j = i; j < lower.length; j++) {
      if (lower[j] !== word[i]) continue
      const own = (startsWord(text, j) ? WORD_START : 0) + (j === 0 ? TEXT_START : 0) + 1
      if (i === 0) {
        next[j] = own
        continue
      }
      for (let k = i - 1; k < j; k++) {
        const before = best[k]
        if (before === undefined) continue
        const step = k === j - 1 ? RUN : -Math.min(GAP_MAX, j - k)
        const total = before + own + step
        if (next[j] === undefined || total > (next[j] as number)) {
          next[j] = total
          came[j] = k
        }
      }
    }
    if (next.length === 0) return null
    best = next
    from.push(came)
  }
  let end = -1
  best.forEach((score, j) => {
    if (end < 0 || score > (best[end] as number)) end = j
  })
  if (end < 0) return null
  const places = [end]
  for (let i = word.length - 1; i > 0; i--) places.unshift(from[i]?.[places[0] as number] ?? 0)
  return { score: best[end] as number, places }
}
