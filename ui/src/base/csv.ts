// Tables as CSV (RFC 4180). Knows no DOM.

export type CsvValue = string | number | bigint | boolean | null | undefined

function field(value: CsvValue): string {
  const text = value === null || value === undefined ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text
}

// With a head; lines end as the RFC says.
export function toCsv(head: readonly string[], rows: Iterable<readonly CsvValue[]>): string {
  let text = `${head.map(field).join(',')}\r\n`
  for (const row of rows) text += `${row.map(field).join(',')}\r\n`
  return text
}
