// Ticks of a time axis at round places. Data: a window of nanoseconds and a width -> ticks.
export interface Window {
  from: number // ns from the start of the trace
  to: number
}

// Steps of 1, 2, 5 by tens up to a second, then those of a clock.
const SECOND = 1e9
const CLOCK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400]

/** The smallest round step that leaves at least `pixelsMin` between ticks. */
export function niceStep(window: Window, width: number, pixelsMin = 96): number {
  const wanted = ((window.to - window.from) * pixelsMin) / Math.max(1, width)
  if (wanted > SECOND / 2) {
    const step = CLOCK_STEPS.find((seconds) => seconds * SECOND >= wanted)
    if (step !== undefined) return step * SECOND
  }
  const ten = 10 ** Math.floor(Math.log10(Math.max(1, wanted)))
  for (const factor of [1, 2, 5, 10]) if (factor * ten >= wanted) return factor * ten
  return 10 * ten
}

export function ticks(window: Window, width: number, pixelsMin = 96): { step: number; at: number[] } {
  const step = niceStep(window, width, pixelsMin)
  const at: number[] = []
  for (let tick = Math.ceil(window.from / step); tick * step <= window.to; tick++) at.push(tick * step)
  return { step, at }
}

/** Keeps a window inside of 0..duration and not narrower than `narrowest`. */
export function clampWindow(window: Window, duration: number, narrowest = Math.min(100, duration)): Window {
  const width = Math.min(duration, Math.max(narrowest, window.to - window.from))
  const from = Math.min(Math.max(0, window.from), duration - width)
  return { from, to: from + width }
}

/** Zooms by `factor` (above 1: closer) so that `at` keeps its place. */
export function zoomWindow(window: Window, at: number, factor: number, duration: number): Window {
  const from = at - (at - window.from) / factor
  const to = at + (window.to - at) / factor
  return clampWindow({ from, to }, duration)
}
