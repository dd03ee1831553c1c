// The URL as reactive state, and moving between URLs. Everything that a view shows is told by `router.path` and
// `router.search`; nothing else is kept.
import { matchRoute, type Match } from '../base/routes'
import { makeHref, sharedOf, type ParamValue } from '../base/url'

class Router {
  path = $state('/')
  #query = $state('')
  search = $derived(new URLSearchParams(this.#query))
  match: Match | null = $derived(matchRoute(this.path))
  // Names the entry of the browser's history that is shown: the same again after "back". See kept.ts.
  entry = $state('')

  start(): void {
    this.#read()
    addEventListener('popstate', () => this.#read())
    document.addEventListener('click', (event) => this.#click(event))
  }

  // A parameter of this page, or "".
  param(key: string): string {
    return this.search.get(key) ?? ''
  }

  params(key: string): string[] {
    return this.search.getAll(key)
  }

  // A link to another page: what belongs to all views (range, live, service) goes along, unless `params` says otherwise.
  link(path: string, params: Record<string, ParamValue> = {}): string {
    return makeHref(path, { ...sharedOf(this.search), ...params })
  }

  // This page with some parameters changed; null or "" removes one.
  here(changes: Record<string, ParamValue>): string {
    const params: Record<string, ParamValue> = {}
    for (const key of this.search.keys()) {
      const values = this.search.getAll(key)
      params[key] = values.length > 1 ? values : values[0]
    }
    return makeHref(this.path, { ...params, ...changes })
  }

  go(href: string, options: { replace?: boolean } = {}): void {
    const target = new URL(href, location.href)
    if (target.origin !== location.origin) return
    const next = target.pathname + target.search + target.hash
    if (next === location.pathname + location.search + location.hash) return
    if (options.replace) history.replaceState(history.state, '', next)
    else history.pushState({ entry: newEntry() }, '', next)
    this.#read()
  }

  // As a link would for this press: with a modifier in a tab of its own.
  follow(href: string, event: MouseEvent | KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.shiftKey) open(href, '_blank', 'noopener')
    else this.go(href)
  }

  // Changes parameters of this page. `replace` for what is no step of its own: typing, a selection that moves.
  set(changes: Record<string, ParamValue>, options: { replace?: boolean } = {}): void {
    this.go(this.here(changes), options)
  }

  #read(): void {
    let entry = (history.state as { entry?: string } | null)?.entry
    if (entry === undefined) {
      entry = newEntry()
      history.replaceState({ entry }, '')
    }
    this.entry = entry
    this.path = location.pathname
    this.#query = location.search
  }

  // Links of our own move without a load; those with modifiers, targets or other hosts are the browser's.
  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const anchor = (event.target as Element | null)?.closest?.('a[href]') as HTMLAnchorElement | null
    if (!anchor || anchor.target || anchor.hasAttribute('download') || anchor.origin !== location.origin) return
    if (!matchRoute(anchor.pathname)) return
    event.preventDefault()
    this.go(anchor.href)
  }
}

let entries = 0
// Also another one after a reload, which forgets what was kept.
const newEntry = () => `${Date.now().toString(36)}.${entries++}`

export const router = new Router()
