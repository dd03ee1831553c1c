// The waterfall's bars as tiles of a few rows each, which move with the rows: scrolling draws only the tiles that come into
// sight, not the whole picture at each frame. A tile is the one of its number modulo the pool, as the rows are.
import { sizeCanvas } from './paint'
import { drawBars, ROW_HEIGHT, type BarScene } from './waterfall_bars'

const TILE_ROWS = 8
const TILE_HEIGHT = TILE_ROWS * ROW_HEIGHT

export type TileScene = Omit<BarScene, 'top' | 'height' | 'first' | 'last'>

export class BarTiles {
  readonly element = document.createElement('div')
  private readonly pool: { canvas: HTMLCanvasElement; tile: number; y: number }[] = []

  constructor() {
    this.element.className = 'wf-tiles'
    this.element.setAttribute('aria-hidden', 'true')
  }

  /**
   * Draws what is not there yet of the pixels from `top` to `top + height`. `base`: pixels from the first row to the top of the
   * element. `stale`: all must be drawn anew.
   */
  draw(scene: TileScene, top: number, height: number, base: number, stale: boolean): void {
    const { pool } = this
    const wanted = Math.ceil(height / TILE_HEIGHT) + 1
    if (pool.length < wanted) stale = true // tiles change places
    while (pool.length < wanted) {
      const canvas = document.createElement('canvas')
      pool.push({ canvas, tile: -1, y: NaN })
      this.element.append(canvas)
    }
    if (stale) for (const one of pool) one.tile = -1
    for (let tile = Math.floor(top / TILE_HEIGHT); tile * TILE_HEIGHT < top + height; tile++) {
      const one = pool[tile % pool.length]!
      const y = tile * TILE_HEIGHT - base
      if (one.y !== y) one.canvas.style.top = `${y}px`
      one.y = y
      if (one.tile === tile) continue
      one.tile = tile
      const context = sizeCanvas(one.canvas, scene.width, TILE_HEIGHT)
      const first = tile * TILE_ROWS
      const last = Math.min(scene.view.rows.length, first + TILE_ROWS)
      if (context) drawBars(context, { ...scene, top: tile * TILE_HEIGHT, height: TILE_HEIGHT, first, last })
    }
  }
}
