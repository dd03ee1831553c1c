import { describe, expect, it } from 'vitest'
import { pieces, rank, typedTrace, type Entry } from './palette'

const ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const ENTRIES: Entry[] = [
  { id: 'traces', group: 'Go to', label: 'Traces' },
  { id: 'settings', group: 'Go to', label: 'Settings: ingest', words: 'sdk opentelemetry', searched: true },
  { id: 'cart', group: 'Services', label: 'cart', searched: true },
  { id: 'theme', group: 'Do', label: 'Use the dark theme', words: 'appearance' },
]
const labels = (typed: string) => rank(ENTRIES, typed).flatMap((group) => group.hits.map((hit) => hit.entry.label))

describe('rank', () => {
  it('shows what is not only searched while nothing is typed', () => {
    expect(rank(ENTRIES, ' ').map((group) => [group.name, group.hits.length])).toEqual([
      ['Go to', 1],
      ['Do', 1],
    ])
  })

  it('puts the group of the best hit first', () => {
    expect(rank(ENTRIES, 'cart')[0]?.name).toBe('Services')
    expect(labels('tra')[0]).toBe('Traces')
  })

  it('finds by other words, and marks only letters of the label', () => {
    const hit = rank(ENTRIES, 'opentel')[0]?.hits[0]
    expect(hit?.entry.id).toBe('settings')
    expect(hit?.places.every((at) => at < 'Settings: ingest'.length)).toBe(true)
  })

  it('gives nothing for what is nowhere', () => {
    expect(rank(ENTRIES, 'zzzz')).toEqual([])
  })
})

describe('typedTrace', () => {
  it('finds an id in what is pasted', () => {
    for (const text of [ID, `  ${ID.toUpperCase()} `, `00-${ID}-00f067aa0ba902b7-01`, `{"trace_id":"${ID}","x":1}`, `https://x.test/traces/${ID}?y=1`]) {
      expect(typedTrace(text)).toEqual({ id: ID, whole: true })
    }
  })

  it('takes the start of one, but no word and no time', () => {
    expect(typedTrace('4bf92f35')).toEqual({ id: '4bf92f35', whole: false })
    for (const text of ['facade', 'deadbeef', '4bf9', '15m', 'cart 4bf92f35', `${ID}0`]) expect(typedTrace(text)).toBeNull()
  })
})

describe('pieces', () => {
  it('joins neighbours', () => {
    expect(pieces('checkout', [0, 1, 4])).toEqual([
      { text: 'ch', hit: true },
      { text: 'ec', hit: false },
      { text: 'k', hit: true },
      { text: 'out', hit: false },
    ])
  })
})
