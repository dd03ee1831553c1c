import { describe, expect, it } from 'vitest'
import type { SilentFailure } from '../../api/types'
import { failureKey, failureQuery, hitShare, hitsByService, retriedText, shareText } from './silent_view'

const entry = { service: 'web', name: 'GET /search', kind: 'Server' as const, requests: 4, requests_in_all: 8 }
const failure: SilentFailure = {
  service: 'web', name: 'GET', kind: 'Client', message: 'refused', target: 'wiki', requests: 4, requests_in_all: 8, retried_requests: 0,
  requests_per_second: 0.1, series: [], first_seen_unix_nano: null, last_seen_unix_nano: '1', versions: [], entries: [entry], entries_in_all: 1, samples: [],
} // prettier-ignore

describe('silent failures', () => {
  it('have a key of what they are, not of how often they were', () => {
    expect(failureKey({ ...failure, requests: 9, last_seen_unix_nano: '2' })).toBe(failureKey(failure))
    expect(failureKey({ ...failure, message: 'timeout' })).not.toBe(failureKey(failure))
  })
  it('have a share of the requests, never more than all', () => {
    expect(hitShare(failure)).toBe(0.5)
    expect(hitShare({ requests: 9, requests_in_all: 8 })).toBe(1)
    expect(hitShare({ requests: 1, requests_in_all: 0 })).toBeNull()
    expect(shareText(hitShare({ requests: 1, requests_in_all: null }))).toBe('–')
  })
  it('say where a later try went well', () => {
    expect(retriedText(failure)).toBeNull()
    expect(retriedText({ requests: 4, retried_requests: 4 })).toBe('retried with success')
    expect(retriedText({ requests: 4, retried_requests: 1 })).toMatch(/^retried with success in 25/)
  })
  it('are found again by a query', () => {
    const failed = '(status = error || event:name = "exception" || span.http.response.status_code >= 400)'
    expect(failureQuery(failure)).toBe(
      `{ resource.service.name = "web" && name = "GET /search" && kind = server && status != error } >> { resource.service.name = "web" && name = "GET" && kind = client && ${failed} }`,
    )
    expect(failureQuery({ ...failure, entries_in_all: 2 })).toContain('{ resource.service.name = "web" && status != error } >> ')
    expect(failureQuery({ ...failure, name: 'GET /search', kind: 'Server' })).not.toContain('>>')
    expect(failureQuery({ ...failure, service: '', entries: [{ ...entry, service: '' }] })).toBe(`{ name = "GET /search" && kind = server && status != error } >> { name = "GET" && kind = client && ${failed} }`)
    expect(failureQuery({ ...failure, name: 'say "x"' })).toContain('name = "say \\"x\\""')
  })
  it('are counted by service', () => {
    const examined = { from_unix_nano: '0', traces: 1, spans: 1, is_complete: true }
    const scanned = { rows: 0, bytes: 0, elapsed_seconds: 0 }
    const services = [{ service: 'web', requests: 3, requests_in_all: 4 }]
    expect(hitsByService({ from_unix_nano: '0', to_unix_nano: '1', examined, services, scanned }).get('web')).toEqual({ requests: 3, share: 0.75, isComplete: true })
    expect(hitsByService(undefined).size).toBe(0)
  })
})
