import { describe, expect, it } from 'vitest'
import { buildModel } from './model'
import { skewOf, skews } from './skew'
import { makeOutline, type SpanSketch } from './testing/make_trace'

const call = (id: string, at: number, to: number, inner: [number, number], service = 'features'): SpanSketch[] => [
  { id, parent: 'root', at, to, service: 'web' },
  { id: `${id}-in`, parent: id, at: inner[0], to: inner[1], service },
]
const trace = (...spans: SpanSketch[]) => buildModel(makeOutline([{ id: 'root', at: 0, to: 1000, service: 'web' }, ...spans]))

describe('clocks that differ', () => {
  it('are estimated from all calls of a pair: the range that suits each of them', () => {
    // 12 behind: the first call allows 10 to 14, the second 2 to 13.
    const model = trace(...call('a', 100, 116, [90, 102]), ...call('b', 200, 240, [198, 227]), ...call('c', 300, 320, [305, 310], 'other'))
    expect(skews(model)).toEqual([{ service: 'features', than: 'web', least: 10, most: 13, calls: 2 }])
    expect(skewOf(model, model.rowOf('a-in'))?.least).toBe(10)
    expect(skewOf(model, model.rowOf('c-in'))).toBeNull()
    expect(skewOf(model, 0)).toBeNull()
  })

  it('have no upper limit where no call was waited for', () => {
    expect(skews(trace(...call('a', 100, 110, [95, 400])))).toMatchObject([{ least: 5, most: Infinity }])
  })

  it('are none within a service, or where all lie within their callers', () => {
    expect(skews(trace(...call('a', 100, 116, [90, 102], 'web'), ...call('b', 200, 210, [201, 205])))).toEqual([])
  })
})
