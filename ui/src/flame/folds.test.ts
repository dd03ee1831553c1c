import { describe, expect, it } from 'vitest'
import { findFolds } from './folds'
import { buildModel } from './model'
import { VisibleRows } from './rows'
import { makeOutline, type SpanSketch } from './testing/make_trace'

const predicts = (count: number, more: Partial<SpanSketch> = {}): SpanSketch[] =>
  Array.from({ length: count }, (_, i) => ({ id: `p${i}`, parent: 'root', at: 10 * i, to: 10 * i + 8, name: 'model.predict', ...more }))
const trace = (...spans: SpanSketch[]) => buildModel(makeOutline([{ id: 'root', at: 0, to: 1000 }, ...spans]))
const shown = (rows: VisibleRows) => [...rows.rows].map((row) => rows.model.spanIds[row])

describe('folds', () => {
  it('takes siblings that are alike, with their sum', () => {
    const { list, of } = findFolds(trace(...predicts(40), { id: 'load', parent: 'root', at: 5, to: 7, name: 'load' }))
    expect(list).toHaveLength(1)
    expect(list[0]).toMatchObject({ nano: 320, failed: false, from: 0, to: 398 })
    expect(list[0]!.rows).toHaveLength(40)
    expect([...of].filter((fold) => fold >= 0)).toHaveLength(40)
  })

  it.each<[string, SpanSketch[]]>([
    ['too few', predicts(4)],
    ['other services', predicts(8).map((span, i) => ({ ...span, service: `s${i}` }))],
    ['children of several parents', predicts(6).map((span, i) => ({ ...span, parent: i === 0 ? 'root' : `p${i - 1}` }))],
    ['what leads to a failure', [...predicts(5), ...predicts(5).map((span) => ({ ...span, id: `${span.id}x`, parent: span.id, name: 'x', status: 'Error' as const }))]],
  ])('leaves %s as they are', (_, spans) => {
    expect(findFolds(trace(...spans)).list).toEqual([])
  })

  it('keeps failed ones apart: a few among many stay in sight', () => {
    const model = trace(...predicts(20).map((span, i) => (i % 9 === 4 ? { ...span, status: 'Error' as const } : span)))
    expect(findFolds(model).list.map((fold) => [fold.rows.length, fold.failed])).toEqual([[18, false]])
    expect(shown(new VisibleRows(model))).toEqual(['root', 'p0', 'p4', 'p13'])
  })
})

describe('folded rows', () => {
  const model = () => trace(...predicts(6), { id: 'under', parent: 'p3', at: 31, to: 32, name: 'under' }, { id: 'last', parent: 'root', at: 900, to: 950 })

  it('are one row until they are unfolded, and can be folded again from any of them', () => {
    const rows = new VisibleRows(model())
    expect(shown(rows)).toEqual(['root', 'p0', 'last'])
    expect(rows.foldAt(1)?.rows).toHaveLength(6)
    expect(rows.isOpen(1)).toBe(false)
    expect(rows.setOpen(1, true)).toBe(true)
    expect(shown(rows)).toEqual(['root', 'p0', 'p1', 'p2', 'p3', 'under', 'p4', 'p5', 'last'])
    expect(rows.foldAt(1)).toBeNull()
    expect(rows.toggleFold(model().rowOf('p4'))).toBe(1)
    expect(shown(rows)).toEqual(['root', 'p0', 'last'])
    expect(rows.toggleFold(0)).toBe(-1)
  })

  it('open for what lies in them', () => {
    const rows = new VisibleRows(model())
    expect(rows.reveal(model().rowOf('under'))).toBe(true)
    expect(shown(rows)).toContain('under')
    expect(rows.reveal(1)).toBe(false) // the first one stands for itself
  })

  it('are all opened by "expand all", and folded by levels', () => {
    const rows = new VisibleRows(model())
    rows.openAll()
    expect(rows.length).toBe(9)
    rows.openToDepth(1)
    expect(shown(rows)).toEqual(['root', 'p0', 'last'])
  })
})

describe('rows of a filter', () => {
  it('are those that match and what they lie under', () => {
    const made = trace(...predicts(6), { id: 'under', parent: 'p3', at: 31, to: 32, name: 'under' }, { id: 'last', parent: 'root', at: 900, to: 950 })
    const rows = new VisibleRows(made)
    rows.showOnly([made.rowOf('under')])
    expect(shown(rows)).toEqual(['root', 'p3', 'under'])
    rows.reveal(made.rowOf('last')) // asked for, though it does not match
    expect(shown(rows)).toEqual(['root', 'p3', 'under', 'last'])
    rows.showOnly(null)
    expect(shown(rows)).toEqual(['root', 'p0', 'last'])
  })
})
