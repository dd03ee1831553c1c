import { describe, expect, it } from 'vitest'
import {
  ancestors,
  buildModel,
  CYCLE,
  DUPLICATE,
  ENDS_LATE,
  FAILED,
  FAILED_BELOW,
  MISSING,
  ORPHAN,
  STARTS_EARLY,
  rowName,
} from './model'
import { makeLargeOutline, makeOutline, type SpanSketch } from './testing/make_trace'

const build = (sketches: SpanSketch[]) => buildModel(makeOutline(sketches))

// "a>b>c" for depth, in the order of rows.
const drawn = (sketches: SpanSketch[]) => {
  const model = build(sketches)
  return model.spanIds.map((id, row) => '.'.repeat(model.depth[row]!) + id)
}

describe('the tree of a trace', () => {
  it('numbers rows depth first, siblings by start', () => {
    expect(
      drawn([
        { id: 'late', parent: 'root', at: 50, to: 60 },
        { id: 'inner', parent: 'early', at: 12, to: 18 },
        { id: 'early', parent: 'root', at: 10, to: 20 },
        { id: 'root', at: 0, to: 100 },
      ]),
    ).toEqual(['root', '.early', '..inner', '.late'])
  })

  it('puts the longer of two spans that start together first', () => {
    expect(
      drawn([
        { id: 'root', at: 0, to: 9 },
        { id: 'short', parent: 'root', at: 1, to: 2 },
        { id: 'long', parent: 'root', at: 1, to: 8 },
      ]),
    ).toEqual(['root', '.long', '.short'])
  })

  it('shows several roots beside each other and names the trace by the earliest', () => {
    const model = build([
      { id: 'second', at: 40, to: 50 },
      { id: 'first', at: 0, to: 30 },
      { id: 'child', parent: 'second', at: 41, to: 42 },
    ])
    expect(model.roots.map((row) => model.spanIds[row])).toEqual(['first', 'second'])
    expect(model.spanIds[model.mainRoot]).toBe('first')
    expect(model.rootMissing).toBe(false)
  })

  it('gathers the children of a parent that did not arrive under a stand-in', () => {
    const model = build([
      { id: 'a', parent: 'gone', at: 10, to: 20 },
      { id: 'b', parent: 'gone', at: 15, to: 35 },
      { id: 'c', parent: 'other', at: 1, to: 2 },
    ])
    expect(model.spanIds.map((id, row) => '.'.repeat(model.depth[row]!) + id)).toEqual([
      'other',
      '.c',
      'gone',
      '.a',
      '.b',
    ])
    const gone = model.rowOf('gone')
    expect([model.flags[gone]! & MISSING, model.start[gone], model.end[gone]]).toEqual([MISSING, 10, 35])
    expect(model.flags[gone + 1]! & ORPHAN).toBe(ORPHAN)
    expect(rowName(model, gone)).toBe('Missing parent')
    expect([model.spanCount, model.rows, model.rootMissing]).toEqual([3, 5, true])
    expect(model.self[gone]).toBe(0)
  })

  it('names the trace by a true root even where a stand-in starts earlier', () => {
    const model = build([
      { id: 'orphan', parent: 'gone', at: 0, to: 5 },
      { id: 'root', at: 3, to: 90 },
    ])
    expect(model.spanIds[model.mainRoot]).toBe('root')
  })

  it('cuts a ring of parents at its earliest span', () => {
    const model = build([
      { id: 'x', parent: 'z', at: 5, to: 6 },
      { id: 'y', parent: 'x', at: 2, to: 9 },
      { id: 'z', parent: 'y', at: 3, to: 4 },
      { id: 'leaf', parent: 'z', at: 3, to: 4 },
      { id: 'self', parent: 'self', at: 20, to: 21 },
    ])
    expect(model.spanIds.map((id, row) => '.'.repeat(model.depth[row]!) + id)).toEqual([
      'y',
      '.z',
      '..leaf',
      '..x',
      'self',
    ])
    expect(model.flags[0]! & CYCLE).toBe(CYCLE)
    expect(model.flags[4]! & CYCLE).toBe(CYCLE)
    expect(model.flags[1]! & CYCLE).toBe(0)
  })

  it('shows both spans of one id, and gives the children to the first', () => {
    const model = build([
      { id: 'root', at: 0, to: 9 },
      { id: 'twin', parent: 'root', at: 1, to: 4 },
      { id: 'twin', parent: 'root', at: 2, to: 5 },
      { id: 'child', parent: 'twin', at: 3, to: 4 },
    ])
    expect(model.spanIds).toEqual(['root', 'twin', 'child', 'twin'])
    expect(model.flags[1]! & DUPLICATE).toBe(DUPLICATE)
    expect(model.flags[3]! & DUPLICATE).toBe(DUPLICATE)
    expect(model.rowOf('twin')).toBe(1)
  })

  it('marks children that lie outside of their parents, and leaves their times alone', () => {
    const model = build([
      { id: 'root', at: 10, to: 20 },
      { id: 'skewed', parent: 'root', at: 8, to: 12 },
      { id: 'async', parent: 'root', at: 15, to: 40 },
      { id: 'inside', parent: 'root', at: 16, to: 20 },
    ])
    const flagsOf = (id: string) => model.flags[model.rowOf(id)]! & (STARTS_EARLY | ENDS_LATE)
    expect(flagsOf('skewed')).toBe(STARTS_EARLY)
    expect(flagsOf('async')).toBe(ENDS_LATE)
    expect(flagsOf('inside')).toBe(0)
    expect(model.start[model.rowOf('skewed')]).toBe(8)
  })

  it('tells a span that failed from one that only leads to a failure', () => {
    const model = build([
      { id: 'root', at: 0, to: 9, status: 'Ok' },
      { id: 'step', parent: 'root', at: 1, to: 8 },
      { id: 'call', parent: 'step', at: 2, to: 7, status: 'Error' },
      { id: 'fine', parent: 'root', at: 8, to: 9 },
    ])
    const flagsOf = (id: string) => model.flags[model.rowOf(id)]! & (FAILED | FAILED_BELOW)
    expect(flagsOf('root')).toBe(FAILED_BELOW)
    expect(flagsOf('step')).toBe(FAILED_BELOW)
    expect(flagsOf('call')).toBe(FAILED)
    expect(flagsOf('fine')).toBe(0)
    expect(model.failedBelow[model.rowOf('root')]).toBe(1)
    expect(model.failedCount).toBe(1)
  })

  it('counts subtrees and the way up', () => {
    const model = build([
      { id: 'root', at: 0, to: 9 },
      { id: 'a', parent: 'root', at: 1, to: 4 },
      { id: 'b', parent: 'a', at: 2, to: 3 },
      { id: 'c', parent: 'root', at: 5, to: 6 },
    ])
    expect([...model.size]).toEqual([4, 2, 1, 1])
    expect([...model.children]).toEqual([2, 1, 0, 0])
    expect(ancestors(model, 2)).toEqual([1, 0])
  })

  it('takes self time as what no child covers, however children overlap or outlive their parent', () => {
    const model = build([
      { id: 'root', at: 0, to: 100 },
      { id: 'a', parent: 'root', at: 10, to: 40 },
      { id: 'b', parent: 'root', at: 30, to: 50 },
      { id: 'within', parent: 'root', at: 32, to: 38 },
      { id: 'late', parent: 'root', at: 90, to: 150 },
      { id: 'after', parent: 'root', at: 120, to: 130 },
    ])
    expect(model.self[0]).toBe(100 - 40 - 10)
    expect(model.self[model.rowOf('late')]).toBe(60)
  })

  it('sums services by where the time was spent', () => {
    const model = build([
      { id: 'root', at: 0, to: 100, service: 'web' },
      { id: 'query', parent: 'root', at: 10, to: 90, service: 'db', status: 'Error' },
    ])
    expect(model.serviceShares).toEqual([
      { service: 1, name: 'db', spans: 1, failed: 1, selfNano: 80 },
      { service: 0, name: 'web', spans: 1, failed: 0, selfNano: 20 },
    ])
  })

  it('holds an empty trace', () => {
    const model = build([])
    expect([model.rows, model.mainRoot, model.rootMissing]).toEqual([0, -1, false])
  })

  it('follows a chain of 50,000 spans, which no recursion would', () => {
    const chain: SpanSketch[] = Array.from({ length: 50000 }, (_, i) => ({
      id: `s${i}`,
      ...(i > 0 ? { parent: `s${i - 1}` } : {}),
      at: i,
      to: 100000 - i,
    }))
    const model = build(chain)
    expect([model.depthMax, model.size[0], model.self[0]]).toEqual([49999, 50000, 2])
  })

  it('is built from 50,000 spans quickly', () => {
    const outline = makeLargeOutline(50000)
    buildModel(outline)
    const begin = performance.now()
    const model = buildModel(outline)
    const took = performance.now() - begin
    console.log(`model of 50,000 spans: ${took.toFixed(0)} ms`)
    expect(model.size[0]).toBe(50000)
    expect(took).toBeLessThan(1000) // 200 ms are wanted; a busy machine gets more
  })
})
