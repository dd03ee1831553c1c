import { describe, expect, it } from 'vitest'
import type { ExceptionDecision } from '../../api/types'
import { countOf, doneText, logsQuery, shownBy, spansQuery, undoOf } from './exception_view'

const decision: ExceptionDecision = { state: 'resolved', note: 'rolled out', resolved_in_version: '1.1', version: 3, decided_unix_nano: '5', regressed_unix_nano: null }

describe('groups of exceptions', () => {
  it('are found again by a query', () => {
    expect(spansQuery({ service: 'shop', type: 'app.Declined' })).toBe('{ resource.service.name = "shop" && event.exception.type = "app.Declined" }')
    expect(logsQuery({ service: '', type: 'a "b"' })).toBe('{ log.exception.type = "a \\"b\\"" }')
  })
  it('are shown by what is to do, unless something else is asked for', () => {
    const states = { open: 3, regressed: 1, resolved: 20, ignored: 7 }
    expect(countOf(shownBy(''), states)).toBe(4)
    expect(countOf(shownBy('nonsense'), states)).toBe(4)
    expect(countOf(shownBy('all'), states)).toBe(31)
    expect(shownBy('ignored').states).toEqual(['ignored'])
  })
  it('say what was done to them', () => {
    expect(doneText('resolved', 'KeyError')).toBe('Resolved KeyError')
    expect(doneText('open', '')).toBe('Opened again: the exception')
  })
})

describe('taking a decision back', () => {
  it('restores the one before', () => {
    expect(undoOf(decision, 4)).toEqual({ state: 'resolved', note: 'rolled out', resolved_in_version: '1.1', version: 4 })
    expect(undoOf(null, 1)).toEqual({ state: 'open', version: 1 })
  })
  it('opens what had regressed', () => {
    expect(undoOf({ ...decision, regressed_unix_nano: '9' }, 4)).toEqual({ state: 'open', version: 4 })
  })
})
