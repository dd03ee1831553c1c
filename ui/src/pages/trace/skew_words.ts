// A difference of clocks in words.
import { formatDuration } from '../../base/units'
import type { Skew } from '../../flame/skew'

export function skewAmount({ least, most }: Skew): string {
  const [from, to] = [formatDuration(least), formatDuration(most)]
  if (!Number.isFinite(most)) return `at least ${from}`
  return from === to ? from : `${from} to ${to}`
}
