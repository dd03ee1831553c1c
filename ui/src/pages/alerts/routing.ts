// Which channels hear of an alert: the same as the server's routing, to show it before anything is sent. Knows no DOM.
import type { Labels, Matcher, RoutingDocument } from '../../api/alert_types'

function matches({ label, op, value }: Matcher, labels: Labels): boolean {
  const own = labels[label] ?? ''
  if (op === '=') return own === value
  if (op === '!=') return own !== value
  try {
    const found = new RegExp(`^(?:${value})$`, 's').test(own)
    return op === '=~' ? found : !found
  } catch {
    return false // the server's expressions differ in what is rare; it says itself what is wrong with one
  }
}

export const matchesAll = (matchers: readonly Matcher[], labels: Labels): boolean => matchers.every((one) => matches(one, labels))

// Ids, in the order of the routes; the default ones where none is meant.
export function channelsFor(routing: RoutingDocument, labels: Labels): string[] {
  const found: string[] = []
  let routed = false
  for (const route of routing.routes) {
    if (!matchesAll(route.matchers, labels)) continue
    routed = true
    found.push(...route.channels)
    if (route.continue !== true) break
  }
  return [...new Set(routed ? found : routing.default_channels)]
}

export const matcherText = ({ label, op, value }: Matcher): string => `${label} ${op} ${value === '' ? '""' : value}`

// "team=search, service.name=~cart.*": how people write them.
export function parseMatchers(text: string): Matcher[] | null {
  const parts = text.split(',').map((one) => one.trim()).filter((one) => one !== '')
  const found = parts.map((part): Matcher | null => {
    const match = /^([^=!~\s]+)\s*(=~|!~|!=|=)\s*(.*)$/.exec(part)
    if (match === null) return null
    return { label: match[1]!, op: match[2] as Matcher['op'], value: match[3]!.replace(/^"(.*)"$/, '$1') }
  })
  return found.every((one) => one !== null) ? found : null
}
export const matchersText = (matchers: readonly Matcher[]): string => matchers.map(({ label, op, value }) => `${label}${op}${value}`).join(', ')
