import { expect, test } from 'vitest'
import { pageOf, pageParams } from './saved_view'
import { makeHref } from './url'

test('a view is kept without its time and without what is open in it', () => {
  const search = new URLSearchParams('view=spans&last=15m&q=%7B+.a+%3D+%22b%26c%22+%7D&col=span.a&col=span.b&record=1&saved=7&service=shop')
  expect(pageOf(search)).toBe('col=span.a&col=span.b&q=%7B+.a+%3D+%22b%26c%22+%7D&service=shop&view=spans')
})

test('a box of what differs is kept with its durations, and not with its time', () => {
  const search = new URLSearchParams('view=explain&sel_from=1700000000000000000&sel_to=1700000001000000000&sel_min=1s&sel_max=2s')
  expect(pageOf(search)).toBe('sel_max=2s&sel_min=1s&view=explain')
})

test('the same view is the same text, whatever the order of its parameters', () => {
  expect(pageOf(new URLSearchParams('b=2&a=1&from=5'))).toBe(pageOf(new URLSearchParams('a=1&b=2&to=7')))
})

test('opening it shows what was kept, and no service that was chosen since', () => {
  const page = pageOf(new URLSearchParams('q={ .a = 1 }&col=x&col=y'))
  const shown = new URLSearchParams(makeHref('/traces', { service: 'other', ...pageParams(page) }).split('?')[1])
  expect([...shown]).toEqual([['col', 'x'], ['col', 'y'], ['q', '{ .a = 1 }']]) // prettier-ignore
})

test('what a view must not say is left out, even if somebody else wrote it', () => {
  expect(pageParams('last=1h&q=x')).toEqual({ service: null, q: 'x' })
})
