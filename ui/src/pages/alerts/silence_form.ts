// Silences and planned downtime between document and form. Knows no DOM.
import { WEEKDAYS, type Matcher, type Recurrence, type SilenceDocument, type Weekday } from '../../api/alert_types'
import { formatDateTime, msToNano, nanoToMs, parseSpan, type Zone } from '../../base/time'
import { matcherText, parseMatchers } from './routing'

export interface SilenceForm {
  matchers: string
  comment: string
  startsMs: number
  endsMs: number
  recurrence: Recurrence | null
}

export const emptySilence = (nowMs: number, matchers = ''): SilenceForm => ({ matchers, comment: '', startsMs: nowMs, endsMs: nowMs + 3600_000, recurrence: null })

export function formOf(document: SilenceDocument): SilenceForm {
  return {
    matchers: document.matchers.map(({ label, op, value }) => `${label}${op}${value}`).join(', '),
    comment: document.comment ?? '',
    startsMs: nanoToMs(document.starts_unix_nano),
    endsMs: nanoToMs(document.ends_unix_nano),
    recurrence: document.recurrence ?? null,
  }
}

export function documentOf(form: SilenceForm): SilenceDocument {
  return {
    matchers: parseMatchers(form.matchers) ?? [],
    starts_unix_nano: msToNano(form.startsMs),
    ends_unix_nano: msToNano(form.endsMs),
    ...(form.recurrence && { recurrence: form.recurrence }),
    ...(form.comment !== '' && { comment: form.comment }),
  }
}

export function silenceProblems(form: SilenceForm): Record<string, string> {
  const problems: Record<string, string> = {}
  const matchers = parseMatchers(form.matchers)
  if (form.matchers.trim() === '') problems.matchers = 'What is silenced is wanted: team=search'
  else if (matchers === null) problems.matchers = 'label=value is wanted, or !=, =~, !~, with commas between'
  if (!(form.endsMs > form.startsMs)) problems.ends = 'It ends before it begins'
  if (form.recurrence) {
    const clock = /^([01]\d|2[0-3]):[0-5]\d$/
    if (!clock.test(form.recurrence.from) || !clock.test(form.recurrence.to)) problems.recurrence = 'Times such as 22:00 are wanted'
    else if (form.recurrence.every === 'week' && (form.recurrence.days ?? []).length === 0) problems.recurrence = 'A day is wanted'
  }
  return problems
}

const DAY_WORDS: Record<Weekday, string> = { mon: 'Mondays', tue: 'Tuesdays', wed: 'Wednesdays', thu: 'Thursdays', fri: 'Fridays', sat: 'Saturdays', sun: 'Sundays' }

// "each day 22:00 to 23:00, Europe/Berlin"
export function recurrenceWords({ every, days = [], from, to, timezone }: Recurrence): string {
  const on = every === 'day' ? 'each day' : WEEKDAYS.filter((day) => days.includes(day)).map((day) => DAY_WORDS[day]).join(', ')
  return `${on} ${from} to ${to}, ${timezone}`
}

export const matchersWords = (matchers: readonly Matcher[]): string => matchers.map(matcherText).join(' and ')

export type SilencePhase = 'active' | 'coming' | 'over'
export function phaseOf(silence: Pick<SilenceDocument, 'starts_unix_nano' | 'ends_unix_nano'>, nowMs: number): SilencePhase {
  if (nanoToMs(silence.ends_unix_nano) <= nowMs) return 'over'
  return nanoToMs(silence.starts_unix_nano) > nowMs ? 'coming' : 'active'
}

// "2026-11-27 22:00" in the zone that times are shown in; null: no such time. "2h" is so long after `fromMs`.
export function readTime(text: string, fromMs: number, zone: Zone): number | null {
  const span = parseSpan(text)
  if (span !== null) return fromMs + span
  const match = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{1,2}):(\d{2})$/.exec(text.trim())
  if (match === null) return null
  const [year, month, day, hour, minute] = match.slice(1).map(Number) as [number, number, number, number, number]
  const ms = zone === 'utc' ? Date.UTC(year, month - 1, day, hour, minute) : new Date(year, month - 1, day, hour, minute).getTime()
  return Number.isFinite(ms) && formatDateTime(ms, zone, 'minute').endsWith(`${match[5]}`) ? ms : null
}
