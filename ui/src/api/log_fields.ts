// What a log record has in a field of TraceQL. Knows no DOM.
import { parseJsonText, valueAt, valueKind, valueLine } from '../base/attribute_value'
import { attributeOf, bodyKeys } from '../base/traceql'
import type { AttributeSets, LogRecord } from './types'

type AttributeSet = AttributeSets[string]

// A record with what the answer that brought it knows about its resource and scope.
export interface LogWithSets extends LogRecord {
  resourceSet: AttributeSet | null
  scopeSet: AttributeSet | null
}

export function withSets(logs: readonly LogRecord[], sets: AttributeSets): LogWithSets[] {
  return logs.map((record) => ({
    ...record,
    resourceSet: sets[record.resource] ?? null,
    scopeSet: record.scope.set === undefined ? null : (sets[record.scope.set] ?? null),
  }))
}

export function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ↵ ').trim()
}

const bodies = new WeakMap<object, Record<string, unknown> | null>()

// The body where it is a map, or text that holds one; null: it is neither.
export function bodyMap(record: Pick<LogRecord, 'body'>): Record<string, unknown> | null {
  const known = bodies.get(record)
  if (known !== undefined) return known
  const body = typeof record.body === 'string' ? parseJsonText(record.body) : record.body
  const map = valueKind(body) === 'map' ? (body as Record<string, unknown>) : null
  bodies.set(record, map)
  return map
}

// What a record has in a field of TraceQL, on one line; null: it does not have it.
export function columnText(item: LogWithSets, field: string): string | null {
  const said: Record<string, string> = {
    eventName: item.event_name, severityText: item.severity_text, 'trace:id': item.trace_id, 'span:id': item.span_id,
    'instrumentation:name': item.scope.name ?? '', 'instrumentation:version': item.scope.version ?? '',
  } // prettier-ignore
  if (field in said) return said[field] || null
  const keys = bodyKeys(field)
  if (keys !== null) {
    const map = bodyMap(item)
    const value = map === null ? undefined : valueAt(map, keys)
    return value === undefined ? null : oneLine(valueLine(value))
  }
  const attribute = attributeOf(field)
  if (attribute === null) return null
  const sets = { log: item.attributes, resource: item.resourceSet?.attributes, instrumentation: item.scopeSet?.attributes }
  const scopes = attribute.scope === '' ? (['log', 'resource', 'instrumentation'] as const) : [attribute.scope as keyof typeof sets]
  for (const scope of scopes) {
    const value = sets[scope]?.[attribute.key]
    if (value !== undefined) return oneLine(valueLine(value))
  }
  return null
}
