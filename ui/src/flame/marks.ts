// Segments of the critical path by row, so that a row draws its own without looking at the others'.
import type { CriticalPath } from './critical_path'

export interface PathByRow {
  first: Uint32Array // segments of row r: order[first[r]] .. order[first[r + 1] - 1], by time
  order: Uint32Array
}

export function pathByRow(path: CriticalPath, rows: number): PathByRow {
  const first = new Uint32Array(rows + 2)
  for (const row of path.row) first[row + 2]!++
  for (let i = 1; i < first.length; i++) first[i]! += first[i - 1]!
  const order = new Uint32Array(path.row.length)
  path.row.forEach((row, segment) => {
    order[first[row + 1]!++] = segment
  })
  return { first, order }
}
