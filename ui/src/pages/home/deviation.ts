// Which services are not as they were before, and since when. Pure arithmetic over two answers of listServices: the range
// that is looked at and as long a time before it.
import type { Service, ServiceList } from '../../api/types'
import { nanoToMs } from '../../base/time'

export type Trouble = 'errors' | 'silent' | 'slow'

export interface Episode {
  fromStep: number
  toStep: number // the last one
  ongoing: boolean
}

export interface Figures {
  callsPerSecond: number
  errorShare: number // of one; NaN without calls
  p95Nano: number // NaN without calls
}

export interface ServiceState {
  name: string
  trouble: Trouble | null
  ongoing: boolean
  sinceMs: number | null // null: since before the range
  fromFirstCall: boolean // sinceMs is when it was first called: there is no time before that to compare with
  untilMs: number | null // of trouble that is over
  now: Figures // over the whole range
  before: Figures | null // null: it was not there
  episodeShare: number // of calls that fail, while the trouble lasts; NaN without calls
  bad: number[] // the figure in trouble, a step each, for the tile's line; NaN where there is none
  weight: number // orders services with the same trouble
  service: Service | null // null: only there before
}

const CALLS_MIN = 20 // fewer calls tell nothing
const ERRORS_MIN = 5
const SHARE_MORE_MIN = 0.005 // half a percent more failing
const SHARE_HIGH = 0.05 // wrong even if it was so before
const SIGMAS_MIN = 4
const SLOWER_MIN = 1.5 // times
const SLOWER_NANO_MIN = 5e6
const SILENT_MS_MIN = 5 * 60_000
const GAP_STEPS_MAX = 2 // good steps inside of an episode
const BIN_CALLS_MIN = 10 // what is called less often is judged over longer steps: one call of one is no 100 %

// Two-proportion z: how many standard errors the share of failing calls moved, if it did not really move.
export function sigmas(errors: number, calls: number, errorsBefore: number, callsBefore: number): number {
  const pooled = (errors + errorsBefore) / (calls + callsBefore)
  const spread = Math.sqrt(pooled * (1 - pooled) * (1 / calls + 1 / callsBefore))
  return spread > 0 ? (errors / calls - errorsBefore / callsBefore) / spread : 0
}

// The last run of bad steps, over short gaps. null: nothing is known of that step. The last step, being unfinished, can
// prolong a run but not end it.
export function lastEpisode(bad: readonly (boolean | null)[], gapMax = GAP_STEPS_MAX): Episode | null {
  let toStep = bad.length - 1
  while (toStep >= 0 && bad[toStep] !== true) toStep--
  if (toStep < 0) return null
  let fromStep = toStep
  for (let i = toStep, gap = 0; i >= 0 && gap <= gapMax; i--) {
    if (bad[i] === true) [fromStep, gap] = [i, 0]
    else gap++
  }
  const since = bad.slice(toStep + 1, -1).filter((step) => step === false).length
  return { fromStep, toStep, ongoing: since <= gapMax }
}

const figures = (service: Service): Figures => ({
  callsPerSecond: service.calls_per_second,
  errorShare: service.calls > 0 ? service.errors / service.calls : NaN,
  p95Nano: service.calls > 0 ? service.p95_nano : NaN,
})

interface Steps {
  fromMs: number
  stepMs: number
}

// Steps of a service long enough to tell something, from those of the answer.
interface Bins extends Steps {
  calls: number[]
  errors: number[]
  p95Nano: number[] // of the steps in it by their calls; NaN without calls
  gapMax: number
}

function binsOf({ series }: Service, { fromMs, stepMs }: Steps): Bins {
  const lifetime = series.calls.length - Math.max(0, series.calls.findIndex((count) => count > 0))
  const total = series.calls.reduce((a, b) => a + b, 0)
  const size = total > 0 ? Math.min(series.calls.length, Math.ceil((BIN_CALLS_MIN * lifetime) / total)) : 1
  const bins: Bins = { fromMs, stepMs: stepMs * size, calls: [], errors: [], p95Nano: [], gapMax: Math.floor(GAP_STEPS_MAX / size) }
  for (let from = 0; from < series.calls.length; from += size) {
    let [calls, errors, nanos] = [0, 0, 0]
    for (let i = from; i < Math.min(from + size, series.calls.length); i++) {
      const count = series.calls[i] ?? 0
      calls += count
      errors += series.errors[i] ?? 0
      nanos += count * (series.p95_nano[i] ?? 0)
    }
    bins.calls.push(calls)
    bins.errors.push(errors)
    bins.p95Nano.push(calls > 0 ? nanos / calls : NaN)
  }
  return bins
}

export function serviceStates(list: ServiceList, before: ServiceList | undefined): ServiceState[] {
  const earlier = new Map(before?.services.map((service) => [service.service, service]))
  const steps: Steps = { fromMs: nanoToMs(list.from_unix_nano), stepMs: list.step_seconds * 1000 }
  const states = list.services.map((service) => stateOf(service, earlier.get(service.service), steps, before !== undefined))
  const there = new Set(list.services.map((service) => service.service))
  for (const gone of before?.services ?? []) {
    if (!there.has(gone.service) && gone.calls >= CALLS_MIN) states.push(goneState(gone))
  }
  return states.sort(compare)
}

const ORDER: readonly (Trouble | null)[] = ['errors', 'silent', 'slow', null]

