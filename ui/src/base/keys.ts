// Keys: single ones, and sequences such as "g s". Pure: the frame feeds it events and does what comes out.

export interface KeyEventLike {
  key: string
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  shiftKey: boolean
}

export const SEQUENCE_MS_MAX = 1200

// "mod+k" for Ctrl-K and Cmd-K, "?" and "G" as typed, "Escape", "ArrowDown".
export function keyName(event: KeyEventLike): string {
  const name = event.key.length === 1 && (event.ctrlKey || event.metaKey) ? event.key.toLowerCase() : event.key
  const mod = event.ctrlKey || event.metaKey ? 'mod+' : ''
  const alt = event.altKey && event.key.length > 1 ? 'alt+' : ''
  const shift = event.shiftKey && event.key.length > 1 ? 'shift+' : ''
  return mod + alt + shift + name
}

// Remembers the first key of a sequence for a moment.
export class KeySequence {
  private pending = ''
  private pendingUntilMs = 0

  // What to look up: first the sequence that this key ends, then the key alone. `known` says which exist.
  feed(name: string, nowMs: number, known: (keys: string) => boolean, starts: (keys: string) => boolean): string | null {
    const sequence = this.pending && nowMs <= this.pendingUntilMs ? `${this.pending} ${name}` : ''
    this.pending = ''
    if (sequence && known(sequence)) return sequence
    if (starts(name)) {
      this.pending = name
      this.pendingUntilMs = nowMs + SEQUENCE_MS_MAX
      return null
    }
    return known(name) ? name : null
  }
}
