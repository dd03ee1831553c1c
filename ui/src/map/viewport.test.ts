import { describe, expect, it } from 'vitest'
import { fit, kept, pan, reveal, SCALE_MAX, SCALE_MIN, zoomAt } from './viewport'

const drawing = { width: 2000, height: 1000 }
const toScreen = (view: { x: number; y: number; scale: number }, x: number, y: number) => [(x - view.x) * view.scale, (y - view.y) * view.scale]

describe('a view of the drawing', () => {
  it('that fits has all of it in the middle', () => {
    const view = fit(drawing, 1000, 800)
    expect(view.scale).toBe(0.5)
    expect(toScreen(view, 0, 0)).toEqual([0, 150])
    expect(toScreen(view, 2000, 1000)).toEqual([1000, 650])
    expect(fit({ width: 10, height: 10 }, 1000, 800).scale).toBeLessThan(2)
  })

  it('is zoomed around a point, within limits', () => {
    const view = zoomAt({ x: 100, y: 50, scale: 1 }, { x: 300, y: 200 }, 2)
    expect(toScreen(view, 400, 250)).toEqual([300, 200])
    expect(zoomAt(view, { x: 0, y: 0 }, 1000).scale).toBe(SCALE_MAX)
    expect(zoomAt(view, { x: 0, y: 0 }, 1e-9).scale).toBe(SCALE_MIN)
  })

  it('follows the hand', () => {
    expect(toScreen(pan({ x: 0, y: 0, scale: 0.5 }, 30, -20), 0, 0)).toEqual([30, -20])
  })

  it('moves no further than to show a box, and is large enough to read it', () => {
    const view = { x: 0, y: 0, scale: 1 }
    expect(reveal(view, { x: 100, y: 100, w: 180, h: 40 }, 800, 600, 0.7)).toEqual(view)
    const moved = reveal(view, { x: 1000, y: 100, w: 180, h: 40 }, 800, 600, 0.7)
    expect(toScreen(moved, 1180, 100)).toEqual([780, 100])
    const larger = reveal({ x: 0, y: 0, scale: 0.2 }, { x: 1000, y: 100, w: 180, h: 40 }, 800, 600, 0.7)
    expect(larger.scale).toBe(0.7)
    expect(toScreen(larger, 1090, 120).map(Math.round)).toEqual([400, 300])
  })

  it('never loses the drawing', () => {
    const far = kept({ x: 99999, y: -99999, scale: 1 }, drawing, 800, 600)
    expect(far.x).toBeLessThan(2000)
    expect(far.y).toBeGreaterThan(-600)
  })
})
