// What the palette offers for what is typed. Pure: the view gives it the places, services and actions there are.
import { fuzzyMatch } from '../base/fuzzy'
import { findTraceId } from '../base/ids'
import type { IconName } from '../widgets/icons'

export interface Entry {
  id: string
  group: string
  label: string
  words?: string // also found by these
  hint?: string
  keys?: string
  icon?: IconName
  service?: string // shown with its colour
  href?: string
  run?: () => void
  searched?: boolean // only when something is typed
}

export interface Hit {
  entry: Entry
  places: number[]
}

export interface HitGroup {
  name: string
  hits: Hit[]
}

const SHOWN_MAX = 40
const WORDS_WEIGHT = 0.6 // a hit in the other words counts less than one in the label

// Groups in the order of their best hit; with nothing typed, all in their own order.
export function rank(entries: readonly Entry[], typed: string): HitGroup[] {
  const wanted = typed.trim()
  const scored: { hit: Hit; score: number }[] = []
  for (const entry of entries) {
    if (wanted === '') {
      if (!entry.searched) scored.push({ hit: { entry, places: [] }, score: 0 })
      continue
    }
    const own = fuzzyMatch(wanted, entry.label)
    const other = entry.words ? fuzzyMatch(wanted, `${entry.label} ${entry.words}`) : null
    if (own) scored.push({ hit: { entry, places: own.places }, score: own.score })
    else if (other) scored.push({ hit: { entry, places: other.places.filter((at) => at < entry.label.length) }, score: other.score * WORDS_WEIGHT })
  }
  if (wanted !== '') scored.sort((a, b) => b.score - a.score)
  const groups = new Map<string, Hit[]>()
  for (const { hit } of scored.slice(0, SHOWN_MAX)) groups.set(hit.entry.group, [...(groups.get(hit.entry.group) ?? []), hit])
  return [...groups].map(([name, hits]) => ({ name, hits }))
}

// A trace id in what was typed or pasted, or the start of one.
export function typedTrace(typed: string): { id: string; whole: boolean } | null {
  const whole = findTraceId(typed)
  if (whole !== null) return { id: whole, whole: true }
  const start = typed.trim().toLowerCase()
  return /^(?=.*\d)[0-9a-f]{6,31}$/.test(start) ? { id: start, whole: false } : null
}

// The label in pieces, to show which letters matched.
export function pieces(label: string, places: readonly number[]): { text: string; hit: boolean }[] {
  const marked = new Set(places)
  const found: { text: string; hit: boolean }[] = []
  for (let i = 0; i < label.length; i++) {
    const hit = marked.has(i)
    const last = found.at(-1)
    if (last && last.hit === hit) last.text += label[i]
    else found.push({ text: label[i] ?? '', hit })
  }
  return found
}
