import { describe, expect, it } from 'vitest'
import type { TraceSummary } from '../../api/types'
import { causesOf, messageKind } from './causes'

let made = 0
function trace(root: string, startSeconds: number, failures: [service: string, name: string, message: string][]): TraceSummary {
  const id = String(++made).padStart(32, '0')
  const start = `${startSeconds}000000000`
  return {
    trace_id: id,
    root_service: 'web',
    root_name: root,
    root_status: 'Error',
    root_missing: false,
    start_unix_nano: start,
    duration_nano: 1,
    span_count: 3,
    error_count: 1,
    services: ['web'],
    matched: { span_id: 'm', service: 'web', name: root, status: 'Error', start_unix_nano: start, duration_nano: 1 },
    failures: failures.map(([service, name, message], i) => ({ span_id: `${id}-${i}`, service, name, kind: 'Client', message, target: '' })),
  }
}

describe('messageKind', () => {
  it('leaves out what differs each time', () => {
    expect(messageKind('timeout after 2000 ms to 10.0.0.7:5432')).toBe('timeout after # ms to #')
    expect(messageKind('no user 4bf92f3577b34da6 in 6f9619ff-8b86-d011-b42d-00c04fc964ff')).toBe('no user # in #')
    expect(messageKind('bad facade')).toBe('bad facade')
  })
})

describe('causesOf', () => {
  it('counts traces with the same failure, and keeps the newest', () => {
    const causes = causesOf([
      trace('GET /a', 100, [['db', 'SELECT', 'pool exhausted, 3 waiting']]),
      trace('GET /b', 300, [['db', 'SELECT', 'pool exhausted, 14 waiting']]),
      trace('GET /b', 200, [['db', 'SELECT', 'pool exhausted, 9 waiting']]),
      trace('GET /a', 400, [['mail', 'send', 'refused']]),
    ])
    expect(causes.map((cause) => [cause.service, cause.count])).toEqual([
      ['db', 3],
      ['mail', 1],
    ])
    expect(causes[0]).toMatchObject({ message: 'pool exhausted, 14 waiting', roots: ['GET /b', 'GET /a'] })
    expect(causes[0]?.newest.atNano).toBe('300000000000')
  })

  it('counts a trace once, and takes the matching span where no cause is known', () => {
    const causes = causesOf([
      trace('GET /a', 1, [
        ['db', 'SELECT', 'gone 1'],
        ['db', 'SELECT', 'gone 2'],
      ]),
      trace('GET /z', 2, []),
    ])
    expect(causes.map((cause) => [cause.service, cause.name, cause.count])).toEqual([
      ['web', 'GET /z', 1],
      ['db', 'SELECT', 1],
    ])
  })
})
