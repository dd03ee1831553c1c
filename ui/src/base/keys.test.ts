import { describe, expect, it } from 'vitest'
import { keyName, KeySequence } from './keys'

const event = (key: string, more: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {}) => ({
  key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more,
}) // prettier-ignore

describe('keys', () => {
  it('have one name for Ctrl and Cmd, and letters as typed', () => {
    expect(keyName(event('k', { ctrlKey: true }))).toBe('mod+k')
    expect(keyName(event('K', { metaKey: true, shiftKey: true }))).toBe('mod+k')
    expect(keyName(event('G', { shiftKey: true }))).toBe('G')
    expect(keyName(event('?', { shiftKey: true }))).toBe('?')
    expect(keyName(event('ArrowDown', { shiftKey: true }))).toBe('shift+ArrowDown')
  })
})

describe('a sequence of keys', () => {
  const known = (keys: string) => ['g s', 's', 'j'].includes(keys)
  const starts = (key: string) => key === 'g'
  const feed = (sequence: KeySequence, ...keys: [name: string, atMs: number][]) => keys.map(([name, at]) => sequence.feed(name, at, known, starts))

  it('is what its keys say together, if they come soon enough', () => {
    expect(feed(new KeySequence(), ['g', 0], ['s', 1000])).toEqual([null, 'g s'])
    expect(feed(new KeySequence(), ['g', 0], ['s', 5000])).toEqual([null, 's'])
  })

  it('that nothing has ends with the key alone', () => {
    expect(feed(new KeySequence(), ['g', 0], ['j', 10], ['s', 20])).toEqual([null, 'j', 's'])
    expect(feed(new KeySequence(), ['g', 0], ['x', 10])).toEqual([null, null])
  })
})
