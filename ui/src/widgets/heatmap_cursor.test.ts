import { describe, expect, it } from 'vitest'
import { bucketBounds } from './heatmap'
import { moveBox, planeBox, type CellBox } from './heatmap_cursor'

const range = { columns: 20, low: 30, high: 40 }
const begin = { column: 5, bucket: 35 }
const press = (box: CellBox | null, ...names: string[]) =>
  names.reduce<CellBox | null>((now, name) => moveBox(now, { key: name.replace('Shift+', ''), shift: name.startsWith('Shift+') }, range, begin), box)

describe('a box of cells under the keys', () => {
  it('begins where the spans are', () => {
    expect(press(null, 'ArrowLeft')).toEqual({ column: 5, bucket: 35, toColumn: 5, toBucket: 35 })
    expect(press(null, 'x')).toBeNull()
  })

  it('moves, and is stretched with Shift', () => {
    expect(press(null, 'ArrowUp', 'ArrowUp', 'ArrowRight')).toEqual({ column: 6, bucket: 36, toColumn: 6, toBucket: 36 })
    const stretched = press(null, 'ArrowUp', 'Shift+ArrowRight', 'Shift+ArrowRight', 'Shift+ArrowDown')
    expect(stretched).toEqual({ column: 5, bucket: 35, toColumn: 7, toBucket: 34 })
    expect(press(stretched, 'ArrowLeft')).toEqual({ column: 6, bucket: 34, toColumn: 6, toBucket: 34 })
  })

  it('stays in the plane', () => {
    expect(press(null, 'Home', 'Home', 'ArrowLeft')?.column).toBe(0)
    expect(press(null, 'End', 'End', 'PageDown')?.column).toBe(19)
    expect(press(null, 'PageUp', 'PageUp')?.column).toBe(0)
    expect(press(null, ...Array.from({ length: 30 }, () => 'ArrowUp'))?.bucket).toBe(40)
  })

  it('is a box of time and duration, open at the edges', () => {
    const bounds = (bucket: number) => bucketBounds(bucket, 2)
    const of = (box: CellBox) => planeBox(box, range, 1000, 10, bounds)
    expect(of({ column: 7, bucket: 36, toColumn: 5, toBucket: 34 })).toEqual({ fromMillis: 1050, toMillis: 1080, minNanos: 2 ** 17, maxNanos: 2 ** 18.5 })
    expect(of({ column: 0, bucket: 30, toColumn: 19, toBucket: 40 })).toEqual({ fromMillis: null, toMillis: null, minNanos: null, maxNanos: null })
  })
})
