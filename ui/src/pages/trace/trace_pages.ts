// The pages of a trace put together: its spans, and the log records that carry its id. Data: a function that asks for one
// page -> the whole; no DOM.
import type { LogList, TraceOutlinePage } from '../../api/types'

// What a browser draws fluently. Beyond it the page says so; the API gives the rest.
export const SPANS_HELD_MAX = 200_000

/** An outline as far as it was loaded. `cut`: the trace has more spans than are held. */
export type WholeOutline = Omit<TraceOutlinePage, 'next_cursor'> & { cut: boolean }

/** Asks for pages until the last one, or until `max` spans are held. `onPage` hears how many are there when more follow. */
export async function loadOutline(
  ask: (cursor: string | undefined) => Promise<TraceOutlinePage>,
  onPage: (spans: number) => void = () => {},
  max = SPANS_HELD_MAX,
): Promise<WholeOutline> {
  const { next_cursor: first, ...whole } = await ask(undefined)
  let cursor = first
  while (cursor !== null && whole.spans.length < max) {
    onPage(whole.spans.length)
    const page = await ask(cursor)
    append(whole, page)
    cursor = page.next_cursor
  }
  return { ...whole, cut: cursor !== null }
}

// Each page numbers its services anew.
function append(whole: Omit<TraceOutlinePage, 'next_cursor'>, page: TraceOutlinePage): void {
  const numbers = page.services.map((name) => {
    const known = whole.services.indexOf(name)
    return known >= 0 ? known : whole.services.push(name) - 1
  })
  for (const span of page.spans) {
    span.service = numbers[span.service]!
    whole.spans.push(span)
  }
  whole.sampling ??= page.sampling
  whole.scanned = {
    rows: whole.scanned.rows + page.scanned.rows,
    bytes: whole.scanned.bytes + page.scanned.bytes,
    elapsed_seconds: whole.scanned.elapsed_seconds + page.scanned.elapsed_seconds,
  }
}

/** A list of log records and the page after it as one. */
export function joinLogs(list: LogList, page: LogList): LogList {
  return {
    logs: [...list.logs, ...page.logs],
    attribute_sets: { ...list.attribute_sets, ...page.attribute_sets },
    next_cursor: page.next_cursor,
    scanned: page.scanned,
  }
}
