import { describe, expect, it } from 'vitest'
import { bottom, compact, GRID_COLUMNS, moved, place, withinGrid, type GridBox } from './grid'

const box = (id: string, x: number, y: number, w = 12, h = 4): GridBox => ({ id, x, y, w, h })
const places = (boxes: GridBox[]) => boxes.map(({ id, x, y }) => `${id} ${x},${y}`)

describe('boxes', () => {
  it('rise as high as they can and keep their order in the list', () => {
    expect(places(compact([box('a', 0, 9), box('b', 12, 3), box('c', 0, 20)]))).toEqual(['a 0,0', 'b 12,0', 'c 0,4'])
  })
  it('that cover each other are parted', () => {
    expect(places(compact([box('a', 0, 0), box('b', 6, 2)]))).toEqual(['a 0,0', 'b 6,4'])
  })
  it('make room for the one that is moved', () => {
    const boxes = [box('a', 0, 0), box('b', 12, 0), box('c', 0, 4)]
    expect(places(moved(boxes, 'c', { y: 0 }))).toEqual(['a 0,4', 'b 12,0', 'c 0,0'])
    expect(places(moved(boxes, 'a', { x: 12 }))).toEqual(['a 12,0', 'b 12,4', 'c 0,0'])
  })
  it('make room for the one that grows', () => {
    const boxes = [box('a', 0, 0), box('b', 12, 0), box('c', 0, 4)]
    expect(places(moved(boxes, 'a', { w: 24, h: 6 }))).toEqual(['a 0,0', 'b 12,6', 'c 0,6'])
  })
  it('stay within the columns', () => {
    expect(withinGrid({ id: 'a', x: 20, y: -3, w: 40, h: 0 })).toEqual({ id: 'a', x: 0, y: 0, w: GRID_COLUMNS, h: 1 })
    expect(moved([box('a', 0, 0)], 'a', { x: 99 })[0]).toMatchObject({ x: 12, w: 12 })
  })
  it('never cover each other, whatever is moved', () => {
    let seed = 7
    const next = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below
    let boxes = Array.from({ length: 30 }, (_, i) => withinGrid(box(`p${i}`, next(24), next(40), 1 + next(24), 1 + next(9))))
    for (let turn = 0; turn < 200; turn++) {
      boxes = moved(boxes, `p${next(30)}`, { x: next(24), y: next(60), w: 1 + next(24), h: 1 + next(9) })
      const covering = boxes.filter((a) => boxes.some((b) => a.id < b.id && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h))
      expect(covering).toEqual([])
    }
  })
  it('that are new lie beside the last or below', () => {
    expect(place([], 12, 8)).toEqual({ x: 0, y: 0 })
    expect(place([box('a', 0, 0, 12, 8)], 12, 8)).toEqual({ x: 12, y: 0 })
    expect(place([box('a', 0, 0, 16, 8)], 12, 8)).toEqual({ x: 0, y: 8 })
    expect(bottom([box('a', 0, 2), box('b', 0, 9, 1, 1)])).toBe(10)
  })
})
