import { describe, expect, it } from 'vitest'
import { causes, failureGroups, failureSentence } from './failures'
import { criticalPath } from './critical_path'
import { buildModel } from './model'
import { oddities } from './oddities'
import { nextFailed, VisibleRows } from './rows'
import { findRows } from './search'
import { makeOutline, type SpanSketch } from './testing/make_trace'
import { carryOver, TraceView } from './trace_view'

const SHOP: SpanSketch[] = [
  { id: 'root', at: 0, to: 100, name: 'GET /search', service: 'web', kind: 'Server' },
  { id: 'rank', parent: 'root', at: 5, to: 30, name: 'rank', service: 'web' },
  { id: 'model', parent: 'rank', at: 6, to: 20, name: 'model.predict', service: 'web' },
  { id: 'signal', parent: 'root', at: 30, to: 90, name: 'get_signal', service: 'web', status: 'Error' },
  {
    id: 'call',
    parent: 'signal',
    at: 31,
    to: 89,
    name: 'GET',
    service: 'wiki',
    kind: 'Client',
    status: 'Error',
    message: 'ConnectError: refused',
  },
]
const shop = () => buildModel(makeOutline(SHOP))

describe('visible rows', () => {
  const shown = (rows: VisibleRows) => [...rows.rows].map((row) => rows.model.spanIds[row])

  it('hides what is under a collapsed row and knows the places of the others', () => {
    const rows = new VisibleRows(shop())
    expect(rows.setOpen(1, false)).toBe(true)
    expect(shown(rows)).toEqual(['root', 'rank', 'signal', 'call'])
    expect([rows.placeOf(2), rows.placeOf(3)]).toEqual([-1, 2])
    expect(rows.setOpen(1, false)).toBe(false)
    expect(rows.setOpen(2, false)).toBe(false) // nothing under it
  })

  it('opens all that hides a row', () => {
    const rows = new VisibleRows(shop())
    rows.openToDepth(0)
    expect(shown(rows)).toEqual(['root'])
    expect(rows.reveal(4)).toBe(true)
    expect(shown(rows)).toEqual(['root', 'rank', 'signal', 'call'])
    expect(rows.reveal(4)).toBe(false)
  })

  it('can show nothing but the way to failures', () => {
    const rows = new VisibleRows(shop())
    rows.openFailures()
    expect(shown(rows)).toEqual(['root', 'rank', 'signal', 'call'])
    rows.openAll()
    expect(rows.length).toBe(5)
  })

  it('finds the next failed row in both directions, around the end', () => {
    const model = shop()
    expect(nextFailed(model, 0, 1)).toBe(3)
    expect(nextFailed(model, 4, 1)).toBe(3)
    expect(nextFailed(model, 3, -1)).toBe(4)
    expect(nextFailed(buildModel(makeOutline([{ id: 'a', at: 0, to: 1 }])), 0, 1)).toBe(-1)
  })
})

describe('search', () => {
  const found = (text: string) => {
    const model = shop()
    return findRows(model, text, criticalPath(model)).rows.map((row) => model.spanIds[row])
  }

  it.each([
    ['GET', ['root', 'signal', 'call']],
    ['predict', ['model']],
    ['refused', ['call']],
    ['get wiki', ['call']],
    ['service:wiki', ['call']],
    ['service:wik', ['call']],
    ['service:"wik"', []],
    ['service:"wiki" error', ['call']],
    ['"get', ['root', 'signal', 'call']],
    ['error', ['signal', 'call']],
    ['kind:client', ['call']],
    ['>60ns', ['root', 'signal']],
    ['<14ns', ['model']],
    ['critical', ['root', 'rank', 'model', 'signal', 'call']],
    ['nothing-like-it', []],
  ])('%s', (text, ids) => {
    expect(found(text)).toEqual(ids)
  })

  it('of nothing marks nothing', () => {
    expect(findRows(shop(), '  ')).toEqual({ text: '', mask: null, rows: [] })
  })
})

