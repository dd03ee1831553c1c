// Maps values to pixels and back, for everything that is drawn on a canvas by hand. Values and pixels in, numbers out;
// knows no DOM and no unit.

export type Interval = readonly [from: number, to: number]

export interface Scale {
  readonly domain: Interval
  readonly range: Interval
  toPixel(value: number): number
  toValue(pixel: number): number
}

// A domain without extent still gets a place: everything lies in the middle.
function fraction(value: number, from: number, to: number): number {
  return to === from ? 0.5 : (value - from) / (to - from)
}

export function linearScale(domain: Interval, range: Interval): Scale {
  return {
    domain,
    range,
    toPixel: (value) => range[0] + fraction(value, domain[0], domain[1]) * (range[1] - range[0]),
    toValue: (pixel) => domain[0] + fraction(pixel, range[0], range[1]) * (domain[1] - domain[0]),
  }
}

// Values at or below zero have no logarithm: they are drawn at the lower end.
export function logScale(domain: Interval, range: Interval): Scale {
  const low = Math.max(domain[0], Number.MIN_VALUE)
  const inner = linearScale([Math.log(low), Math.log(Math.max(domain[1], low))], range)
  return {
    domain,
    range,
    toPixel: (value) => inner.toPixel(Math.log(Math.max(value, low))),
    toValue: (pixel) => Math.exp(inner.toValue(pixel)),
  }
}

// The decade limits around positive values, at least one decade apart.
export function logDomain(values: Iterable<number>): Interval {
  let min = Infinity
  let max = 0
  for (const value of values) {
    if (value > 0 && value < min) min = value
    if (value > max) max = value
  }
  if (max === 0) return [1, 10]
  const low = 10 ** Math.floor(Math.log10(min) + 1e-9)
  const high = 10 ** Math.ceil(Math.log10(max) - 1e-9)
  return [low, high > low ? high : low * 10]
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
