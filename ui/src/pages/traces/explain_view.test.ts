import { describe, expect, it } from 'vitest'
import { boxSelection, explainParams, FAILED, isBox, LATE, NO_SELECTION, numberText, readSelection, selectionUrl, shareText, valueText, withExplained } from './explain_view'

const range = { fromMs: 1_700_000_000_000, toMs: 1_700_000_900_000 }

describe('the selection', () => {
  it('is what failed where nothing is said', () => {
    expect(readSelection(new URLSearchParams())).toEqual({ ...NO_SELECTION, condition: FAILED })
    expect(isBox(readSelection(new URLSearchParams()))).toBe(false)
  })

  it('goes through the URL and forgets the one before', () => {
    const box = boxSelection({ fromMillis: 1_700_000_000_123.4, toMillis: null, minNanos: 1_500_000_000, maxNanos: null })
    const url = selectionUrl(box)
    expect(url).toEqual({ sel: null, sel_from: '1700000000123000000', sel_to: null, sel_min: '1.5s', sel_max: null })
    const params = new URLSearchParams(Object.entries(url).filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
    expect(readSelection(params)).toEqual({ ...NO_SELECTION, ...box })
    expect(isBox(readSelection(params))).toBe(true)
    expect(explainParams(readSelection(params), range)).toEqual({ selection_from: '1700000000123000000', selection_to: '1700000900000000000', min_duration: '1.5s' })
  })

  it('is the later half of whatever range there is', () => {
    expect(explainParams({ ...NO_SELECTION, condition: LATE }, range)).toEqual({
      selection_from: '1700000450000000000', selection_to: '1700000900000000000', baseline_from: '1700000000000000000', baseline_to: '1700000450000000000',
    }) // prettier-ignore
  })
})

describe('what it has more of', () => {
  it('narrows the query', () => {
    expect(withExplained('', 'span.region = "south"', false)).toBe('{ span.region = "south" }')
    expect(withExplained('{ kind = server && span.region = "north" }', 'span.region = "south"', false)).toBe('{ kind = server && span.region = "south" }')
    expect(withExplained('{ kind = server }', 'span.n >= 5', false)).toBe('{ kind = server && span.n >= 5 }')
    expect(withExplained('{ kind = server }', 'span.n >= 5 && span.n < 9', false)).toBe('{ kind = server } | { span.n >= 5 && span.n < 9 }')
    expect(withExplained('', '{ span.region = "south" }', true)).toBe('{ } && { span.region = "south" }')
    expect(withExplained('{ kind = server }', '{ name = "x" }', true)).toBe('{ kind = server } && { name = "x" }')
  })

  it('is said in shares and numbers', () => {
    expect(shareText(0)).toBe('0 %')
    expect(shareText(0.0001)).toBe('< 0.1 %')
    expect(shareText(0.99999)).toBe('> 99.9 %')
    expect(shareText(1)).toBe('100 %')
    expect(shareText(0.123)).toBe('12.3 %')
    expect(numberText('span:duration', 1_500_000)).toBe('1.5 ms')
    expect(valueText('span:duration', '874000000')).toBe('874 ms')
    expect(valueText('span.n', '874000000')).toBe('874000000')
    expect(valueText('span:duration', 'nil')).toBe('none')
    expect(numberText('span.n', 1500)).toBe(numberText('span.m', 1500))
  })
})
