// What is odd about the shape of a trace, so that it is said instead of silently drawn. Each kind can be searched for
// (is:WORD) and counted. Data: TraceModel -> counts and one sentence each.
import { CYCLE, DUPLICATE, ENDS_LATE, MISSING, STARTS_EARLY, type TraceModel } from './model'

export interface Oddity {
  word: string
  test: (model: TraceModel, row: number) => boolean
  say: (count: string, many: boolean) => string
  why: string
  notable: boolean // said at the top; the others are only marked on their rows
}

const flagged = (flag: number) => (model: TraceModel, row: number) => (model.flags[row]! & flag) !== 0

export const ODDITIES: readonly Oddity[] = [
  {
    word: 'missing',
    test: flagged(MISSING),
    say: (count, many) => (many ? `${count} parents did not arrive` : `${count} parent did not arrive`),
    why: 'Spans name a parent that is not here: not sampled, lost on the way, or still running. A stand-in holds its place.',
    notable: true,
  },
  {
    word: 'root',
    test: (model, row) => model.parent[row]! < 0 && row !== model.mainRoot && (model.flags[row]! & MISSING) === 0,
    say: (count, many) => (many ? `${count} further roots` : `${count} further root`),
    why: 'Several spans of this trace have no parent. The earliest one names the trace.',
    notable: true,
  },
  {
    word: 'early',
    test: flagged(STARTS_EARLY),
    say: (count, many) => (many ? `${count} spans start before their parents` : `${count} span starts before its parent`),
    why: 'The clocks of their hosts differ. Times are shown as they were sent; nothing is moved.',
    notable: true,
  },
  {
    word: 'late',
    test: flagged(ENDS_LATE),
    say: (count, many) => (many ? `${count} spans end after their parents` : `${count} span ends after its parent`),
    why: 'Usual where work goes on after the answer, as with streamed or background work; else the clocks differ.',
    notable: false,
  },
  {
    word: 'duplicate',
    test: flagged(DUPLICATE),
    say: (count) => `${count} spans share an id`,
    why: 'The same span id arrived more than once, such as from a retry. All are shown; children stand under the first.',
    notable: true,
  },
  {
    word: 'ring',
    test: flagged(CYCLE),
    say: (count, many) => (many ? `${count} rings of parents` : `${count} ring of parents`),
    why: 'Spans name each other as parents. The ring is cut at its earliest span.',
    notable: true,
  },
]

export interface OddityCount {
  oddity: Oddity
  count: number
  text: string
}

/** Those worth a word at the top, with how many there are. */
export function oddities(model: TraceModel): OddityCount[] {
  const found: OddityCount[] = []
  for (const oddity of ODDITIES) {
    if (!oddity.notable) continue
    let count = 0
    for (let row = 0; row < model.rows; row++) if (oddity.test(model, row)) count++
    if (count > 0) found.push({ oddity, count, text: oddity.say(count.toLocaleString('en-US'), count > 1) })
  }
  return found
}

/** What is odd about one row, in words. */
export function rowOddities(model: TraceModel, row: number): Oddity[] {
  return ODDITIES.filter((oddity) => oddity.test(model, row))
}