describe('failures', () => {
  it('are told by where they began, with what made the call', () => {
    expect(causes(shop())).toEqual([
      {
        row: 4,
        spanId: 'call',
        name: 'GET',
        service: 'wiki',
        message: 'ConnectError: refused',
        target: '',
        within: 'get_signal',
        ledTo: 1,
      },
    ])
  })

  it.each<[string, SpanSketch[], string]>([
    ['a root that answered', SHOP, 'The root has no error, but 2 spans under it failed'],
    [
      'a root that failed too',
      SHOP.map((span) => (span.id === 'root' ? { ...span, status: 'Error' as const } : span)),
      'The root failed, and 2 spans under it',
    ],
    ['a root alone', [{ id: 'a', at: 0, to: 1, status: 'Error' }], 'The root failed by itself'],
    [
      'no root',
      [{ id: 'a', parent: 'gone', at: 0, to: 1, status: 'Error' }],
      '1 span failed; the root is missing, so the outcome is unknown',
    ],
    ['no failure', [{ id: 'a', at: 0, to: 1 }], ''],
  ])('are one sentence for %s', (_, sketches, sentence) => {
    expect(failureSentence(buildModel(makeOutline(sketches)))).toBe(sentence)
  })
})

describe('groups of failures', () => {
  it('put alike causes together, those that reached the root first', () => {
    const model = buildModel(
      makeOutline([
        { id: 'root', at: 0, to: 100, status: 'Error' },
        { id: 'p1', parent: 'root', at: 1, to: 2, name: 'predict', status: 'Error', message: 'no' },
        { id: 'p2', parent: 'root', at: 3, to: 4, name: 'predict', status: 'Error', message: 'no' },
        { id: 'slow', parent: 'root', at: 5, to: 90, name: 'GET', status: 'Error', message: 'timeout' },
        { id: 'beside', at: 200, to: 900, name: 'beside', status: 'Error' },
      ]),
    )
    expect(failureGroups(model).map((group) => [group.first.name, group.rows.length])).toEqual([
      ['GET', 1],
      ['predict', 2],
      ['beside', 1],
    ])
  })
})

describe('odd shapes', () => {
  const odd = () =>
    buildModel(
      makeOutline([
        { id: 'root', at: 10, to: 100 },
        { id: 'early', parent: 'root', at: 0, to: 20 },
        { id: 'late', parent: 'root', at: 90, to: 120 },
        { id: 'orphan', parent: 'gone', at: 30, to: 40 },
        { id: 'other', at: 50, to: 60 },
      ]),
    )

  it('are counted and said', () => {
    expect(oddities(odd()).map(({ text }) => text)).toEqual([
      '1 parent did not arrive',
      '1 further root',
      '1 span starts before its parent',
    ])
    expect(oddities(shop())).toEqual([])
  })

  it.each([
    ['is:missing', ['gone']],
    ['is:early', ['early']],
    ['is:late', ['late']],
    ['is:root', ['other']],
  ])('can be searched for: %s', (text, ids) => {
    const model = odd()
    expect(findRows(model, text).rows.map((row) => model.spanIds[row])).toEqual(ids)
  })
})

describe('a trace that grew', () => {
  it('keeps what was closed, zoomed and chosen, though rows and times moved', () => {
    const view = (sketches: SpanSketch[]) => {
      const model = buildModel(makeOutline(sketches))
      return new TraceView(model, criticalPath(model))
    }
    const wide = SHOP.map((span) => ({ ...span, at: span.at * 1000, to: span.to * 1000 }))
    const before = view(wide)
    before.rows.setOpen(1, false)
    before.setWindow({ from: 5000, to: 90_000 })
    before.setChosen(before.model.rowOf('call'))
    const after = view([{ id: 'first', parent: 'root', at: 1, to: 200_000, service: 'web' }, ...wide])
    carryOver(before, after)
    expect(after.rows.isOpen(after.model.rowOf('rank'))).toBe(false)
    expect(after.spanAt(after.chosen)).toBe('call')
    expect(after.window).toEqual({ from: 5000, to: 90_000 })
  })

  it('collapses the work of a service where it is entered', () => {
    const rows = new VisibleRows(shop())
    rows.closeService(0)
    expect(rows.length).toBe(1)
    rows.openAll()
    rows.closeService(1)
    expect(rows.length).toBe(5)
  })
})
