// Short notices that something was done, with an undo where there is one.
export interface Toast {
  id: number
  text: string
  tone: 'plain' | 'error'
  action?: { label: string; run: () => void }
}

const SHOWN_MS = 5000

class Toasts {
  list: Toast[] = $state.raw([])
  #next = 1

  show(text: string, options: { tone?: Toast['tone']; action?: Toast['action'] } = {}): void {
    const id = this.#next++
    this.list = [...this.list.slice(-2), { id, text, tone: options.tone ?? 'plain', action: options.action }]
    setTimeout(() => this.close(id), options.action ? SHOWN_MS * 2 : SHOWN_MS)
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id)
  }
}

export const toasts = new Toasts()
