import { describe, expect, it } from 'vitest'
import { icicle } from './icicle'
import { buildModel } from './model'
import { makeLargeOutline, makeOutline, type SpanSketch } from './testing/make_trace'

function lanesOf(sketches: SpanSketch[]): Record<string, number> {
  const model = buildModel(makeOutline(sketches))
  const layout = icicle(model)
  return Object.fromEntries(model.spanIds.map((id, row) => [id, layout.lane[row]!]))
}

describe('the flame graph', () => {
  it('puts children one lane below, those that follow each other side by side', () => {
    expect(
      lanesOf([
        { id: 'root', at: 0, to: 100 },
        { id: 'a', parent: 'root', at: 0, to: 50 },
        { id: 'b', parent: 'root', at: 50, to: 100 },
        { id: 'inner', parent: 'b', at: 60, to: 70 },
      ]),
    ).toEqual({ root: 0, a: 1, b: 1, inner: 2 })
  })

  it('puts parallel children under each other, below the whole subtree of the first', () => {
    expect(
      lanesOf([
        { id: 'root', at: 0, to: 100 },
        { id: 'a', parent: 'root', at: 0, to: 60 },
        { id: 'inner', parent: 'a', at: 10, to: 20 },
        { id: 'b', parent: 'root', at: 30, to: 90 },
        { id: 'c', parent: 'root', at: 70, to: 80 },
      ]),
    ).toEqual({ root: 0, a: 1, inner: 2, b: 3, c: 1 })
  })

  it('keeps room for children that outlive their parents', () => {
    expect(
      lanesOf([
        { id: 'root', at: 0, to: 100 },
        { id: 'send', parent: 'root', at: 0, to: 10 },
        { id: 'background', parent: 'send', at: 5, to: 80 },
        { id: 'next', parent: 'root', at: 20, to: 30 },
      ]),
    ).toEqual({ root: 0, send: 1, background: 2, next: 3 })
  })

  it('separates spans without duration at one moment', () => {
    expect(
      lanesOf([
        { id: 'a', at: 5, to: 5 },
        { id: 'b', at: 5, to: 5 },
      ]),
    ).toEqual({ a: 0, b: 1 })
  })

  it('never lets two spans cover each other, in a large trace either', () => {
    const model = buildModel(makeLargeOutline(50000))
    const begin = performance.now()
    const layout = icicle(model)
    console.log(`flame layout of 50,000 spans: ${(performance.now() - begin).toFixed(0)} ms, ${layout.lanes} lanes`)
    let overlaps = 0
    for (const rows of layout.byLane) {
      for (let i = 1; i < rows.length; i++) if (model.start[rows[i]!]! < model.end[rows[i - 1]!]!) overlaps++
    }
    expect(overlaps).toBe(0)
    for (let row = 0; row < model.rows; row++) {
      if (model.parent[row]! >= 0) expect(layout.lane[row]).toBeGreaterThan(layout.lane[model.parent[row]!]!)
    }
  })

  it('stays fast with 50,000 spans at once', () => {
    const sketches: SpanSketch[] = [{ id: 'root', at: 0, to: 100000 }]
    for (let i = 1; i < 50000; i++) sketches.push({ id: `s${i}`, parent: 'root', at: i, to: 90000 })
    const model = buildModel(makeOutline(sketches))
    const begin = performance.now()
    expect(icicle(model).lanes).toBe(50000)
    expect(performance.now() - begin).toBeLessThan(2000)
  })

  it('of an empty trace is empty', () => {
    expect(icicle(buildModel(makeOutline([])))).toMatchObject({ lanes: 0 })
  })
})
