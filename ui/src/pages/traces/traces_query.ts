// The filters of the trace list between URL and API: both use the same names, so a query can be read off the address.
// URLSearchParams in and out; knows no DOM.
import { isAttributeFilter, orNull, type UrlChange } from '../../base/filters'
import { serviceLabel, serviceOfParam, serviceParam } from '../../base/routes'
import { msToNano } from '../../base/time'
import { attributeCondition, attributeOf, conditionsOf, queryOf, quoted, unquoted, type Condition } from '../../base/traceql'
import type { PlaneBox } from '../../widgets/duration_plane'

export type TraceStatus = '' | 'unset' | 'ok' | 'error'
export type TraceSort = 'newest' | 'slowest'

export interface TraceFilters {
  service: string // as of serviceParam, here and below; "": any
  name: string
  status: TraceStatus
  minDuration: string
  maxDuration: string
  attributes: string[]
  query: string // TraceQL that the filters above cannot say; they are empty then. "": the filters are all
  sort: TraceSort
}

export const NO_TRACE_FILTERS: TraceFilters = {
  service: '',
  name: '',
  status: '',
  minDuration: '',
  maxDuration: '',
  attributes: [],
  query: '',
  sort: 'newest',
}

const STATUSES: readonly string[] = ['unset', 'ok', 'error']

export function readTraceFilters(params: URLSearchParams): TraceFilters {
  const status = params.get('status') ?? ''
  const sort = params.get('sort') === 'slowest' ? 'slowest' : 'newest'
  const query = params.get('q')?.trim() ?? ''
  if (query !== '') return { ...NO_TRACE_FILTERS, query, sort }
  return {
    service: params.get('service') ?? '',
    name: params.get('name') ?? '',
    status: STATUSES.includes(status) ? (status as TraceStatus) : '',
    minDuration: params.get('min_duration') ?? '',
    maxDuration: params.get('max_duration') ?? '',
    attributes: params.getAll('attribute').filter(isAttributeFilter),
    query: '',
    sort,
  }
}

// As the API takes them; what says nothing is left out.
export interface TraceQuery {
  service?: string
  name?: string
  status?: Exclude<TraceStatus, ''>
  min_duration?: string
  max_duration?: string
  attribute?: string[]
  q?: string
  sort?: TraceSort
}

export function traceQuery(filters: TraceFilters): TraceQuery {
  return {
    ...(filters.service !== '' && { service: serviceOfParam(filters.service) }),
    ...(filters.name !== '' && { name: filters.name }),
    ...(filters.status !== '' && { status: filters.status }),
    ...(filters.minDuration !== '' && { min_duration: filters.minDuration }),
    ...(filters.maxDuration !== '' && { max_duration: filters.maxDuration }),
    ...(filters.attributes.length > 0 && { attribute: filters.attributes }),
    ...(filters.query !== '' && { q: filters.query }),
    ...(filters.sort !== 'newest' && { sort: filters.sort }),
  }
}

export function traceUrlChange(change: Partial<TraceFilters>): UrlChange {
  const url: UrlChange = {}
  if (change.service !== undefined) url.service = orNull(change.service)
  if (change.name !== undefined) url.name = orNull(change.name)
  if (change.status !== undefined) url.status = orNull(change.status)
  if (change.minDuration !== undefined) url.min_duration = orNull(change.minDuration)
  if (change.maxDuration !== undefined) url.max_duration = orNull(change.maxDuration)
  if (change.attributes !== undefined) url.attribute = change.attributes.length > 0 ? change.attributes : null
  if (change.query !== undefined) url.q = orNull(change.query)
  if (change.sort !== undefined) url.sort = change.sort === 'newest' ? null : change.sort
  return url
}

// A filter that can be dropped, and what it is called, for "nothing matches" and for the chips.
export interface ActiveFilter {
  label: string
  drop: Partial<TraceFilters>
}

export function activeTraceFilters(filters: TraceFilters): ActiveFilter[] {
  const active: ActiveFilter[] = []
  if (filters.service !== '') active.push({ label: `service ${serviceLabel(filters.service)}`, drop: { service: '', name: '' } })
  if (filters.name !== '') active.push({ label: `span ${filters.name}`, drop: { name: '' } })
  if (filters.status !== '') active.push({ label: `status ${filters.status}`, drop: { status: '' } })
  if (filters.minDuration !== '') active.push({ label: `at least ${filters.minDuration}`, drop: { minDuration: '' } })
  if (filters.maxDuration !== '') active.push({ label: `at most ${filters.maxDuration}`, drop: { maxDuration: '' } })
  if (filters.query !== '') active.push({ label: filters.query, drop: { query: '' } })
  for (const attribute of filters.attributes) {
    active.push({ label: attribute, drop: { attributes: filters.attributes.filter((other) => other !== attribute) } })
  }
  return active
}

// The filters as TraceQL, which is what the query box shows.
export function filtersQuery(filters: TraceFilters): string {
  if (filters.query !== '') return filters.query
  const conditions: Condition[] = []
  const add = (field: string, operator: string, value: string) => conditions.push({ field, operator, value })
  if (filters.service !== '') add('resource.service.name', '=', quoted(serviceOfParam(filters.service)))
  if (filters.name !== '') add('name', '=', quoted(filters.name))
  if (filters.status !== '') add('status', '=', filters.status)
  if (filters.minDuration !== '') add('duration', '>=', filters.minDuration)
  if (filters.maxDuration !== '') add('duration', '<=', filters.maxDuration)
  conditions.push(...filters.attributes.map(attributeCondition))
  return conditions.length === 0 ? '' : queryOf(conditions)
}

