import { describe, expect, it } from 'vitest'

import { PointGrid } from './scatter_grid'

describe('PointGrid', () => {
  it('finds the same point as looking at all of them', () => {
    let seed = 7
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const points = Array.from({ length: 500 }, () => ({ x: random() * 300, y: random() * 200 }))
    const grid = new PointGrid(points, 12)
    for (let i = 0; i < 300; i++) {
      const [x, y] = [random() * 300, random() * 200]
      const distances = points.map((point) => Math.hypot(point.x - x, point.y - y))
      const least = Math.min(...distances)
      expect(grid.nearest(x, y)).toBe(least <= 12 ? distances.indexOf(least) : null)
    }
  })

  it('prefers the one on top where several lie in one place', () => {
    expect(new PointGrid([{ x: 5, y: 5 }, { x: 5, y: 5 }], 10).nearest(6, 5)).toBe(1) // prettier-ignore
  })

  it('finds nothing out of reach', () => {
    expect(new PointGrid([{ x: 0, y: 0 }], 10).nearest(8, 8)).toBeNull()
    expect(new PointGrid([], 10).nearest(0, 0)).toBeNull()
  })
})
