// Which part of a drawing is seen, and how large. Knows no DOM.
import type { Box, Point } from './layout'

export interface Viewport {
  x: number // of the drawing, at the upper left corner
  y: number
  scale: number // pixels of the screen for one of the drawing
}

export const SCALE_MIN = 0.05
export const SCALE_MAX = 2.5
export const MARGIN_PX = 20 // around what is brought into sight
const FIT_SCALE_MAX = 1.15 // a few nodes do not fill a screen

const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value))

// All of it in the middle.
export function fit(drawing: { width: number; height: number }, width: number, height: number): Viewport {
  const scale = clamp(Math.min(width / Math.max(1, drawing.width), height / Math.max(1, drawing.height)), SCALE_MIN, FIT_SCALE_MAX)
  return { scale, x: (drawing.width - width / scale) / 2, y: (drawing.height - height / scale) / 2 }
}

// `at` on the screen stays where it is.
export function zoomAt(view: Viewport, at: Point, factor: number): Viewport {
  const scale = clamp(view.scale * factor, SCALE_MIN, SCALE_MAX)
  return { scale, x: view.x + at.x / view.scale - at.x / scale, y: view.y + at.y / view.scale - at.y / scale }
}

export function pan(view: Viewport, dx: number, dy: number): Viewport {
  return { ...view, x: view.x - dx / view.scale, y: view.y - dy / view.scale }
}

// Moved no further than needed for a box to be seen, at a size at which it can be read.
export function reveal(view: Viewport, box: Box, width: number, height: number, scaleMin: number): Viewport {
  const middle = { x: box.x + box.w / 2, y: box.y + box.h / 2 }
  if (view.scale < scaleMin) return { scale: scaleMin, x: middle.x - width / scaleMin / 2, y: middle.y - height / scaleMin / 2 }
  const margin = MARGIN_PX / view.scale
  const along = (start: number, length: number, from: number, size: number) =>
    size + 2 * margin > length || (from - margin >= start && from + size + margin <= start + length)
      ? start
      : from - margin < start
        ? from - margin
        : from + size + margin - length
  return { scale: view.scale, x: along(view.x, width / view.scale, box.x, box.w), y: along(view.y, height / view.scale, box.y, box.h) }
}

// Never so far away that nothing of the drawing is seen.
export function kept(view: Viewport, drawing: { width: number; height: number }, width: number, height: number): Viewport {
  const [w, h] = [width / view.scale, height / view.scale]
  return { scale: view.scale, x: clamp(view.x, -0.8 * w, drawing.width - 0.2 * w), y: clamp(view.y, -0.8 * h, drawing.height - 0.2 * h) }
}
