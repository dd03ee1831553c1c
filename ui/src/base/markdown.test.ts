import { describe, expect, it } from 'vitest'
import { headingLevels, parseInline, parseMarkdown, type Inline } from './markdown'

const text = (words: string): Inline => ({ kind: 'text', text: words })

describe('within a line', () => {
  it('there are strong, emphasis, code and links', () => {
    expect(parseInline('a **b _c_** `d*e*` [f](/traces?q=1)')).toEqual([
      text('a '),
      { kind: 'strong', children: [text('b '), { kind: 'em', children: [text('c')] }] },
      text(' '),
      { kind: 'code', text: 'd*e*' },
      text(' '),
      { kind: 'link', href: '/traces?q=1', children: [text('f')] },
    ])
  })
  it('links that run something stay text', () => {
    for (const href of ['javascript:alert(1)', 'data:text/html,x', '//evil.test/x', '/\\evil.test/x', 'JaVaScRiPt:x']) {
      expect(parseInline(`[x](${href})`)).toEqual([text(`[x](${href})`)])
    }
  })
  it('HTML is text', () => {
    expect(parseInline('<img src=x onerror=alert(1)>')).toEqual([text('<img src=x onerror=alert(1)>')])
  })
  it('names with underscores are no emphasis', () => {
    expect(parseInline('a_b_c')).toEqual([text('a_b_c')])
  })
})

describe('blocks', () => {
  it('are told apart', () => {
    const blocks = parseMarkdown('# Title\n\nOne\ntwo\n\n- a\n- b\n  c\n\n1. x\n\n> q\n> r\n\n```\n# code\n```\n---\n| a | b |\n|---|---|\n| 1 | 2 |')
    expect(blocks.map((block) => block.kind)).toEqual(['heading', 'paragraph', 'list', 'list', 'quote', 'code', 'rule', 'table'])
    expect(blocks[1]).toEqual({ kind: 'paragraph', children: [text('One two')] })
    expect(blocks[2]).toEqual({ kind: 'list', ordered: false, items: [[text('a')], [text('b c')]] })
    expect(blocks[3]).toMatchObject({ ordered: true })
    expect(blocks[5]).toEqual({ kind: 'code', text: '# code' })
    expect(blocks[7]).toEqual({ kind: 'table', head: [[text('a')], [text('b')]], rows: [[[text('1')], [text('2')]]] })
  })
  it('end, whatever is written', () => {
    for (const odd of ['```', '|', '- ', '#', '**', '[](', '_'.repeat(5000), '*a'.repeat(3000)]) expect(parseMarkdown(odd)).toBeInstanceOf(Array)
  })
})

it('gives headings levels below the one above, without a gap', () => {
  const levels = (text: string, under: number) => Object.values(headingLevels(parseMarkdown(text), under))
  expect(levels('## A\n\nwords\n\n#### B\n\n## C', 2)).toEqual([3, 4, 3])
  expect(levels('### A\n\n# B', 2)).toEqual([3, 3])
  expect(levels('# A', 1)).toEqual([2])
  expect(levels('# A\n\n## B\n\n### C\n\n#### D\n\n##### E', 2)).toEqual([3, 4, 5, 6, 6])
})
