// TraceQL as text under a person's hands: what to colour, what to offer at the caret, and the conditions of a query that is
// simple enough to be shown as chips. It is lenient: what is wrong is said by the server (docs/traceql.md). Knows no DOM.

export type TokenKind = 'space' | 'field' | 'word' | 'text' | 'number' | 'operator' | 'bracket' | 'unknown'

export interface Token {
  kind: TokenKind
  from: number
  to: number
}

const OPERATORS = /^(?:!>>|!<<|&>>|&<<|!=|!~|=~|>=|<=|&&|\|\||>>|<<|!>|!<|&>|&<|&~|\+|-|\*|\/|%|\^|=|<|>|~|!|\||,)/
const FIELD = /^(?:(?:parent\.)?(?:span|resource|event|link|instrumentation|log)\.|body\.|parent\.|\.)(?:"(?:[^"\\]|\\.)*"?|[^\s{}()=~!<>&|^,"])*/
const SCOPED_INTRINSIC = /^(?:span|trace|event|link|instrumentation|log):[A-Za-z]*/
const NUMBER = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:(?:y|w|d|h|ms|m|s|us|µs|ns)(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))*)?/
const TEXT = /^(?:"(?:[^"\\]|\\.)*"?|`[^`]*`?)/

// Everything in the text is in exactly one token.
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const rest = text.slice(at)
    const [kind, length] = tokenAt(rest)
    tokens.push({ kind, from: at, to: at + length })
    at += length
  }
  return tokens
}

function tokenAt(rest: string): [TokenKind, number] {
  const as = (kind: TokenKind, pattern: RegExp): [TokenKind, number] | null => {
    const length = pattern.exec(rest)?.[0].length ?? 0
    return length > 0 ? [kind, length] : null
  }
  return (
    as('space', /^(?:\s+|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))/) ??
    as('number', NUMBER) ??
    as('field', FIELD) ??
    as('field', SCOPED_INTRINSIC) ??
    as('text', TEXT) ??
    as('word', /^[A-Za-z_][A-Za-z0-9_]*/) ??
    as('bracket', /^[{}()]/) ??
    as('operator', OPERATORS) ?? ['unknown', 1]
  )
}

export const SPAN_INTRINSICS: readonly (readonly [string, string])[] = [
  ['name', 'of the span'],
  ['status', 'error, ok, unset'],
  ['duration', 'of the span'],
  ['kind', 'server, client, internal, producer, consumer'],
  ['statusMessage', 'of the span'],
  ['rootName', 'of the trace'],
  ['rootServiceName', 'of the trace'],
  ['traceDuration', 'of the trace'],
  ['span:criticalPath', 'time in which the trace waited for the span itself'],
  ['childCount', 'of the span'],
  ['parent', 'nil: a root'],
  ['event:name', 'of one of its events'],
  ['instrumentation:name', 'library that made it'],
]

export const LOG_INTRINSICS: readonly (readonly [string, string])[] = [
  ['severity', 'trace < debug < info < warn < error < fatal'],
  ['body', 'text; of one that is JSON body.a.b'],
  ['resource.service.name', 'of the resource'],
  ['severityText', 'as it was sent'],
  ['eventName', 'of the record'],
  ['instrumentation:name', 'library that made it'],
]

export const AGGREGATES: readonly (readonly [string, string])[] = [
  ['count()', 'spans'],
  ['avg(duration)', 'mean'],
  ['max(duration)', ''],
  ['min(duration)', ''],
  ['sum(duration)', ''],
  ['by(resource.service.name)', 'groups'],
  ['select(name)', 'columns'],
  ['rate()', 'spans a second, over time'],
  ['count_over_time()', 'spans, over time'],
  ['quantile_over_time(duration, .99)', 'over time'],
  ['histogram_over_time(duration)', 'over time'],
]

const VALUES: Record<string, readonly string[]> = {
  status: ['error', 'ok', 'unset'],
  'span:status': ['error', 'ok', 'unset'],
  kind: ['server', 'client', 'internal', 'producer', 'consumer', 'unspecified'],
  'span:kind': ['server', 'client', 'internal', 'producer', 'consumer', 'unspecified'],
  parent: ['nil'],
  severity: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
  duration: ['10ms', '100ms', '500ms', '1s', '5s'],
  traceDuration: ['100ms', '500ms', '1s', '5s'],
}