// What the query says as filters, so that addresses stay short and both ways of asking show the same; what they cannot say
// stays a query.
export function queryFilters(text: string): Omit<TraceFilters, 'sort'> {
  const { sort: _, ...nothing } = NO_TRACE_FILTERS
  const query = text.trim()
  const filters: Omit<TraceFilters, 'sort'> = { ...nothing, attributes: [] }
  if (query === '') return filters
  const fits = (condition: Condition): boolean => {
    const { field, operator, value } = condition
    const words = unquoted(value)
    if (field === 'duration' && (operator === '>=' || operator === '<=')) {
      const which = operator === '>=' ? 'minDuration' : 'maxDuration'
      if (filters[which] !== '' || !/^(?:\d+(?:\.\d+)?(?:w|d|h|m|s|ms|us|ns))+$/.test(value)) return false
      filters[which] = value
      return true
    }
    if (operator !== '=') return false
    if (field === 'status') {
      if (filters.status !== '' || !STATUSES.includes(value)) return false
      filters.status = value as TraceStatus
      return true
    }
    if (field === 'name' || field === 'resource.service.name') {
      const which = field === 'name' ? 'name' : 'service'
      if (words === null || filters[which] !== '' || (which === 'name' && words === '')) return false
      filters[which] = which === 'service' ? serviceParam(words) : words
      return true
    }
    const attribute = attributeOf(field)
    if (attribute === null || !['', 'resource'].includes(attribute.scope)) return false
    const text = words ?? value
    const filter = `${attribute.scope === '' ? '' : 'resource.'}${attribute.key}=${text}`
    // Only what would be written again as it stands here.
    const same = filtersQuery({ ...NO_TRACE_FILTERS, attributes: [filter] }) === queryOf([condition])
    if (!same || filters.attributes.includes(filter)) return false
    filters.attributes.push(filter)
    return true
  }
  const conditions = conditionsOf(query)
  return conditions?.every(fits) ? filters : { ...nothing, query }
}

// What the conditions ask for.
export type Asked = 'anything' | 'a service' | 'spans'

export function askedOf(filters: TraceFilters): Asked {
  const { service, ...others } = filters
  if (activeTraceFilters({ ...others, service: '' }).length > 0) return 'spans'
  return service === '' ? 'anything' : 'a service'
}

const DURATION_UNITS: readonly (readonly [number, string])[] = [
  [3_600_000_000_000, 'h'],
  [60_000_000_000, 'm'],
  [1_000_000_000, 's'],
  [1_000_000, 'ms'],
  [1_000, 'us'],
]

// Three digits of the largest unit that fits, rounded outwards so that nothing that was inside the box falls out of it:
// "1.24s", "850us". Within the precision, so that a URL stays readable.
export function roundDuration(nanos: number, direction: 'down' | 'up'): string {
  const whole = Math.max(0, direction === 'down' ? Math.floor(nanos) : Math.ceil(nanos))
  for (const [size, unit] of DURATION_UNITS) {
    if (whole < size) continue
    const digits = Math.max(0, 2 - Math.floor(Math.log10(whole / size)))
    const factor = 10 ** digits
    const value = (whole / size) * factor
    return `${(direction === 'down' ? Math.floor(value) : Math.ceil(value)) / factor}${unit}`
  }
  return `${whole}ns`
}

// What roundDuration writes and what people write, in nanoseconds; null for what is no duration.
export function durationNanos(text: string): number | null {
  const units: Record<string, number> = { w: 604_800e9, d: 86_400e9, ns: 1, ...Object.fromEntries(DURATION_UNITS.map(([size, unit]) => [unit, size])) }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(w|d|h|ms|us|ns|m|s)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return null
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0)
}

// A drag over the plot as a change of the URL: a time range and limits of the duration, each only where the box has it.
export function boxUrlChange(box: PlaneBox, range: { fromMillis: number; toMillis: number }): UrlChange {
  const url: UrlChange = {}
  if (box.fromMillis !== null || box.toMillis !== null) {
    url.from = msToNano(Math.floor(box.fromMillis ?? range.fromMillis))
    url.to = msToNano(Math.ceil(box.toMillis ?? range.toMillis))
    url.last = null
  }
  if (box.minNanos !== null) url.min_duration = roundDuration(box.minNanos, 'down')
  if (box.maxNanos !== null) url.max_duration = roundDuration(box.maxNanos, 'up')
  return url
}

// What the person typed as a duration, or why it is none. As the API takes it: "500ms", "1.5s", "1h30m"; a lone number
// is milliseconds.
export function readDuration(text: string): { value: string } | { error: string } {
  const bare = text.trim().replace(/\s+/g, '').replace(/µs|μs/g, 'us')
  if (bare === '') return { value: '' }
  if (/^\d+(\.\d+)?$/.test(bare)) return { value: `${bare}ms` }
  if (/^(\d+(\.\d+)?(w|d|h|m|s|ms|us|ns))+$/.test(bare)) return { value: bare }
  return { error: 'Write a duration such as 500ms, 1.5s or 2m.' }
}
