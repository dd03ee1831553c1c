// The card beside the crosshair: when, and what each series is there. One per chart; text only, made without HTML.

export interface TipContent {
  title: string
  rows: readonly { name: string; color: string; text: string }[]
  most: number // rows; the rest is counted
  x: number // CSS pixels within the host
  y: number
}

const AWAY_PX = 14

// Thread: the page.
export class ChartTip {
  private readonly card: HTMLDivElement

  constructor(private readonly host: HTMLElement) {
    this.card = document.createElement('div')
    this.card.className = 'chart-tip'
    this.card.hidden = true
    // The table beside the chart says the same to who cannot point.
    this.card.setAttribute('aria-hidden', 'true')
    host.append(this.card)
  }

  show({ title, rows, most, x, y }: TipContent): void {
    const head = document.createElement('div')
    head.className = 'chart-tip-title'
    head.textContent = title
    const lines = rows.slice(0, most).map(({ name, color, text }) => {
      const line = document.createElement('div')
      line.className = 'chart-tip-row'
      const mark = document.createElement('i')
      mark.style.background = color
      const label = document.createElement('span')
      label.textContent = name
      const value = document.createElement('b')
      value.textContent = text
      line.append(mark, label, value)
      return line
    })
    if (rows.length === 0 || rows.length > most) {
      const rest = document.createElement('div')
      rest.className = 'chart-tip-rest'
      rest.textContent = rows.length === 0 ? 'no data' : `and ${rows.length - most} more`
      lines.push(rest)
    }
    this.card.replaceChildren(head, ...lines)
    this.card.hidden = false
    // On the side with more room, within the host.
    const { offsetWidth, offsetHeight } = this.card
    const right = x + AWAY_PX + offsetWidth <= this.host.clientWidth
    const left = right ? x + AWAY_PX : Math.max(0, x - AWAY_PX - offsetWidth)
    const top = Math.min(Math.max(0, y - offsetHeight / 2), Math.max(0, this.host.clientHeight - offsetHeight))
    this.card.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`
  }

  hide(): void {
    this.card.hidden = true
  }

  destroy(): void {
    this.card.remove()
  }
}
