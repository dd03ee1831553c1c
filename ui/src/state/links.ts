// Where things that have a page of their own are found, from any page.
import type { RuleDocument } from '../api/alert_types'
import { servicePath } from '../base/routes'
import type { ParamValue } from '../base/url'
import { router } from './router.svelte'

export function serviceLink(service: string): string {
  return router.link(servicePath(service))
}

// The traces that a query finds. It says itself of which services they are: the filter that belongs to all views would narrow it
// to those of another one.
export function tracesLink(q: string, more: Record<string, ParamValue> = {}): string {
  return router.link('/traces', { q, ...more, service: null })
}

export function traceLink(traceId: string, spanId?: string | null): string {
  return router.link(`/traces/${traceId}`, { span: spanId })
}

// A new alert rule with what it begins with: nothing is saved before it was seen.
export function newRuleLink(document: RuleDocument): string {
  return router.link('/alerts/rules/new', { document: JSON.stringify(document) })
}
