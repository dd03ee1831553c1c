// One tooltip for the whole page, shown by hovering or focusing whatever asks for it: <button {@attach tip('Copy')}>.
// Text only; line breaks are kept. It explains, it never holds what must be read or clicked.
import type { Attachment } from 'svelte/attachments'

const DELAY_MS = 350
let box: HTMLElement | null = null
let timer: ReturnType<typeof setTimeout> | undefined
let shownFor: Element | null = null

type Side = 'below' | 'right'

function show(target: Element, text: string, side: Side): void {
  if (!target.isConnected) return
  if (!box) {
    box = document.createElement('div')
    box.className = 'tooltip'
    box.id = 'tooltip'
    box.role = 'tooltip'
    box.popover = 'manual'
  }
  document.body.append(box)
  box.textContent = text
  box.showPopover()
  shownFor = target
  const at = target.getBoundingClientRect()
  const size = box.getBoundingClientRect()
  if (side === 'right') {
    box.style.left = `${at.right + 8}px`
    box.style.top = `${Math.max(6, at.top + at.height / 2 - size.height / 2)}px`
    return
  }
  const below = at.bottom + 6 + size.height < innerHeight
  box.style.left = `${Math.max(6, Math.min(innerWidth - size.width - 6, at.left + at.width / 2 - size.width / 2))}px`
  box.style.top = `${below ? at.bottom + 6 : at.top - size.height - 6}px`
}

function hide(): void {
  clearTimeout(timer)
  if (shownFor) box?.hidePopover()
  shownFor = null
}

export function tip(text: string | (() => string), side: Side = 'below'): Attachment<Element> {
  return (target) => {
    const value = () => (typeof text === 'string' ? text : text())
    const enter = (event: Event) => {
      if (event.type === 'focus' && !target.matches(':focus-visible')) return
      clearTimeout(timer)
      timer = setTimeout(() => value() && show(target, value(), side), shownFor ? 60 : DELAY_MS)
    }
    const key = (event: Event) => (event as KeyboardEvent).key === 'Escape' && hide()
    const events: [string, (event: Event) => void][] = [
      ['pointerenter', enter],
      ['focus', enter],
      ['pointerleave', hide],
      ['blur', hide],
      ['pointerdown', hide],
      ['keydown', key],
    ]
    for (const [name, listener] of events) target.addEventListener(name, listener)
    return () => {
      for (const [name, listener] of events) target.removeEventListener(name, listener)
      if (shownFor === target) hide()
    }
  }
}
