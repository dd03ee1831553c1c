import { describe, expect, it } from 'vitest'
import { buildModel } from '../../flame/model'
import { makeOutline } from '../../flame/testing/make_trace'
import { growsStill, logMarks, lookAfterMs, sameOutline, timeMarks } from './arrival'

const spans = [
  { id: 'root', at: 0, to: 100 },
  { id: 'child', parent: 'root', at: 10, to: 20 },
]

describe('a trace that is arriving', () => {
  it('may grow for a while after its last end, and no longer', () => {
    const outline = { start_unix_nano: '1700000000000000000', duration_nano: 60e9 }
    const endMs = 1_700_000_060_000
    expect(growsStill(outline, endMs + 1000)).toBe(true)
    expect(growsStill(outline, endMs + 11 * 60_000)).toBe(false)
  })

  it('is looked at ever more rarely while nothing comes', () => {
    expect([0, 1, 2, 5, 100].map(lookAfterMs)).toEqual([2000, 4000, 8000, 60_000, 60_000])
  })

  it('is another one when spans came', () => {
    const whole = { ...makeOutline(spans), sampling: null, scanned: { rows: 1, bytes: 1, elapsed_seconds: 0 } }
    const part = { ...makeOutline(spans.slice(0, 1)), sampling: null, scanned: { rows: 9, bytes: 1, elapsed_seconds: 1 } }
    expect(sameOutline(whole, { ...whole, scanned: part.scanned })).toBe(true)
    expect(sameOutline(part, whole)).toBe(false)
  })
})

describe('logs on rows', () => {
  it('stand at their time on the row of their span, severe ones marked', () => {
    const model = buildModel(makeOutline(spans))
    const log = (span_id: string, nano: number, severity_number: number) => ({
      span_id,
      severity_number,
      time_unix_nano: String(1700000000000000000n + BigInt(nano)),
    })
    const marks = logMarks(model, [log('child', 15, 17), log('child', 11, 9), log('', 5, 9), log('gone', 5, 9)])
    expect(timeMarks(model, [log('child', 15, 17), log('', 5, 9)])).toEqual([{ at: 5, severe: false }, { at: 15, severe: true }])
    expect([...marks]).toEqual([
      [
        1,
        [
          { at: 11, severe: false },
          { at: 15, severe: true },
        ],
      ],
    ])
  })
})
