import { describe, expect, it } from 'vitest'
import type { SamplingHistory } from '../../api/types'
import { barShares, dayFactor, deviation, formatDeviation, headlineOf, intervalOf, keptShare, perSecond, seriesOf, sumOf } from './sampling_view'

const SECOND = 1_000_000_000n
const nano = (seconds: number) => String(BigInt(seconds) * SECOND)

describe('figures of sampling', () => {
  it('say what part is kept, and never more than all', () => {
    expect(keptShare(6, 100)).toBe(0.06)
    expect(keptShare(101, 100)).toBe(1)
    expect(keptShare(0, 0)).toBeNull()
  })

  it('say how far estimates are off, with a sign', () => {
    expect(formatDeviation(deviation(103, 100))).toBe('+3.0 %')
    expect(formatDeviation(deviation(75, 100))).toBe('−25 %')
    expect(formatDeviation(deviation(100, 100))).toBe('±0 %')
    expect(formatDeviation(deviation(1, 0))).toBe('–')
  })

  it('make a day of what has passed of a range', () => {
    const range = { from_unix_nano: nano(1_790_000_000), to_unix_nano: nano(1_790_003_600) }
    expect(dayFactor(range, 1_790_010_000_000)).toBe(24)
    expect(dayFactor(range, 1_790_001_800_000)).toBe(48)
    expect(dayFactor(range, 1_789_000_000_000)).toBe(0)
  })

  it('pick the series of a metric by its labels', () => {
    const history = {
      series: [
        { name: 'traces', labels: { decision: 'kept', policy: 'errors' }, values: [1, null, 2] },
        { name: 'traces', labels: { decision: 'dropped', policy: '' }, values: [50, 60, 70] },
        { name: 'late_spans', labels: { decision: 'kept' }, values: [0, 0, 0] },
      ],
    } as unknown as SamplingHistory
    const kept = seriesOf(history, 'traces', 'policy', { decision: 'kept' })
    expect(kept).toEqual([{ name: 'errors', values: [1, null, 2] }])
    expect(sumOf(kept)).toBe(3)
    expect(perSecond([30, null], 10)).toEqual([3, null])
  })

  it('say in which interval an estimate lies', () => {
    const policy = (traces: number, spans: number, stand_for: number) => ({ policy: 'a', traces, spans, stand_for, bytes_received: 1, bytes_on_disk: 1 })
    expect(intervalOf([policy(50, 150, 150)])).toBe(0) // nothing is left to chance
    // 100 traces of 2 spans that count tenfold: 1.96 * sqrt(100 * 4 * 90)
    expect(intervalOf([policy(100, 200, 2000), policy(7, 7, 7)])).toBeCloseTo(371.9, 1)
  })

  it('draw bars by the largest', () => {
    const policy = (spans: number) => ({ policy: 'a', traces: 1, spans, stand_for: spans, bytes_received: 1, bytes_on_disk: 1 })
    expect(barShares([policy(40), policy(10)])).toEqual([1, 0.25])
    expect(barShares([])).toEqual([])
  })

  it('say the main thing in a line', () => {
    const percent = (share: number) => `${share * 100} %`
    expect(headlineOf({ spans: 6, seen: 100 }, percent)).toBe('6 % of the spans are kept; all are counted')
    expect(headlineOf({ spans: 5, seen: 5 }, percent)).toBe('Every span is kept')
    expect(headlineOf({ spans: 0, seen: 0 }, percent)).toBe('No spans in this time')
  })
})