// Where a query on logs is wrong, or one on spans: out of the server's message "line 2, column 13: ...". A column counts
// through all of the text only on its first line.
export interface WrongQuery {
  message: string
  column: number | null // from 1
  hint: string | null
}

export function wrongPlace(message: string, hint: string | null): WrongQuery {
  const found = /^(line \d+, )?column (\d+): /.exec(message)
  return { message, column: found !== null && found[1] === undefined ? Number(found[2]) : null, hint }
}

// What belongs at the caret. `from` to `to` is what a choice replaces, `typed` what is there already.
export type Wanted =
  | { what: 'field'; from: number; to: number; typed: string }
  | { what: 'operator'; from: number; to: number; typed: string; field: string }
  | { what: 'value'; from: number; to: number; typed: string; field: string; fixed: readonly string[] }
  | { what: 'join'; from: number; to: number; typed: string }
  | { what: 'stage'; from: number; to: number; typed: string }
  | { what: 'nothing' }

const COMPARES = /^(?:=|!=|=~|!~|<|>|<=|>=)$/

export function wantedAt(text: string, caret: number): Wanted {
  const before = tokenize(text.slice(0, caret))
  const last = before.at(-1)
  // A token that ends at the caret is still being written, if it is one that could go on.
  const open = last !== undefined && ['field', 'word', 'text', 'number'].includes(last.kind) ? last : null
  const past = before.filter((token) => token.kind !== 'space' && token !== open)
  const textOf = (token: Token | undefined) => (token === undefined ? '' : text.slice(token.from, token.to))
  const depth = past.reduce((sum, token) => sum + ({ '{': 1, '}': -1 }[textOf(token)] ?? 0), 0)
  const from = open?.from ?? caret
  const whole = tokenize(text).find((token) => token.from === from && open !== null)
  const span = { from, to: Math.max(whole?.to ?? caret, caret), typed: text.slice(from, caret) }
  const previous = textOf(past.at(-1))
  if (depth <= 0) {
    if (previous === '|') return { what: 'stage', ...span }
    return { what: 'nothing' }
  }
  if (COMPARES.test(previous)) {
    const field = textOf(past.at(-2))
    return { what: 'value', ...span, field, fixed: VALUES[field] ?? [] }
  }
  const startsCondition = ['{', '(', '&&', '||', '!'].includes(previous)
  if (startsCondition) return { what: 'field', ...span }
  const beforePrevious = textOf(past.at(-2))
  if (COMPARES.test(beforePrevious) || previous === ')') return { what: 'join', ...span }
  if (past.at(-1)?.kind === 'field' || past.at(-1)?.kind === 'word') return { what: 'operator', ...span, field: previous }
  return { what: 'nothing' }
}

// One comparison of a query that is a single set of spans whose conditions all must hold.
export interface Condition {
  field: string // as written: "resource.service.name", ".http.method", "duration"
  operator: string
  value: string // as written: "\"shop\"", "500ms", "error"
}

// The conditions of `{ a = 1 && b != "x" }`; null for every other query. "{}" has none.
export function conditionsOf(text: string): Condition[] | null {
  const tokens = tokenize(text)
    .filter((token) => token.kind !== 'space')
    .map((token) => ({ kind: token.kind, text: text.slice(token.from, token.to) }))
  if (tokens.length < 2 || tokens[0]?.text !== '{' || tokens.at(-1)?.text !== '}') return null
  const inner = tokens.slice(1, -1)
  const conditions: Condition[] = []
  for (let i = 0; i < inner.length; ) {
    if (conditions.length > 0 && inner[i++]?.text !== '&&') return null
    const [field, operator, value] = [inner[i], inner[i + 1], inner[i + 2]]
    if (field === undefined || operator === undefined || value === undefined) return null
    if (field.kind !== 'field' && field.kind !== 'word') return null
    if (!COMPARES.test(operator.text)) return null
    let written = value.text
    i += 3
    if (written === '-' && inner[i]?.kind === 'number') written += inner[i++]?.text ?? ''
    else if (!['text', 'number', 'word'].includes(value.kind)) return null
    conditions.push({ field: field.text, operator: operator.text, value: written })
  }
  return conditions
}

