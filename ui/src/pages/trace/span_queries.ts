// Questions that a span leads to, in TraceQL. Data -> text; knows no DOM.
import { valueKind } from '../../base/attribute_value'
import type { UrlChange } from '../../base/filters'
import { attributeField, literal, queryOf, type Condition } from '../../base/traceql'

type Scope = 'span' | 'resource'

/** Spans with this value of an attribute; null for what equality cannot look for. */
export function sameValueQuery(scope: Scope, key: string, value: unknown): string | null {
  const kind = valueKind(value)
  if (kind !== 'text' && kind !== 'number' && kind !== 'boolean') return null
  if (typeof value === 'number' && !Number.isFinite(value)) return null
  return queryOf([{ field: attributeField(scope, key), operator: '=', value: literal(value as string | number | bigint | boolean) }])
}

/** Spans of the same operation. */
export function alikeQuery(service: string, name: string, more: readonly Condition[] = []): string {
  return queryOf([
    { field: 'resource.service.name', operator: '=', value: literal(service) },
    { field: 'name', operator: '=', value: literal(name) },
    ...more,
  ])
}

/** The Traces page with spans of the same operation, grouped by an attribute. */
export function groupUrl(service: string, name: string, scope: Scope, key: string): UrlChange {
  return { q: alikeQuery(service, name), view: 'groups', by: [attributeField(scope, key)] }
}

/** Spans that link to this one. */
export function linkingQuery(spanId: string): string {
  return queryOf([{ field: 'link:spanID', operator: '=', value: literal(spanId) }])
}
