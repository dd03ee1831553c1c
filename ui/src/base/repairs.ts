// What was mended of an item on the way in, in words. The marks are those of the API's `repairs` (docs/oddities.md).

const REPAIRS: Record<string, string> = {
  utf8: 'Text that was not valid UTF-8 was replaced by U+FFFD.',
  attributes_cut: 'There were more attributes than the limit; the rest was cut.',
  value_cut: 'A value was longer than the limit and was cut.',
  time_missing: 'A time was missing; its start, end or arrival stands for it.',
  time_clamped: 'A time lay more than a day in the future and was moved back; what was sent stands beside it.',
  end_before_start: 'It ended before it started; its end is its start now, what was sent stands beside it.',
  events_cut: 'There were more events than the limit; the rest was cut.',
  links_cut: 'There were more links than the limit; the rest was cut.',
  id_dropped: 'An id had the wrong length and was dropped.',
}

export interface Repair {
  mark: string
  words: string
}

export function repairsOf(marks: string): Repair[] {
  return marks
    .split(',')
    .filter(Boolean)
    .map((mark) => ({ mark, words: REPAIRS[mark] ?? mark }))
}