// A filter KEY=VALUE of the API as a condition. Filters compare values as text; what reads as a number or a truth is written as
// one here.
export function attributeCondition(filter: string): Condition {
  const split = filter.indexOf('=')
  const [key, value] = [filter.slice(0, split), filter.slice(split + 1)]
  const ofResource = key.startsWith('resource.') && key.length > 'resource.'.length
  const field = ofResource ? attributeField('resource', key.slice('resource.'.length)) : attributeField('', key)
  return { field, operator: '=', value: /^(?:-?\d+(?:\.\d+)?|true|false)$/.test(value) ? value : quoted(value) }
}

export function queryOf(conditions: readonly Condition[]): string {
  if (conditions.length === 0) return '{}'
  return `{ ${conditions.map(({ field, operator, value }) => `${field} ${operator} ${value}`).join(' && ')} }`
}

// With one more condition: into the braces of a simple query (in place of one on the same field where it says the opposite
// or the same), else as a further filter behind it. Null where there is no place for it: behind metrics.
export function withCondition(text: string, added: Condition): string | null {
  const simple = conditionsOf(text.trim() === '' ? '{}' : text)
  if (simple !== null) {
    const opposite = added.operator === '!=' ? '=' : '!='
    const kept = simple.filter(
      (one) => !(one.field === added.field && one.value === added.value && [added.operator, opposite].includes(one.operator)),
    )
    return queryOf([...kept, added])
  }
  if (isMetrics(text)) return null
  return `${text.trimEnd()} | ${queryOf([added])}`
}

// What the query says of one value of a field: only those, none of those, or nothing.
export type Picked = 'only' | 'not' | 'any'

// Two names of one field: `.region` is `span.region` and `resource.region`, `span:name` is `name`.
export function sameField(a: string, b: string): boolean {
  const [x, y] = [a, b].map((field) => field.replace(/^span:(?=name$|kind$|status$|statusMessage$|duration$)/, ''))
  if (x === y) return true
  const [one, other] = [attributeOf(a), attributeOf(b)]
  return one !== null && other !== null && one.key === other.key && (one.scope === '' || other.scope === '')
}

export function pickedOf(text: string, field: string, value: string, further: Further = 'behind'): Picked {
  return picksOf(text, further).find((one) => sameField(one.field, field) && one.value === value)?.picked ?? 'any'
}

// How a query that is more than conditions is narrowed: spans by a further filter behind it, records by one beside it.
export type Further = 'behind' | 'beside'
const furtherFilter = (further: Further, field: string, operator: string, value: string) =>
  `${further === 'behind' ? ' | ' : ' '}${queryOf([{ field, operator, value }])}`

// The values that the query picks, as far as they stand by themselves.
export function picksOf(text: string, further: Further = 'behind'): { field: string; value: string; picked: Exclude<Picked, 'any'> }[] {
  const last = text.lastIndexOf(further === 'behind' ? ' | {' : ' {')
  const conditions = conditionsOf(text) ?? (last < 0 ? null : conditionsOf(text.slice(text.indexOf('{', last)))) ?? []
  return conditions.flatMap(({ field, operator, value }) =>
    operator === '=' || operator === '!=' ? [{ field, value, picked: operator === '=' ? ('only' as const) : ('not' as const) }] : [],
  )
}

// The query with that value picked: "only" takes the place of another value of the field. Null as of withCondition.
export function withPicked(text: string, field: string, value: string, picked: Picked, further: Further = 'behind'): string | null {
  const simple = conditionsOf(text.trim() === '' ? '{}' : text)
  const operator = picked === 'not' ? '!=' : '='
  if (simple === null) {
    const added = ['=', '!='].map((one) => furtherFilter(further, field, one, value)).find((one) => text.trimEnd().endsWith(one))
    const start = added === undefined ? text : text.trimEnd().slice(0, -added.length)
    if (picked === 'any') return start
    if (further === 'behind') return withCondition(start, { field, operator, value })
    // Terms are read from left to right: what comes last holds for all before it.
    return `${start.trimEnd()}${furtherFilter(further, field, operator, value)}`
  }
  const kept = simple.filter((one) => {
    if (!sameField(one.field, field) || !['=', '!='].includes(one.operator)) return true
    return one.value !== value && !(picked === 'only' && one.operator === '=')
  })
  return queryOf(picked === 'any' ? kept : [...kept, { field, operator, value }])
}

