// What the top bar says of the page that is shown: its title, and what lies above it.
//
//   page.use(() => ({ title: params.id, above: [{ label: 'Traces', href: router.link('/traces') }] }))
export interface PageHead {
  title: string
  above?: { label: string; href: string }[]
  mono?: boolean // the title is an id
}

class Page {
  #head = $state.raw<(() => PageHead) | null>(null)

  // Of a page's component, while it is shown. A page that does not call it has the title of its route.
  use(head: () => PageHead): void {
    $effect.pre(() => {
      this.#head = head
      return () => {
        if (this.#head === head) this.#head = null
      }
    })
  }

  get head(): PageHead | null {
    return this.#head?.() ?? null
  }
}

export const page = new Page()
