// A trace as one wide event: what all its spans, their events, resources and scopes say, each value once with how many say
// it. Data: pages of GET /api/v1/traces/{id} -> rows, and one flat JSON object; no DOM.
import type { Attributes, Trace } from '../../api/types'
import { valueKind, valueLine, valueText, type ValueKind } from '../../base/attribute_value'
import { toJson } from '../../base/exact_json'
import { rowName, serviceName, type TraceModel } from '../../flame/model'

export type WideScope = 'trace' | 'span' | 'event' | 'resource' | 'scope'

export interface WideRow {
  id: string
  scope: WideScope
  key: string
  value: unknown
  text: string // in one line
  kind: ValueKind
  count: number // spans that have it, of a span's events: events
  spanId: string // the first of them, "" for the trace itself
}

// Of a key with more values than these, such as ids, the others are counted.
export const VALUES_MAX = 1000

interface Key {
  scope: WideScope
  key: string
  values: Map<string, WideRow>
  others: number // spans with further values
}

export class WideEvent {
  spans = 0
  private readonly keys = new Map<string, Key>()

  constructor(model: TraceModel) {
    const facts: Attributes = {
      'trace.id': model.traceId,
      'trace.duration_ms': model.duration / 1e6,
      'trace.spans': model.spanCount,
      'trace.errors': model.failedCount,
      'trace.services': model.services,
    }
    if (model.mainRoot >= 0 && !model.rootMissing) {
      facts['trace.root.name'] = rowName(model, model.mainRoot)
      facts['trace.root.service'] = serviceName(model, model.mainRoot)
      facts['trace.root.status'] = model.spans[model.mainRoot]?.status ?? 'Unset'
    }
    this.take('trace', facts, '')
  }

  add(page: Pick<Trace, 'spans' | 'attribute_sets'>): void {
    const sets = page.attribute_sets
    for (const span of page.spans) {
      this.spans++
      this.take('span', { name: span.name, kind: span.kind }, span.span_id)
      if (span.status.message !== '') this.take('span', { 'status.message': span.status.message }, span.span_id)
      this.take('span', span.attributes, span.span_id)
      this.take('resource', sets[span.resource]?.attributes ?? {}, span.span_id)
      this.take('scope', { 'otel.scope.name': span.scope.name }, span.span_id)
      for (const event of span.events) this.take('event', { name: event.name, ...event.attributes }, span.span_id)
    }
  }

  private take(scope: WideScope, attributes: Attributes, spanId: string): void {
    for (const [key, value] of Object.entries(attributes)) {
      const id = `${scope} ${key}`
      let known = this.keys.get(id)
      if (!known) this.keys.set(id, (known = { scope, key, values: new Map(), others: 0 }))
      const kind = valueKind(value)
      const text = valueLine(value)
      const valueId = `${kind} ${text}`
      const row = known.values.get(valueId)
      if (row) row.count++
      else if (known.values.size >= VALUES_MAX) known.others++
      else known.values.set(valueId, { id: `${id} ${valueId}`, scope, key, value, text, kind, count: 1, spanId })
    }
  }

  /** By scope and key, the most frequent values first. Only rows with all the words, if there are any. */
  rows(find = ''): WideRow[] {
    const words = find.toLowerCase().split(/\s+/).filter(Boolean)
    const rows: WideRow[] = []
    for (const { values } of this.sorted()) {
      for (const row of [...values.values()].sort((a, b) => b.count - a.count)) {
        const text = words.length === 0 ? '' : `${row.scope}.${row.key}=${row.text}`.toLowerCase()
        if (words.every((word) => text.includes(word))) rows.push(row)
      }
    }
    return rows
  }

  /** Values that are not among the rows: their keys have too many. */
  get others(): { key: string; count: number }[] {
    return [...this.keys.values()].filter(({ others }) => others > 0).map(({ key, others }) => ({ key, count: others }))
  }

  /** One flat object: a value where all say the same, else a list of them. */
  json(): string {
    const event: Record<string, unknown> = {}
    const counts = new Map<string, number>()
    for (const { scope, key, values } of this.sorted()) {
      // A span's own word comes first where a resource has one of the same name.
      const name = scope === 'event' ? `event.${key}` : key
      const list = [...values.values()].map((row) => row.value)
      const before = counts.get(name) ?? 0
      const all = before === 0 ? list : [...(before === 1 ? [event[name]] : (event[name] as unknown[])), ...list]
      counts.set(name, all.length)
      event[name] = all.length === 1 ? all[0] : all
    }
    return toJson(event, 2)
  }

  private sorted(): Key[] {
    const order: WideScope[] = ['trace', 'span', 'event', 'resource', 'scope']
    return [...this.keys.values()].sort((a, b) => order.indexOf(a.scope) - order.indexOf(b.scope) || a.key.localeCompare(b.key))
  }
}

/** What a row shows when it is asked for in full. */
export function wholeText(row: WideRow): string {
  return valueText(row.value)
}
