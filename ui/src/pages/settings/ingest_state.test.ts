import { describe, expect, it } from 'vitest'
import type { SignalStatus, Status } from '../../api/types'
import { isEmpty, itemsText, signalState } from './ingest_state'

const NONE: SignalStatus = {
  rows: 0, bytes_on_disk: 0, newest_unix_nano: null, accepted_since_start: 0, refused_since_start: 0, last_arrival_unix_nano: null,
} // prettier-ignore
const status = (seconds: number, traces: Partial<SignalStatus>): Status => ({
  version: '1', start_unix_nano: '0', now_unix_nano: `${seconds}000000000`, ready: true, reason: '', otlp_grpc: '', otlp_http: '',
  signals: { traces: { ...NONE, ...traces }, metrics: NONE, logs: NONE },
}) // prettier-ignore

describe('signalState', () => {
  it('makes rates of two looks', () => {
    const before = status(1000, { accepted_since_start: 100 })
    const now = status(1005, { accepted_since_start: 600, refused_since_start: 10, last_arrival_unix_nano: '1004000000000' })
    expect(signalState('traces', now, before)).toMatchObject({ perSecond: 100, refusedPerSecond: 2, arrivedMs: 1_004_000, quiet: false })
  })

  it('knows no rate from one look', () => {
    expect(signalState('traces', status(1, {}), null)).toMatchObject({ perSecond: null, arrivedMs: null, quiet: false })
  })

  it('is quiet when nothing has come for minutes, though something came once', () => {
    expect(signalState('traces', status(1000, { last_arrival_unix_nano: '600000000000' }), null).quiet).toBe(true)
  })
})

describe('isEmpty', () => {
  it('needs nothing stored and nothing received', () => {
    expect(isEmpty(status(1, {}))).toBe(true)
    expect(isEmpty(status(1, { rows: 1 }))).toBe(false)
    expect(isEmpty(status(1, { accepted_since_start: 1 }))).toBe(false)
  })
})

describe('itemsText', () => {
  it('counts one and many', () => {
    expect(itemsText('traces', 1)).toBe('1 span')
    expect(itemsText('logs', 0)).toBe('0 records')
    expect(itemsText('metrics')).toBe('points')
  })
})
