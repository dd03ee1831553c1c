// The keyboard. A view says which keys it has and what they do; the key map (?) shows exactly these.
//
//   keys.use(() => [{ keys: 'j', group: 'List', label: 'Next row', run: () => move(1) }])
import { untrack } from 'svelte'
import { keyName, KeySequence } from '../base/keys'
import { closeTopLayer } from './layers'

export interface Shortcut {
  keys: string // 'j', 'g s', 'mod+k', 'Enter', '?'
  group: string
  label: string
  run: (event: KeyboardEvent) => void
  hidden?: boolean // a second key for the same thing
}

class Keys {
  #sets = $state.raw<{ list: () => Shortcut[] }[]>([])
  #sequence = new KeySequence()

  // Of a component, while it is shown. The last one in wins, so a page overrides the frame.
  use(list: () => Shortcut[]): void {
    $effect(() => {
      const set = { list }
      this.#sets = [...untrack(() => this.#sets), set]
      return () => (this.#sets = this.#sets.filter((other) => other !== set))
    })
  }

  get all(): Shortcut[] {
    return this.#sets.flatMap((set) => set.list())
  }

  start(): void {
    addEventListener('keydown', (event) => this.#press(event))
  }

  #press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return
    if (document.querySelector('dialog[open]')) return // has its own
    const name = keyName(event)
    const typing = isTyping(event.target)
    if (name === 'Escape') {
      if (closeTopLayer()) return event.preventDefault()
      if (typing) return (event.target as HTMLElement).blur()
    }
    if (typing && !name.startsWith('mod+')) return
    const target = event.target as Element | null
    // Enter and space belong to what has the focus.
    if ((name === 'Enter' || name === ' ') && target?.closest?.('button, a, summary, [role="tab"], [role="menuitem"], [role="option"]')) return
    const list = this.all
    const hit = this.#sequence.feed(
      name,
      performance.now(),
      (keys) => list.some((one) => one.keys === keys),
      (key) => list.some((one) => one.keys.startsWith(`${key} `)),
    )
    const found = hit === null ? undefined : list.findLast((one) => one.keys === hit)
    if (!found) return
    event.preventDefault()
    found.run(event)
  }
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null
  if (!element?.closest) return false
  if (element.isContentEditable || element.tagName === 'TEXTAREA' || element.tagName === 'SELECT') return true
  return element.tagName === 'INPUT' && !['checkbox', 'radio', 'button', 'range'].includes((element as HTMLInputElement).type)
}

export const keys = new Keys()
