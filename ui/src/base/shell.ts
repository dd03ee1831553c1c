// A question as a line for a shell. Knows no DOM.

// One word of a POSIX shell, whatever is in it.
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`
}

export type Params = Record<string, string | number | readonly string[] | undefined>

// The request of the API at `url` with curl.
export function curlLine(url: string, params: Params): string {
  const words = Object.entries(params).flatMap(([key, value]) =>
    value === undefined ? [] : [value].flat().map((one) => `--data-urlencode ${shellWord(`${key}=${String(one)}`)}`),
  )
  return ['curl -sG', shellWord(url), ...words].join(' ')
}
