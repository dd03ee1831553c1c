// Markdown of panels -> a tree, which is drawn without any HTML of the text: headings, paragraphs, lists, quotes, code, tables, rules;
// within a line strong, emphasis, code and links. Links lead to http(s) addresses and to pages of this program only.

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong'; children: Inline[] }
  | { kind: 'em'; children: Inline[] }
  | { kind: 'link'; href: string; children: Inline[] }

export type Block =
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'list'; ordered: boolean; items: Inline[][] }
  | { kind: 'quote'; children: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }

const SAFE_LINK = /^(https?:\/\/|\/(?![/\\])|#)/i // browsers read \ as /
const SPAN = /(`+)([\s\S]*?)\1|\[([^\]]*)\]\(([^()\s]+)\)|\*\*([\s\S]+?)\*\*|__([\s\S]+?)__|\*([^*\s][^*]*?)\*|\b_([^_\s][^_]*?)_\b|(https?:\/\/[^\s<>)]+)/

export function parseInline(text: string, depth = 0): Inline[] {
  const parts: Inline[] = []
  const say = (words: string) => {
    if (words !== '') parts.push({ kind: 'text', text: words })
  }
  let rest = text
  while (rest !== '') {
    const match = depth > 8 ? null : SPAN.exec(rest)
    if (match === null) break
    say(rest.slice(0, match.index))
    rest = rest.slice(match.index + match[0].length)
    const [all, , code, label, href, strong, strongToo, em, emToo, address] = match
    if (code !== undefined) parts.push({ kind: 'code', text: code.trim() })
    else if (href !== undefined) {
      if (SAFE_LINK.test(href)) parts.push({ kind: 'link', href, children: parseInline(label ?? '', depth + 1) })
      else say(all)
    } else if (address !== undefined) parts.push({ kind: 'link', href: address, children: [{ kind: 'text', text: address }] })
    else if (strong !== undefined || strongToo !== undefined) parts.push({ kind: 'strong', children: parseInline(strong ?? strongToo ?? '', depth + 1) })
    else parts.push({ kind: 'em', children: parseInline(em ?? emToo ?? '', depth + 1) })
  }
  say(rest)
  return parts
}

const cellsOf = (line: string) => line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => parseInline(cell.trim()))
const LIST = /^\s*(?:[-*+]|(\d+)[.)])\s+/

export function parseMarkdown(text: string): Block[] {
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  const blocks: Block[] = []
  for (let i = 0; i < lines.length; ) {
    const line = lines[i]!
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line)
    if (/^\s*$/.test(line)) i++
    else if (/^\s*```/.test(line)) {
      const end = lines.findIndex((other, at) => at > i && /^\s*```/.test(other))
      blocks.push({ kind: 'code', text: lines.slice(i + 1, end < 0 ? undefined : end).join('\n') })
      i = end < 0 ? lines.length : end + 1
    } else if (heading) {
      blocks.push({ kind: 'heading', level: heading[1]!.length, children: parseInline(heading[2] ?? '') })
      i++
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      blocks.push({ kind: 'rule' })
      i++
    } else if (/^\s*\|.*\|\s*$/.test(line) && /^\s*\|[\s:|-]+\|\s*$/.test(lines[i + 1] ?? '')) {
      let end = i + 2
      while (/^\s*\|.*\|\s*$/.test(lines[end] ?? '')) end++
      blocks.push({ kind: 'table', head: cellsOf(line), rows: lines.slice(i + 2, end).map(cellsOf) })
      i = end
    } else if (LIST.test(line)) {
      const items: string[] = []
      const ordered = LIST.exec(line)?.[1] !== undefined
      for (; i < lines.length && !/^\s*$/.test(lines[i]!); i++) {
        if (LIST.test(lines[i]!)) items.push(lines[i]!.replace(LIST, ''))
        else items.push(`${items.pop() ?? ''} ${lines[i]!.trim()}`)
      }
      blocks.push({ kind: 'list', ordered, items: items.map((item) => parseInline(item)) })
    } else if (/^\s*>/.test(line)) {
      let end = i
      while (/^\s*>/.test(lines[end] ?? '')) end++
      blocks.push({ kind: 'quote', children: parseInline(lines.slice(i, end).map((one) => one.replace(/^\s*>\s?/, '')).join(' ')) })
      i = end
    } else {
      let end = i + 1
      while (end < lines.length && !/^\s*$|^#{1,6}\s|^\s*```|^\s*>/.test(lines[end]!) && !LIST.test(lines[end]!)) end++
      blocks.push({ kind: 'paragraph', children: parseInline(lines.slice(i, end).join(' ').trim()) })
      i = end
    }
  }
  return blocks
}

// The levels that the headings get below one of the level `under`, by the place of their block: none is left out on the way down.
export function headingLevels(blocks: readonly Block[], under: number): Record<number, number> {
  const levels: Record<number, number> = {}
  const top = blocks.reduce((least, block) => (block.kind === 'heading' ? Math.min(least, block.level) : least), 6)
  let before = under
  blocks.forEach((block, i) => {
    if (block.kind !== 'heading') return
    before = Math.min(6, under + 1 + block.level - top, before + 1)
    levels[i] = before
  })
  return levels
}
