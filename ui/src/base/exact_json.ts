// JSON with integers of any size: 64-bit ones, such as ids and hashes in attributes, would be rounded by JSON.parse. Those
// that a number cannot hold become bigint; all else is as ever. The API's own numbers are calculated with: they stay
// numbers.

const MARK = '\u0000'
const OWN = /^((duration|offset)_nano|(adjusted|dropped_\w+)_count)$/
const LENGTH_MIN = 16 // 2^53 has so many digits
const LIKELY = /[:,[]\s*-?\d{16,}\s*[,\]}]/ // may also stand inside of a text: then the search below finds nothing
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** Throws SyntaxError as JSON.parse does. */
export function parseExact(text: string): unknown {
  if (!LIKELY.test(text)) return JSON.parse(text)
  const marked = text.replace(TOKENS, (token) => {
    if (token.length < LENGTH_MIN || !/^-?\d+$/.test(token) || Number.isSafeInteger(Number(token))) return token
    return `"\\u0000${token}"`
  })
  return JSON.parse(marked, (key, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith(MARK) || !/^-?\d+$/.test(value.slice(1))) return value
    return OWN.test(key) ? Number(value.slice(1)) : BigInt(value.slice(1))
  })
}

/** The way back. */
export function toJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? MARK + String(part) : part), indent)
  return text.replace(/"\\u0000(-?\d+)"/g, '$1')
}
