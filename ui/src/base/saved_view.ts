// A view of an explorer as it is kept under a name: the URL's parameters without what belongs to the moment. Knows no DOM.
import type { ParamValue } from './url'

// Of the time, and of what is open or marked in a list.
const OF_THE_MOMENT = new Set(['last', 'from', 'to', 'live', 'saved', 'record', 'around', 'mark', 'span', 'sel_from', 'sel_to'])

export function pageOf(search: URLSearchParams): string {
  const page = new URLSearchParams()
  for (const [key, value] of search) if (!OF_THE_MOMENT.has(key) && value !== '') page.append(key, value)
  page.sort()
  return page.toString()
}

// Parameters that show the view; one that is not in it is not kept from before.
export function pageParams(page: string): Record<string, ParamValue> {
  const params: Record<string, ParamValue> = { service: null }
  const search = new URLSearchParams(page)
  for (const key of new Set(search.keys())) {
    if (OF_THE_MOMENT.has(key)) continue
    const values = search.getAll(key)
    params[key] = values.length > 1 ? values : values[0]
  }
  return params
}
