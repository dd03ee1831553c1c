import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { criticalPath } from './critical_path'
import { buildModel } from './model'
import { makeLargeOutline, makeOutline, type SpanSketch } from './testing/make_trace'

function pathOf(sketches: SpanSketch[]): string[] {
  const model = buildModel(makeOutline(sketches))
  const path = criticalPath(model)
  return [...path.row].map((row, i) => `${model.spanIds[row]} ${path.from[i]}-${path.to[i]}`)
}

// The server computes the same (src/otlp/critical_path.h), and is held to the same cases.
interface Case {
  name: string
  spans: (SpanSketch & { own: number })[]
}
const CASES = JSON.parse(readFileSync(new URL('../../../src/otlp/testdata/critical_path.json', import.meta.url), 'utf8')) as Case[]

describe('time on the critical path', () => {
  it.each(CASES.map((one) => [one.name, one] as const))('%s', (_, { spans }) => {
    const outline = makeOutline(spans)
    const model = buildModel(outline)
    const path = criticalPath(model)
    const own = outline.spans.map((span) => path.own[model.spans.indexOf(span)])
    expect(own).toEqual(spans.map((span) => span.own))
  })
})

describe('the critical path', () => {
  it('of a single span is that span', () => {
    expect(pathOf([{ id: 'root', at: 0, to: 10 }])).toEqual(['root 0-10'])
  })

  it('goes through children one after the other and the gaps between them', () => {
    expect(
      pathOf([
        { id: 'root', at: 0, to: 100 },
        { id: 'a', parent: 'root', at: 10, to: 40 },
        { id: 'b', parent: 'root', at: 50, to: 90 },
      ]),
    ).toEqual(['root 0-10', 'a 10-40', 'root 40-50', 'b 50-90', 'root 90-100'])
  })

  it('takes of parallel children the one that ended last', () => {
    expect(
      pathOf([
        { id: 'root', at: 0, to: 100 },
        { id: 'quick', parent: 'root', at: 10, to: 50 },
        { id: 'slow', parent: 'root', at: 10, to: 95 },
      ]),
    ).toEqual(['root 0-10', 'slow 10-95', 'root 95-100'])
  })

  it('does not hold a sibling that still ran responsible for the start of the next', () => {
    expect(
      pathOf([
        { id: 'root', at: 0, to: 100 },
        { id: 'beside', parent: 'root', at: 0, to: 70 },
        { id: 'before', parent: 'root', at: 10, to: 30 },
        { id: 'last', parent: 'root', at: 40, to: 100 },
      ]),
    ).toEqual(['root 0-10', 'before 10-30', 'root 30-40', 'last 40-100'])
  })

  it('goes down as deep as the waiting does', () => {
    expect(
      pathOf([
        { id: 'root', at: 0, to: 100 },
        { id: 'call', parent: 'root', at: 20, to: 80 },
        { id: 'handler', parent: 'call', at: 30, to: 70, service: 'other' },
        { id: 'query', parent: 'handler', at: 40, to: 60, service: 'other' },
      ]),
    ).toEqual(['root 0-20', 'call 20-30', 'handler 30-40', 'query 40-60', 'handler 60-70', 'call 70-80', 'root 80-100'])
  })

  it('leaves out what its own process let run on', () => {
    expect(
      pathOf([
        { id: 'root', at: 0, to: 100 },
        { id: 'background', parent: 'root', at: 50, to: 300 },
        { id: 'work', parent: 'root', at: 10, to: 60 },
      ]).filter((segment) => !segment.startsWith('background')),
    ).toEqual(['root 0-10', 'work 10-60', 'root 60-100'])
  })

  it('cuts a child of another service, whose clock may differ, to its parent', () => {
    expect(
      pathOf([
        { id: 'call', at: 10, to: 100, service: 'web', kind: 'Client' },
        { id: 'handler', parent: 'call', at: 5, to: 103, service: 'db', kind: 'Server' },
      ]),
    ).toEqual(['handler 10-100'])
  })

  it('leaves out a consumer that outlives the span that sent', () => {
    expect(
      pathOf([
        { id: 'send', at: 0, to: 10, service: 'web', kind: 'Producer' },
        { id: 'receive', parent: 'send', at: 5, to: 90, service: 'worker', kind: 'Consumer' },
      ]),
    ).toEqual(['send 0-10'])
  })

  it('takes several roots one after the other, and gives idle time to nobody', () => {
    expect(
      pathOf([
        { id: 'first', at: 0, to: 30 },
        { id: 'second', at: 50, to: 90 },
      ]),
    ).toEqual(['first 0-30', 'second 50-90'])
  })

  it('ignores children that take no time or lie outside', () => {
    expect(
      pathOf([
        { id: 'root', at: 10, to: 50 },
        { id: 'point', parent: 'root', at: 20, to: 20 },
        { id: 'before', parent: 'root', at: 0, to: 5, service: 'other' },
        { id: 'after', parent: 'root', at: 60, to: 70, service: 'other' },
      ]),
    ).toEqual(['root 10-50'])
  })

  it('marks the spans above those on the path', () => {
    const model = buildModel(
      makeOutline([
        { id: 'root', at: 0, to: 100 },
        { id: 'a', parent: 'root', at: 0, to: 100 },
        { id: 'b', parent: 'a', at: 0, to: 100 },
        { id: 'off', parent: 'root', at: 0, to: 60 },
      ]),
    )
    const path = criticalPath(model)
    expect([...path.onPath]).toEqual([1, 1, 1, 0])
    expect([...path.own]).toEqual([0, 0, 100, 0])
  })

  it('says what the server says where that is given', () => {
    const outline = makeOutline([
      { id: 'root', at: 0, to: 100 },
      { id: 'call', parent: 'root', at: 20, to: 80 },
    ])
    outline.spans[0]!.critical_path_nano = 41
    expect([...criticalPath(buildModel(outline)).own]).toEqual([40, 60])
    expect([...criticalPath(buildModel({ ...outline, has_critical_path: true })).own]).toEqual([41, 0])
  })

  it('explains all of a large trace once, in order', () => {
    const model = buildModel(makeLargeOutline(50000))
    const begin = performance.now()
    const path = criticalPath(model)
    console.log(`critical path of 50,000 spans: ${(performance.now() - begin).toFixed(0)} ms`)
    expect(path.total).toBeCloseTo(model.duration, -1)
    for (let i = 1; i < path.row.length; i++) expect(path.from[i]).toBe(path.to[i - 1])
  })
})
