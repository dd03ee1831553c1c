import { describe, expect, it } from 'vitest'
import { repairsOf } from './repairs'

describe('repairs', () => {
  it('are said in words, unknown ones as they are', () => {
    expect(repairsOf('utf8,later_mark').map((repair) => repair.words)).toEqual([
      'Text that was not valid UTF-8 was replaced by U+FFFD.',
      'later_mark',
    ])
    expect(repairsOf('')).toEqual([])
  })
})
