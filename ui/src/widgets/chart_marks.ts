// Diamonds over a chart: single moments with a value, each a link to what stands behind it. They are elements, so that they
// can be reached by keyboard: one stop of the tab key, arrows from one to the next, Enter opens. Plain TypeScript; chart.ts
// says where the plot is.
import type uPlot from 'uplot'

import { ChartTip } from './chart_tip'

export interface ChartMark {
  ms: number
  value: number | null // null: none of the chart's unit; it stands at the foot
  color: string // a custom property
  href: string // "": leads nowhere, and is drawn hollow
  label: string // all that the tip says, for who does not see it
  title: string
  rows: readonly { name: string; text: string }[]
}

interface Place {
  x: number // CSS pixels within the plot
  y: number
  beyond: 'above' | 'below' | null // the value lies there, and the chart does not show it
}

const ROOM = 2

// What the axis of values covers with marks over series from `low` to `high`: those that would leave the series at least half the
// height, and all where the scale is one of logarithms, which has room.
export function limitsWithMarks([low, high]: [number, number], marks: readonly ChartMark[], log: boolean): [number, number] {
  const values = marks.flatMap(({ value }) => (value !== null && (log ? value > 0 : Math.abs(value) <= ROOM * Math.max(Math.abs(low), Math.abs(high))) ? [value] : []))
  return [Math.min(low, ...values), Math.max(high, ...values)]
}

// Where a mark stands in a plot of that height: `y` is where its value is.
export function placeOfMark(x: number, y: number | null, height: number): Place {
  if (y === null) return { x, y: height, beyond: null }
  if (y < 0) return { x, y: 0, beyond: 'above' }
  // What is not above 0 is infinitely low on a scale of logarithms.
  return y <= height ? { x, y, beyond: null } : { x, y: height, beyond: 'below' }
}

// Thread: the page.
export class ChartMarks {
  private marks: readonly ChartMark[] = []
  private links: HTMLAnchorElement[] = []
  private readonly layer: HTMLDivElement
  private readonly tip: ChartTip
  private current = 0 // the one that the tab key reaches

  constructor(host: HTMLElement) {
    this.layer = document.createElement('div')
    this.layer.className = 'chart-marks'
    this.layer.setAttribute('role', 'group')
    this.layer.setAttribute('aria-label', 'Exemplars')
    this.layer.addEventListener('keydown', (event) => this.moved(event))
    host.append(this.layer)
    this.tip = new ChartTip(host)
  }

  set(marks: readonly ChartMark[]): void {
    if (marks === this.marks) return
    const focused = this.links.indexOf(document.activeElement as HTMLAnchorElement)
    const before = focused < 0 ? null : this.marks[focused]
    this.marks = marks
    this.tip.hide()
    this.current = Math.max(0, before ? marks.findIndex((mark) => mark.href === before.href && mark.ms === before.ms) : 0)
    this.links = marks.map((mark, index) => this.link(mark, index))
    this.layer.hidden = marks.length === 0
    this.layer.replaceChildren(...this.links)
    if (before) this.links[this.current]?.focus({ preventScroll: true })
  }

  // To be called whenever the plot was drawn.
  place(plot: uPlot): void {
    const { left, top, width, height } = plot.over.getBoundingClientRect()
    const host = this.layer.getBoundingClientRect()
    this.marks.forEach((mark, index) => {
      const link = this.links[index]
      if (link === undefined) return
      const y = mark.value === null ? null : plot.valToPos(mark.value, 'y')
      const place = placeOfMark(plot.valToPos(mark.ms / 1000, 'x'), y, height)
      link.hidden = place.x < 0 || place.x > width
      link.classList.toggle('above', place.beyond === 'above')
      link.classList.toggle('below', place.beyond === 'below')
      link.style.left = `${left - host.left + place.x}px`
      link.style.top = `${top - host.top + place.y}px`
    })
  }

  destroy(): void {
    this.tip.destroy()
    this.layer.remove()
  }

  private link(mark: ChartMark, index: number): HTMLAnchorElement {
    const link = document.createElement('a')
    link.className = 'chart-mark'
    link.setAttribute('aria-label', mark.label)
    if (mark.href !== '') {
      link.href = mark.href
    } else {
      link.setAttribute('role', 'link')
      link.setAttribute('aria-disabled', 'true')
    }
    link.style.setProperty('--mark', `var(${mark.color})`)
    link.tabIndex = index === this.current ? 0 : -1
    link.draggable = false
    const show = () => this.show(mark, link)
    const hide = () => this.tip.hide()
    link.addEventListener('mouseenter', show)
    link.addEventListener('mouseleave', hide)
    link.addEventListener('focus', () => {
      this.select(index)
      show()
    })
    link.addEventListener('blur', hide)
    return link
  }

  private select(index: number): void {
    const [before, now] = [this.links[this.current], this.links[index]]
    if (before) before.tabIndex = -1
    if (now) now.tabIndex = 0
    this.current = index
  }

  private show(mark: ChartMark, link: HTMLElement): void {
    const rows = mark.rows.map((row) => ({ ...row, color: 'transparent' }))
    this.tip.show({ title: mark.title, rows, most: rows.length, x: link.offsetLeft, y: link.offsetTop })
  }

  private moved(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key]
    const target = by !== undefined ? this.nextShown(by) : event.key === 'Home' ? 0 : event.key === 'End' ? this.links.length - 1 : null
    if (target === null || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    event.stopPropagation()
    this.links[target]?.focus({ preventScroll: true })
  }

  private nextShown(by: number): number | null {
    for (let i = this.current + by; i >= 0 && i < this.links.length; i += by) if (!this.links[i]?.hidden) return i
    return null
  }
}
