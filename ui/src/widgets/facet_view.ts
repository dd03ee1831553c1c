// What a facet is called and what its values say. Knows no DOM.
import { attributeOf, unquoted } from '../base/traceql'

// "service.name" of "resource.service.name"; the field whole is in the tooltip.
export function facetName(field: string): string {
  if (field.startsWith('instrumentation:')) return field.replace(':', ' ')
  return attributeOf(field)?.key ?? field.replace(/^(?:span|log|event):/, '')
}

export function facetValue(literal: string): string {
  if (literal === 'nil') return 'none'
  const words = unquoted(literal)
  return words === null ? literal : words === '' ? 'empty' : words
}
