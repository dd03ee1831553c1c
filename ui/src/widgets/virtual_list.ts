// The window of a long list: which rows exist in the page. Wraps virtual-core for Svelte: rows are keyed, may have
// different heights, and what is put in above the window does not move what is in it. Thread: the page.
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualItem,
} from '@tanstack/virtual-core'

export interface ListWindow {
  items: VirtualItem[]
  totalPx: number
}

export interface ListOptions {
  count: number
  rowPx: number | ((index: number) => number)
  key: (index: number) => string | number
  overscan?: number
}

export class VirtualWindow {
  private readonly virtualizer: Virtualizer<HTMLElement, HTMLElement>
  private readonly unmount: () => void

  constructor(
    private readonly scroller: HTMLElement,
    options: ListOptions,
    private readonly changed: (window: ListWindow) => void,
  ) {
    this.virtualizer = new Virtualizer(this.full(options))
    this.unmount = this.virtualizer._didMount()
    this.virtualizer._willUpdate()
    this.publish()
  }

  update(options: ListOptions): void {
    this.virtualizer.setOptions(this.full(options))
    this.virtualizer._willUpdate()
    this.publish()
  }

  measure(row: HTMLElement): void {
    this.virtualizer.measureElement(row)
  }

  scrollTo(index: number, align: 'auto' | 'start' | 'center' = 'auto'): void {
    this.virtualizer.scrollToIndex(index, { align })
  }

  // First row that is at least partly in sight, and how far it is scrolled out.
  top(): { index: number; offsetPx: number } {
    const item = this.virtualizer.getVirtualItemForOffset(this.scroller.scrollTop)
    return item === undefined
      ? { index: 0, offsetPx: 0 }
      : { index: item.index, offsetPx: this.scroller.scrollTop - item.start }
  }

  destroy(): void {
    this.unmount()
  }

  private publish(): void {
    this.changed({ items: this.virtualizer.getVirtualItems(), totalPx: this.virtualizer.getTotalSize() })
  }

  private full(options: ListOptions): ConstructorParameters<typeof Virtualizer<HTMLElement, HTMLElement>>[0] {
    return {
      count: options.count,
      getScrollElement: () => this.scroller,
      estimateSize: typeof options.rowPx === 'number' ? () => options.rowPx as number : options.rowPx,
      getItemKey: options.key,
      overscan: options.overscan ?? 12,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      onChange: () => this.publish(),
    }
  }
}