function compare(a: ServiceState, b: ServiceState): number {
  const active = Number(b.ongoing) - Number(a.ongoing)
  return active || ORDER.indexOf(a.trouble) - ORDER.indexOf(b.trouble) || b.weight - a.weight || a.name.localeCompare(b.name)
}

function goneState(gone: Service): ServiceState {
  return {
    name: gone.service,
    trouble: 'silent',
    ongoing: true,
    sinceMs: nanoToMs(gone.last_seen_unix_nano),
    fromFirstCall: false,
    untilMs: null,
    now: { callsPerSecond: 0, errorShare: NaN, p95Nano: NaN },
    before: figures(gone),
    episodeShare: NaN,
    bad: [],
    weight: gone.calls,
    service: null,
  }
}

function stateOf(service: Service, earlier: Service | undefined, steps: Steps, compared: boolean): ServiceState {
  const state: ServiceState = {
    name: service.service,
    trouble: null,
    ongoing: false,
    sinceMs: null,
    fromFirstCall: false,
    untilMs: null,
    now: figures(service),
    before: earlier ? figures(earlier) : null,
    episodeShare: NaN,
    bad: [],
    weight: service.calls,
    service,
  }

  // What is not called any more fails no more: its silence is what is wrong now.
  if (silentSteps(service, earlier, steps)) {
    const { calls, errors } = service.series
    const each: Bins = { ...steps, calls, errors, p95Nano: [], gapMax: GAP_STEPS_MAX }
    return mark(state, 'silent', earlier?.calls ?? service.calls, [...calls], calls.map((count) => count === 0), each)
  }
  const bins = binsOf(service, steps)
  const failing = errorThreshold(service, earlier)
  if (failing !== null) {
    const excess = service.errors - (earlier && earlier.calls > 0 ? (earlier.errors / earlier.calls) * service.calls : 0)
    const share = bins.calls.map((count, i) => (count > 0 ? (bins.errors[i] ?? 0) / count : NaN))
    return mark(state, 'errors', excess, share, above(share, failing), bins)
  }
  const slow = compared ? slowThreshold(service, earlier) : null
  const p95 = bins.p95Nano
  if (slow !== null) return mark(state, 'slow', service.p95_nano / (earlier?.p95_nano ?? 1), p95, above(p95, slow), bins)
  return state
}

function above(values: readonly number[], limit: number): (boolean | null)[] {
  return values.map((value) => (Number.isNaN(value) ? null : value > limit))
}

// The share of failing calls above which a step belongs to the trouble. Null: no trouble.
function errorThreshold(service: Service, earlier: Service | undefined): number | null {
  if (service.calls < CALLS_MIN || service.errors < ERRORS_MIN) return null
  const share = service.errors / service.calls
  const shareBefore = earlier && earlier.calls > 0 ? earlier.errors / earlier.calls : 0
  const more =
    share - shareBefore >= SHARE_MORE_MIN &&
    (!earlier || earlier.calls < CALLS_MIN
      ? share >= SHARE_HIGH
      : sigmas(service.errors, service.calls, earlier.errors, earlier.calls) >= SIGMAS_MIN)
  if (more) return (share + shareBefore) / 2
  return share >= SHARE_HIGH ? share / 2 : null
}

// It was called before, and has not been for so long that this is no accident.
function silentSteps(service: Service, earlier: Service | undefined, { stepMs }: Steps): boolean {
  const { calls } = service.series
  let quiet = 0
  while (quiet < calls.length && calls[calls.length - 1 - quiet] === 0) quiet++
  const reference = earlier && earlier.calls > 0 ? earlier.calls_per_second : service.calls_per_second
  const quietMs = (quiet - 1) * stepMs // the last step is unfinished
  return quietMs >= SILENT_MS_MIN && (reference * quietMs) / 1000 >= CALLS_MIN
}

function slowThreshold(service: Service, earlier: Service | undefined): number | null {
  if (!earlier || service.calls < CALLS_MIN || earlier.calls < CALLS_MIN) return null
  const [now, before] = [service.p95_nano, earlier.p95_nano]
  return now >= before * SLOWER_MIN && now - before >= SLOWER_NANO_MIN ? (now + before) / 2 : null
}

function shareOf(bins: Bins, { fromStep, toStep }: Episode): number {
  const sum = (values: readonly number[]) => values.slice(fromStep, toStep + 1).reduce((a, b) => a + b, 0)
  const calls = sum(bins.calls)
  return calls > 0 ? sum(bins.errors) / calls : NaN
}

function mark(
  state: ServiceState,
  trouble: Trouble,
  weight: number,
  values: number[],
  bad: readonly (boolean | null)[],
  bins: Bins,
): ServiceState {
  const { fromMs, stepMs } = bins
  const episode = lastEpisode(bad, bins.gapMax)
  const ongoing = episode?.ongoing ?? true
  const first = bins.calls.findIndex((count) => count > 0)
  const born = state.before === null && first > 0
  return {
    ...state,
    trouble,
    ongoing,
    weight,
    bad: values,
    episodeShare: episode ? shareOf(bins, episode) : state.now.errorShare,
    sinceMs: episode && episode.fromStep > 0 ? fromMs + episode.fromStep * stepMs : null,
    fromFirstCall: born && (episode === null || episode.fromStep <= first + 1), // the first step has only part of its calls
    untilMs: episode && !ongoing ? fromMs + (episode.toStep + 1) * stepMs : null,
  }
}
