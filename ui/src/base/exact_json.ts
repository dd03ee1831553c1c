// JSON with integers of any size: 64-bit ones, such as ids and hashes in attributes, would be rounded by JSON.parse. Those
// that a number cannot hold become bigint; all else is as ever.

const MARK = '\u0000'
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** Throws SyntaxError as JSON.parse does. */
export function parseExact(text: string): unknown {
  const marked = text.replace(TOKENS, (token) => {
    if (token.length < 16 || !/^-?\d+$/.test(token) || Number.isSafeInteger(Number(token))) return token
    return `"\\u0000${token}"`
  })
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) && /^-?\d+$/.test(value.slice(1)) ? BigInt(value.slice(1)) : value,
  )
}

/** The way back. */
export function toJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? MARK + String(part) : part), indent)
  return text.replace(/"\\u0000(-?\d+)"/g, '$1')
}
