import { describe, expect, it } from 'vitest'
import { absolute } from '../base/time'
import { formatDuration } from '../base/units'
import { asLast, previewRange, rangeLabel } from './range_text'

const NOW = Date.UTC(2026, 10, 22, 12, 30)

describe('previewRange', () => {
  it('says nothing of nothing', () => {
    expect(previewRange('  ', NOW, 'utc')).toBeNull()
  })

  it('says what a relative range is now', () => {
    expect(previewRange('45 min', NOW, 'utc')).toEqual({ range: { kind: 'last', last: '45m' }, text: 'Last 45 minutes: 11:45 – 12:30', size: formatDuration(45 * 60e9) })
  })

  it('says both ends and the length of an absolute one', () => {
    const preview = previewRange('10:00 to 11:30', NOW, 'utc')
    expect(preview?.range).toEqual(absolute(Date.UTC(2026, 10, 22, 10), Date.UTC(2026, 10, 22, 11, 30)))
    expect(preview?.text.replace(/\s/g, ' ')).toBe('10:00 – 11:30, 1 h 30 min')
  })

  it('refuses what lies ahead, and what it does not understand', () => {
    expect(previewRange('2026-11-23 10:00 to 2026-11-23 11:00', NOW, 'utc')?.range).toBeNull()
    expect(previewRange('soon', NOW, 'utc')).toEqual({ range: null, text: 'Not understood', size: '' })
  })
})

describe('labels', () => {
  it('names a relative range by its length, an absolute one by its ends', () => {
    const bounds = { fromMs: NOW - 3_600_000, toMs: NOW }
    expect(rangeLabel({ kind: 'last', last: '1h' }, bounds, NOW, 'utc')).toBe('Last hour')
    expect(rangeLabel(absolute(bounds.fromMs, bounds.toMs), bounds, NOW, 'utc')).toBe('11:30 – 12:30')
  })

  it('makes any range one that moves', () => {
    expect(asLast({ kind: 'last', last: '3h' }, { fromMs: 0, toMs: 1 })).toBe('3h')
    expect(asLast(absolute(0, 5_400_000), { fromMs: 0, toMs: 5_400_000 })).toBe('90m')
  })
})