// Whether it makes numbers over time.
export function isMetrics(text: string): boolean {
  const tokens = tokenize(text)
  return tokens.some(
    (token) => token.kind === 'word' && METRICS_FUNCTION.test(text.slice(token.from, token.to)),
  )
}

const METRICS_FUNCTION = /^(?:rate|\w+_over_time|topk|bottomk|compare)$/

// The spans that a query of numbers is made of: what stands before its first function; any other query is that itself. Null
// where several queries make the numbers.
export function spansOf(text: string): string | null {
  if (!isMetrics(text)) return text
  const tokens = tokenize(text).filter((token) => token.kind !== 'space')
  const wordOf = (index: number) => text.slice(tokens[index]?.from, tokens[index]?.to)
  const begin = tokens.findIndex((_, index) => wordOf(index) === '|' && METRICS_FUNCTION.test(wordOf(index + 1)))
  const open = (until: number) => tokens.slice(0, until).reduce((depth, _, index) => depth + ({ '(': 1, ')': -1 }[wordOf(index)] ?? 0), 0)
  if (begin < 0 || open(begin) !== 0) return null
  const further = tokens.slice(begin).some((token) => text.slice(token.from, token.to) === '{')
  return further ? null : text.slice(0, tokens[begin]?.from).trim()
}

// A value as a literal of the language.
export function literal(value: string | number | bigint | boolean): string {
  return typeof value === 'string' ? quoted(value) : String(value)
}

export function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, (c) => `\\${c}`).replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\r/g, '\\r')}"`
}

// That something is of a service; null where that has no name, which the language has no condition for.
export function serviceIs(service: string): string | null {
  return service === '' ? null : `resource.service.name = ${quoted(service)}`
}

// Spans that meet all of the conditions; what is false or null is none.
export function spansWith(...conditions: readonly (string | false | null)[]): string {
  const given = conditions.filter(Boolean)
  return given.length === 0 ? '{}' : `{ ${given.join(' && ')} }`
}

// The text within quotes or backticks; null for what is no text.
export function unquoted(written: string): string | null {
  if (/^`[^`]*`$/.test(written)) return written.slice(1, -1)
  if (!/^"(?:[^"\\]|\\.)*"$/.test(written)) return null
  const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\' }
  let known = true
  const text = written.slice(1, -1).replace(/\\(.)/g, (_, c: string) => {
    const meant = escapes[c]
    if (meant === undefined) known = false
    return meant ?? ''
  })
  return known ? text : null
}

// An attribute's name behind its scope: quoted where the language needs it.
export function attributeField(scope: '' | 'span' | 'resource' | 'event' | 'link' | 'instrumentation' | 'log', key: string): string {
  const plain = /^[^\s{}()=~!<>&|^,"\d][^\s{}()=~!<>&|^,"]*$/.test(key)
  return `${scope}.${plain ? key : `"${key.replace(/[\\"]/g, (c) => `\\${c}`)}"`}`
}

// What is within a log record's body of JSON: its keys, from the outermost on. A point within a key needs quotes.
export function bodyField(keys: readonly string[]): string {
  return ['body', ...keys.map((key) => (/^[^\s{}()=~!<>&|^,".\d][^\s{}()=~!<>&|^,".]*$/.test(key) ? key : `"${key.replace(/[\\"]/g, (c) => `\\${c}`)}"`))].join('.')
}

// Null: the field is no such.
export function bodyKeys(field: string): string[] | null {
  if (!/^body(?:\.(?:"(?:[^"\\]|\\.)*"|[^\s{}()=~!<>&|^,".]+)+)+$/.test(field)) return null
  const keys: string[] = []
  for (const [, key = ''] of field.matchAll(/\.((?:"(?:[^"\\]|\\.)*"|[^".])+)/g)) {
    keys.push(key.replace(/"((?:[^"\\]|\\.)*)"/g, (_, inner: string) => inner.replace(/\\(.)/g, '$1')))
  }
  return keys
}

// Scope and key of an attribute as written; null for an intrinsic.
export function attributeOf(field: string): { scope: string; key: string } | null {
  const match = /^((?:parent\.)?(?:span|resource|event|link|instrumentation|log)?|parent)\.(.+)$/.exec(field)
  if (match === null) return null
  const [, scope = '', name = ''] = match
  return { scope, key: name.replace(/"((?:[^"\\]|\\.)*)"/g, (_, inner: string) => inner.replace(/\\(.)/g, '$1')) }
}
