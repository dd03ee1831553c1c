// What is held against what in "What differs": the selection between URL and API, and its name for people. Knows no DOM.
import type { Explanation } from '../../api/types'
import type { UrlChange } from '../../base/filters'
import { msToNano } from '../../base/time'
import { conditionsOf, withCondition, withPicked } from '../../base/traceql'
import { facetValue } from '../../widgets/facet_view'
import type { PlaneBox } from '../../widgets/duration_plane'
import { formatDuration, formatNumber } from '../../base/units'
import { roundDuration } from './traces_query'

export interface Selection {
  condition: string // TraceQL of single spans, or LATE; "": all
  from: string // Unix nanoseconds, "": open
  to: string
  min: string // durations, "": open
  max: string
}

export const NO_SELECTION: Selection = { condition: '', from: '', to: '', min: '', max: '' }
export const FAILED = '{ status = error }'
export const LATE = 'late' // the later half of the range, whichever that is, against the first
const KEYS: readonly (readonly [keyof Selection, string])[] = [
  ['condition', 'sel'], ['from', 'sel_from'], ['to', 'sel_to'], ['min', 'sel_min'], ['max', 'sel_max'],
] // prettier-ignore

// Nothing said: the spans that failed.
export function readSelection(params: URLSearchParams): Selection {
  const selection = { ...NO_SELECTION }
  for (const [key, name] of KEYS) selection[key] = params.get(name) ?? ''
  return Object.values(selection).every((text) => text === '') ? { ...NO_SELECTION, condition: FAILED } : selection
}

// Everything of another selection is gone.
export function selectionUrl(selection: Partial<Selection>): UrlChange {
  const whole = { ...NO_SELECTION, ...selection }
  return Object.fromEntries(KEYS.map(([key, name]) => [name, whole[key] === '' ? null : whole[key]]))
}

export function isBox({ from, to, min, max }: Selection): boolean {
  return [from, to, min, max].some((text) => text !== '')
}

export function boxSelection(box: PlaneBox): Partial<Selection> {
  return {
    ...(box.fromMillis !== null && { from: msToNano(Math.floor(box.fromMillis)) }),
    ...(box.toMillis !== null && { to: msToNano(Math.ceil(box.toMillis)) }),
    ...(box.minNanos !== null && { min: roundDuration(box.minNanos, 'down') }),
    ...(box.maxNanos !== null && { max: roundDuration(box.maxNanos, 'up') }),
  }
}

// The API takes a time with both ends; what is open is the range's.
export function explainParams(selection: Selection, range: { fromMs: number; toMs: number }) {
  const { condition, from, to, min, max } = selection
  if (condition === LATE) {
    const [begin, middle, end] = [range.fromMs, (range.fromMs + range.toMs) / 2, range.toMs].map(msToNano)
    return { selection_from: middle, selection_to: end, baseline_from: begin, baseline_to: middle }
  }
  const timed = from !== '' || to !== ''
  return {
    ...(condition !== '' && { selection: condition }),
    ...(timed && { selection_from: from || msToNano(range.fromMs), selection_to: to || msToNano(range.toMs) }),
    ...(min !== '' && { min_duration: min }),
    ...(max !== '' && { max_duration: max }),
  }
}

export type Explained = Explanation['attributes'][number]

// The query narrowed to what the selection has more of. What is of the trace is a further set of spans of it.
export function withExplained(base: string, condition: string, ofTrace: boolean): string {
  if (ofTrace) return `${base.trim() === '' ? '{ }' : base} && ${condition.trim().startsWith('{') ? condition : `{ ${condition} }`}`
  const [one, ...others] = conditionsOf(`{ ${condition} }`) ?? []
  if (one === undefined || others.length > 0) return base.trim() === '' ? `{ ${condition} }` : `${base} | { ${condition} }`
  if (one.operator === '=') return withPicked(base, one.field, one.value, 'only') ?? base
  return withCondition(base, one) ?? base
}

const DURATION = /(?:^|:)(?:duration|traceDuration)$/

// As people write a share: never 0 % of what there is, never 100 % of what is not all.
export function shareText(share: number): string {
  const percent = share * 100
  if (percent > 0 && percent < 0.1) return '< 0.1 %'
  if (percent < 100 && percent > 99.9) return '> 99.9 %'
  return `${formatNumber(Math.min(percent, 100))} %`
}

// A value as in a facet; durations are bare nanoseconds here.
export function valueText(field: string, literal: string): string {
  return /^-?\d+(?:\.\d+)?$/.test(literal) && DURATION.test(field) ? numberText(field, Number(literal)) : facetValue(literal)
}

export function numberText(field: string, value: number): string {
  return DURATION.test(field) ? formatDuration(value) : formatNumber(value)
}
