// Whole numbers beyond what a JavaScript number holds (ids, mostly), kept digit by digit: in the text of a JSON answer
// they become strings. Those of the API itself, whose names end in _nano or _count, are meant to be calculated with: they
// stay numbers.

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const LENGTH_MIN = 16 // 2^53 has so many digits
const LIKELY = /[:,[]-?\d{16,}[,\]}]/ // may also stand inside of a text: then the search below finds nothing

export function quoteBigIntegers(json: string): string {
  if (!LIKELY.test(json)) return json
  return json.replace(TOKENS, (token, at: number) => {
    if (token.length < LENGTH_MIN || !/^-?\d+$/.test(token) || Number.isSafeInteger(Number(token))) return token
    return /_(nano|count)":$/.test(json.slice(Math.max(0, at - 16), at)) ? token : `"${token}"`
  })
}
