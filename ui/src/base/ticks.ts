// Where the lines of an axis stand: round numbers, round durations, decades and round times of the clock. Limits in,
// positions out, in the unit of the limits.

import type { Zone } from './time'

const NANOS_PER_SECOND = 1e9

// Steps people count time in, once seconds no longer go by tens.
const LONG_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]
// Time-of-day steps; below a second they go by 1, 2, 5.
const CLOCK_SECONDS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
  1_209_600, 2_419_200,
]
const DAY_SECONDS = 86_400
const CLOSEST = 1e-12 // of a number: steps below that are rounding

// The smallest of 1, 2, 5 times a power of ten that is not below `least`.
export function roundStep(least: number): number {
  if (!(least > 0) || !Number.isFinite(least)) return 1
  const power = 10 ** Math.floor(Math.log10(least))
  for (const factor of [1, 2, 5]) {
    // A little slack: 0.3 / 3 is not quite 0.1.
    if (factor * power >= least * (1 - 1e-9)) return factor * power
  }
  return 10 * power
}

function multiples(min: number, max: number, step: number): number[] {
  // Numbers so close together that no step between them can be counted: rounding is all in which they differ.
  if (!(step > Math.max(Math.abs(min), Math.abs(max)) * CLOSEST)) return [min]
  const ticks: number[] = []
  // By index, so that no rounding adds up; rounded, so that 3 * 0.1 prints as 0.3.
  const digits = Math.max(0, 1 - Math.floor(Math.log10(step)))
  for (let index = Math.ceil(min / step - 1e-9); index * step <= max + step * 1e-9; index++) {
    ticks.push(digits > 15 ? index * step : Number((index * step).toFixed(digits)))
  }
  return ticks
}

export function linearTicks(min: number, max: number, countMax: number): number[] {
  if (!(max > min)) return Number.isFinite(min) ? [min] : []
  return multiples(min, max, roundStep((max - min) / Math.max(1, countMax)))
}

function durationStep(least: number): number {
  if (least <= NANOS_PER_SECOND) return roundStep(least)
  const seconds = LONG_SECONDS.find((step) => step * NANOS_PER_SECOND >= least)
  return seconds !== undefined
    ? seconds * NANOS_PER_SECOND
    : roundStep(least / NANOS_PER_SECOND / DAY_SECONDS) * DAY_SECONDS * NANOS_PER_SECOND
}

// Nanoseconds: by 1, 2, 5 up to seconds, then by 15 s, 30 s, 1 min ...
export function durationTicks(min: number, max: number, countMax: number): number[] {
  if (!(max > min)) return [min]
  return multiples(min, max, durationStep((max - min) / Math.max(1, countMax)))
}

// Powers of ten, with 2 and 5 between them where there is room, fewer decades where there is none.
export function logTicks(min: number, max: number, countMax: number): number[] {
  if (!(max > min) || !(min > 0)) return min > 0 ? [min] : []
  const first = Math.ceil(Math.log10(min) - 1e-9)
  const last = Math.floor(Math.log10(max) + 1e-9)
  const decades = last - first + 1
  const factors = decades * 3 <= countMax ? [1, 2, 5] : [1]
  const stride = Math.max(1, Math.ceil(decades / Math.max(1, countMax)))
  const ticks: number[] = []
  for (let power = first - 1; power <= last; power++) {
    if ((power - first) % stride !== 0 && factors.length === 1) continue
    for (const factor of factors) {
      const tick = power < 0 ? factor / 10 ** -power : factor * 10 ** power
      if (tick >= min * (1 - 1e-9) && tick <= max * (1 + 1e-9)) ticks.push(tick)
    }
  }
  return ticks
}

export interface TimeTicks {
  stepSeconds: number
  millis: number[]
}

// Unix milliseconds at round times of the clock. `offsetMinutes` is how far the shown zone is ahead of UTC at a time (it
// may change within the range); days begin at its midnight.
export function timeTicks(
  fromMillis: number,
  toMillis: number,
  countMax: number,
  offsetMinutes: (millis: number) => number = () => 0,
): TimeTicks {
  const leastSeconds = (toMillis - fromMillis) / 1000 / Math.max(1, countMax)
  if (!(leastSeconds > 0)) return { stepSeconds: 1, millis: [fromMillis] }
  const stepSeconds =
    leastSeconds < 1
      ? roundStep(leastSeconds)
      : (CLOCK_SECONDS.find((step) => step >= leastSeconds) ?? roundStep(leastSeconds / DAY_SECONDS) * DAY_SECONDS)
  const stepMillis = stepSeconds * 1000
  const millis: number[] = []
  const start = fromMillis + offsetMinutes(fromMillis) * 60_000
  for (let local = Math.ceil(start / stepMillis - 1e-9) * stepMillis; ; local += stepMillis) {
    // The offset at the local time itself: right on both sides of a change of the clocks.
    const guess = local - offsetMinutes(fromMillis) * 60_000
    const at = local - offsetMinutes(guess) * 60_000
    if (at > toMillis) break
    if (at >= fromMillis) millis.push(at)
  }
  return { stepSeconds, millis }
}

export function zoneOffsetMinutes(zone: Zone): (millis: number) => number {
  return zone === 'utc' ? () => 0 : (millis) => -new Date(millis).getTimezoneOffset()
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number): string => String(value).padStart(2, '0')

// "14:05", "14:05:30", "14:05:30.250", and "22 Nov" where a day begins.
export function timeTickLabel(millis: number, stepSeconds: number, offsetMinutes: (millis: number) => number): string {
  const shown = new Date(millis + offsetMinutes(millis) * 60_000)
  const seconds = shown.getUTCSeconds()
  const midnight = shown.getUTCHours() === 0 && shown.getUTCMinutes() === 0 && seconds === 0
  if (stepSeconds >= DAY_SECONDS || (midnight && stepSeconds >= 60)) {
    return `${shown.getUTCDate()} ${MONTHS[shown.getUTCMonth()] ?? ''}`
  }
  const minutes = `${two(shown.getUTCHours())}:${two(shown.getUTCMinutes())}`
  if (stepSeconds >= 60) return minutes
  if (stepSeconds >= 1) return `${minutes}:${two(seconds)}`
  const digits = Math.min(3, Math.max(1, Math.ceil(-Math.log10(stepSeconds) - 1e-9)))
  const fraction = String(shown.getUTCMilliseconds()).padStart(3, '0').slice(0, digits)
  return `${minutes}:${two(seconds)}.${fraction}`
}
