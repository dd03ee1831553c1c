// Finds the point next to the pointer: points lie in cells as wide as the reach, so a look at nine cells is enough.

export class PointGrid {
  private readonly cells = new Map<string, number[]>()

  // `reach` in pixels: what is farther away is not meant.
  constructor(
    private readonly points: readonly { x: number; y: number }[],
    private readonly reach: number,
  ) {
    points.forEach(({ x, y }, index) => {
      const key = this.key(Math.floor(x / reach), Math.floor(y / reach))
      const cell = this.cells.get(key)
      if (cell === undefined) this.cells.set(key, [index])
      else cell.push(index)
    })
  }

  // Of equally near ones the later: it is drawn on top.
  nearest(x: number, y: number): number | null {
    let best: number | null = null
    let least = this.reach * this.reach
    const [column, row] = [Math.floor(x / this.reach), Math.floor(y / this.reach)]
    for (let dx = -1; dx <= 1; dx++) {
      for (let dy = -1; dy <= 1; dy++) {
        for (const index of this.cells.get(this.key(column + dx, row + dy)) ?? []) {
          const point = this.points[index]
          if (point === undefined) continue
          const distance = (point.x - x) ** 2 + (point.y - y) ** 2
          if (distance < least || (distance === least && index > (best ?? -1))) {
            least = distance
            best = index
          }
        }
      }
    }
    return best
  }

  private key(column: number, row: number): string {
    return `${column},${row}`
  }
}
