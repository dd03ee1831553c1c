// Colours that mean something: a service's own, and what can be read on top of it.
import { hashText } from './hash'

export const SERIES_COUNT = 12

// The place of a name in the palette (--series-N of styles/tokens.css), stable by name alone.
export function seriesIndex(name: string): number {
  return hashText(name) % SERIES_COUNT
}

export function seriesVar(name: string): string {
  return `var(--series-${seriesIndex(name)})`
}

// Places in the palette for the series of one chart: each its own as far as there are colours, and the same for the same
// names, in whatever order they come.
export function seriesIndexes(names: readonly string[]): number[] {
  const places = new Map<string, number>()
  const taken = new Set<number>()
  for (const name of [...new Set(names)].sort()) {
    let place = seriesIndex(name)
    for (let tries = 0; taken.has(place) && tries < SERIES_COUNT; tries++) place = (place + 1) % SERIES_COUNT
    places.set(name, place)
    taken.add(place)
    if (taken.size === SERIES_COUNT) taken.clear() // the next ones share
  }
  return names.map((name) => places.get(name) ?? 0)
}

export interface Rgb {
  r: number
  g: number
  b: number
}

// #rgb, #rrggbb or rgb(r g b), as styles give them.
export function parseColor(text: string): Rgb | null {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())?.[1]
  if (hex) {
    const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join('') : hex
    const value = parseInt(full, 16)
    return { r: value >> 16, g: (value >> 8) & 255, b: value & 255 }
  }
  const parts = /^rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)/.exec(text.trim())
  return parts ? { r: Number(parts[1]), g: Number(parts[2]), b: Number(parts[3]) } : null
}

// WCAG 2 relative luminance.
export function luminance({ r, g, b }: Rgb): number {
  const linear = (value: number) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a), luminance(b)]
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
}

// What to write with on this colour: never below 4.58 : 1.
export function inkOn(color: Rgb): '#ffffff' | '#000000' {
  return luminance(color) > 0.179 ? '#000000' : '#ffffff'
}
