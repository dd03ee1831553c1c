// Where things that have a page of their own are found, from any page.
import { servicePath } from '../base/routes'
import { router } from './router.svelte'

export function serviceLink(service: string): string {
  return router.link(servicePath(service))
}

export function traceLink(traceId: string, spanId?: string | null): string {
  return router.link(`/traces/${traceId}`, { span: spanId })
}
