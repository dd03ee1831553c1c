// How panels lie on a grid of columns: none covers another, and all lie as high as they can. Rows have no end.

export const GRID_COLUMNS = 24
export const GRID_ROW_PX = 28

export interface GridBox {
  id: string
  x: number
  y: number
  w: number
  h: number
}

function meet(a: GridBox, b: GridBox): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

// Within the columns, at least one cell.
export function withinGrid(box: GridBox): GridBox {
  const w = Math.max(1, Math.min(GRID_COLUMNS, Math.round(box.w)))
  return { ...box, w, h: Math.max(1, Math.round(box.h)), x: Math.max(0, Math.min(GRID_COLUMNS - w, Math.round(box.x))), y: Math.max(0, Math.round(box.y)) }
}

// All as high as they can, in the order in which they lie; of two at one place `first` comes first. The order of the list stays.
export function compact<Box extends GridBox>(boxes: readonly Box[], first = ''): Box[] {
  const order = [...boxes].sort((a, b) => a.y - b.y || Number(b.id === first) - Number(a.id === first) || a.x - b.x)
  const placed = new Map<string, Box>()
  for (const box of order) {
    const taken = [...placed.values()]
    const free = (y: number) => !taken.some((other) => meet({ ...box, y }, other))
    let y = box.y
    while (!free(y)) y++
    while (y > 0 && free(y - 1)) y--
    placed.set(box.id, { ...box, y })
  }
  return boxes.map((box) => placed.get(box.id) ?? box)
}

// One box is moved or resized; the others make room.
export function moved<Box extends GridBox>(boxes: readonly Box[], id: string, change: Partial<Pick<GridBox, 'x' | 'y' | 'w' | 'h'>>): Box[] {
  return compact(
    boxes.map((box) => (box.id === id ? { ...box, ...withinGrid({ ...box, ...change }) } : box)),
    id,
  )
}

// The first row below all.
export function bottom(boxes: readonly GridBox[]): number {
  return boxes.reduce((most, box) => Math.max(most, box.y + box.h), 0)
}

// Where a new box of that size fits: beside the last ones if there is room, else below.
export function place(boxes: readonly GridBox[], w: number, h: number): { x: number; y: number } {
  const below = bottom(boxes)
  for (let y = Math.max(0, below - h); y <= below; y++) {
    for (let x = 0; x + w <= GRID_COLUMNS; x++) {
      if (!boxes.some((other) => meet({ id: '', x, y, w, h }, other))) return { x, y }
    }
  }
  return { x: 0, y: below }
}
