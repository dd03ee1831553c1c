// Attribute values as people read them. What the API sends (JSON whose types are those of OTLP) in, words out.
import { parseExact, toJson } from './exact_json'

export type ValueKind = 'text' | 'number' | 'boolean' | 'list' | 'map' | 'bytes' | 'empty'

export function valueKind(value: unknown): ValueKind {
  if (value === null || value === undefined) return 'empty'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'number' || typeof value === 'bigint') return 'number'
  if (typeof value === 'boolean') return 'boolean'
  if (Array.isArray(value)) return 'list'
  return base64Of(value) === null ? 'map' : 'bytes'
}

// Bytes are sent as {"bytes": "base64"}.
function base64Of(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null
  const keys = Object.keys(value)
  const bytes = (value as { bytes?: unknown }).bytes
  return keys.length === 1 && typeof bytes === 'string' ? bytes : null
}

const INLINE_LENGTH_MAX = 80

// On one line where it is short, else as indented JSON.
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value !== 'object') return String(value)
  const base64 = base64Of(value)
  if (base64 !== null) return base64
  const line = toJson(value)
  return line.length <= INLINE_LENGTH_MAX ? line : toJson(value, 2)
}

// Always one line.
export function valueLine(value: unknown): string {
  return typeof value === 'object' && value !== null ? toJson(value) : String(value ?? '')
}

// Text that is JSON itself, as many programs log: its value, else null. Scalars stay text.
export function parseJsonText(text: string): object | null {
  if (!/^\s*[{[]/.test(text)) return null
  try {
    const value = parseExact(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

const DEPTH_MAX = 8

export interface Leaf {
  keys: string[] // from the outermost on
  value: unknown
}

// What a map has in it and in its maps. Lists, bytes and empty maps are values.
export function leavesOf(map: Record<string, unknown>, outer: readonly string[] = []): Leaf[] {
  return Object.entries(map).flatMap(([key, value]) => {
    const keys = [...outer, key]
    const inner = valueKind(value) === 'map' && outer.length < DEPTH_MAX ? (value as Record<string, unknown>) : null
    return inner !== null && Object.keys(inner).length > 0 ? leavesOf(inner, keys) : [{ keys, value }]
  })
}

// A map whose maps are paths: {"a": {"b": 1}} -> {"a.b": 1}.
export function flattened(map: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(leavesOf(map).map(({ keys, value }) => [keys.join('.'), value]))
}

// Behind these keys, one within the other, or else under all of them with points between; undefined: nothing but null.
export function valueAt(map: Record<string, unknown>, keys: readonly string[]): unknown {
  const of = (at: unknown, key: string) => (valueKind(at) === 'map' && Object.hasOwn(at as object, key) ? (at as Record<string, unknown>)[key] : undefined)
  return keys.reduce<unknown>(of, map) ?? of(map, keys.join('.')) ?? undefined
}

// Text that is a whole HTTP address; else null. Nothing else becomes a link: javascript: and the like must not.
export function urlOf(value: unknown): string | null {
  return typeof value === 'string' && /^https?:\/\/[^\s"<>]+$/.test(value) ? value : null
}

export interface ExceptionParts {
  type: string
  message: string
  stacktrace: string
}

// By the semantic conventions; null where there is none.
export function exceptionOf(attributes: Record<string, unknown>): ExceptionParts | null {
  const text = (key: string) => valueLine(attributes[key])
  const parts = { type: text('exception.type'), message: text('exception.message'), stacktrace: text('exception.stacktrace') }
  return parts.type !== '' || parts.message !== '' || parts.stacktrace !== '' ? parts : null
}

// Lines of a stack trace, with those of the runtime and of libraries told apart from the program's own.
export function stackLines(stacktrace: string): { text: string; foreign: boolean }[] {
  const foreign = /node_modules|node:internal|site-packages|dist-packages|lib\/python|^\s*at (java|javax|jdk|sun|org\.springframework|org\.apache|io\.netty|reactor)\.|\/usr\/local\/go\/|pkg\/mod\/|System\.|Microsoft\./
  let last = { foreign: false, indent: Infinity }
  return stacktrace
    .replace(/\s+$/, '')
    .split(/\r?\n/)
    .map((text) => {
      const indent = text.search(/\S|$/)
      // What is set further in belongs to the line above: Python shows each frame's source so.
      if (indent > last.indent) return { text, foreign: last.foreign }
      last = { foreign: foreign.test(text), indent: indent > 0 ? indent : Infinity }
      return { text, foreign: last.foreign }
    })
}
