// Text can be read on what it lies on, in both themes (WCAG 2, AA: 4.5 : 1), and marks can be told from it (3 : 1).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { contrast, parseColor, SERIES_COUNT } from '../base/colors'

const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8')
const blocks = [...css.matchAll(/^:root(\[data-theme='dark'\])? \{([^}]*)\}/gm)]

function tokens(dark: boolean): Map<string, string> {
  const found = new Map<string, string>()
  for (const [, theme, body] of blocks) {
    if (theme !== undefined && !dark) continue
    for (const [, name, value] of (body ?? '').matchAll(/--([\w-]+):\s*([^;]+);/g)) found.set(name ?? '', value ?? '')
  }
  return found
}

const TEXT_ON: [text: string, on: string[]][] = [
  ['text', ['bg', 'surface', 'sunken', 'raised', 'hover', 'hover-raised', 'selected', 'accent-soft']],
  ['text-2', ['bg', 'surface', 'sunken', 'raised', 'hover', 'hover-raised', 'selected', 'accent-soft', 'error-soft']],
  ['text-3', ['bg', 'surface', 'raised', 'hover']],
  ['accent', ['bg', 'surface', 'raised', 'accent-soft']],
  ['error', ['surface', 'raised', 'error-soft', 'hover']],
  ['warn', ['surface', 'raised', 'warn-soft']],
  ['ok', ['surface', 'raised', 'ok-soft']],
  ['accent-ink', ['accent-fill', 'accent-fill-hover']],
  ['query-value', ['surface']],
  ['query-call', ['surface']],
  ['marker', ['surface']],
  ['axis', ['surface']],
]
const MARKS = ['error-mark', 'warn-mark', 'control-line', ...Array.from({ length: SERIES_COUNT }, (_, i) => `series-${i}`)]

describe.each([
  ['light', false],
  ['dark', true],
])('the %s theme', (_, dark) => {
  const known = tokens(dark)
  const ratio = (a: string, b: string) => {
    const [x, y] = [a, b].map((name) => parseColor(known.get(name) ?? ''))
    if (!x || !y) throw new Error(`no colour: ${a} or ${b}`)
    return contrast(x, y)
  }

  it('has text that can be read', () => {
    const bad = TEXT_ON.flatMap(([text, on]) => on.map((under) => [text, under, ratio(text, under)] as const)).filter(([, , found]) => found < 4.5)
    expect(bad).toEqual([])
  })

  it('has marks that can be seen', () => {
    expect(MARKS.map((mark) => [mark, ratio(mark, 'surface')] as const).filter(([, found]) => found < 3)).toEqual([])
  })
})

it('both themes have the same colours', () => {
  const names = (dark: boolean) => blocks.filter(([, theme]) => (theme !== undefined) === dark).flatMap(([, , body]) => [...(body ?? '').matchAll(/--([\w-]+):\s*(?:#|rgb)/g)].map((match) => match[1]))
  expect(names(true).sort()).toEqual(names(false).sort())
})
