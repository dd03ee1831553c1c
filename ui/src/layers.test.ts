// Keeps the folders in their order: each may import only from itself and from those before it. Also keeps out of the
// markup what the Content-Security-Policy would block.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = dirname(fileURLToPath(import.meta.url))
const LAYERS = ['base', 'api', 'state', 'widgets', 'flame', 'map', 'panels', 'pages', 'frame']

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : /\.(ts|svelte)$/.test(name) ? [path] : []
  })
}

function imports(text: string): string[] {
  const found = [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)]
  return found.map((match) => match[1] ?? '').filter((target) => target.startsWith('.'))
}

const all = files(ROOT)
const layerOf = (path: string) => LAYERS.indexOf(relative(ROOT, path).split('/')[0] ?? '')

describe('folders', () => {
  it('import only from folders before them', () => {
    const wrong: string[] = []
    for (const file of all) {
      const layer = layerOf(file)
      if (layer < 0) continue // main.ts, App.svelte: the top
      for (const target of imports(readFileSync(file, 'utf8'))) {
        const path = resolve(dirname(file), target)
        const to = layerOf(path)
        if (to < 0 || to > layer) wrong.push(`${relative(ROOT, file)} imports ${relative(ROOT, path)}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('base knows no DOM and no Svelte', () => {
    const wrong = all
      .filter((file) => layerOf(file) === 0 && !file.endsWith('.test.ts'))
      .filter((file) => file.endsWith('.svelte') || /\b(document|window|localStorage)\./.test(readFileSync(file, 'utf8')))
    expect(wrong.map((file) => relative(ROOT, file))).toEqual([])
  })
})

describe('markup', () => {
  it('has no style attribute, which the Content-Security-Policy would drop', () => {
    const wrong = all.filter((file) => file.endsWith('.svelte') && /\sstyle=/.test(readFileSync(file, 'utf8')))
    expect(wrong.map((file) => relative(ROOT, file))).toEqual([])
  })

  it('builds no HTML from text', () => {
    const wrong = all.filter((file) => !file.endsWith('.test.ts') && /\{@html|\.innerHTML|\.outerHTML/.test(readFileSync(file, 'utf8')))
    expect(wrong.map((file) => relative(ROOT, file))).toEqual([])
  })
})
