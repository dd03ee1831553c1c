// Conditions on attributes, and changes of the URL: what the filters of traces, logs and metrics share.
import { valueKind, valueText } from './attribute_value'

// What to change in the URL: null takes a parameter out.
export type UrlChange = Record<string, string | string[] | null>

// The fields of a parameter that may be given several times: each once, no more than `most`.
export function fieldsOf(params: URLSearchParams, key: string, most: number): string[] {
  return [...new Set(params.getAll(key).filter((field) => field !== ''))].slice(0, most)
}

export const orNull = (text: string): string | null => (text === '' ? null : text)

// KEY=VALUE with a key; the value may be empty or have further "=".
export function isAttributeFilter(text: string): boolean {
  return text.indexOf('=') > 0
}

// An attribute as a condition; null for what equality cannot look for. `prefix`: "resource." or none.
export function attributeFilter(key: string, value: unknown, prefix: '' | 'resource.' = ''): string | null {
  return ['text', 'number', 'boolean'].includes(valueKind(value)) ? `${prefix}${key}=${valueText(value)}` : null
}
