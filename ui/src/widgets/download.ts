// Rows of the API as a file of the browser: page after page, up to a limit that is said.
import { isAbort, toFailure } from '../api/failure'
import { toasts } from '../state/toasts.svelte'

export const DOWNLOAD_ROWS_MAX = 10_000
const SHOWN_AFTER_MS = 10_000 // the browser has taken the file by then

export interface DownloadPage<Row> {
  rows: Row[]
  next: string | null
}

export function saveFile(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), SHOWN_AFTER_MS)
}

// Asks until there is no more or DOWNLOAD_ROWS_MAX rows are there, then saves them. Says what came of it.
export async function download<Row>(
  ask: (cursor: string | undefined) => Promise<DownloadPage<Row>>,
  file: { name: string; type: string; text: (rows: readonly Row[]) => string },
): Promise<void> {
  const rows: Row[] = []
  try {
    let cursor: string | undefined
    do {
      const page = await ask(cursor)
      rows.push(...page.rows)
      cursor = page.next ?? undefined
    } while (cursor !== undefined && rows.length < DOWNLOAD_ROWS_MAX)
    saveFile(file.name, file.type, file.text(rows))
    const more = cursor === undefined ? '' : '; there are more'
    toasts.show(`Downloaded ${rows.length.toLocaleString('en-US')} ${rows.length === 1 ? 'row' : 'rows'}${more}`)
  } catch (error) {
    if (!isAbort(error)) toasts.show(`Nothing was downloaded: ${toFailure(error).message}`, { tone: 'error' })
  }
}

// "sightline-spans-20261127-0130.csv", by the browser's clock.
export function fileName(what: string, ending: string, now = new Date()): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`
  return `sightline-${what}-${day}-${two(now.getHours())}${two(now.getMinutes())}.${ending}`
}
