// Trace ids as people paste them: bare, out of a traceparent header, a URL, a log line, with dashes.

export function findTraceId(text: string): string | null {
  const traceparent = /\b[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\b/i.exec(text)
  const bare = /(?<![0-9a-z])([0-9a-f]{32})(?![0-9a-z])/i.exec(text)
  const uuid = /(?<![0-9a-z])([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?![0-9a-z])/i.exec(text)
  const id = (traceparent?.[1] ?? bare?.[1] ?? uuid?.[1]?.replaceAll('-', ''))?.toLowerCase()
  return id && !/^0+$/.test(id) ? id : null
}

export function isTraceId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}
