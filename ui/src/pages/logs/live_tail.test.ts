import { describe, expect, it } from 'vitest'
import { LATE_MS, lateMs, SHOWN_MAX, TailBuffer, WAITING_MAX, withoutArrivals } from './live_tail'

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

describe('what came in while one follows', () => {
  it('shows what came last first', () => {
    const tail = new TailBuffer<number>(0)
    tail.add([1, 2], 2, 1000)
    tail.add([3], 1, 2000)
    expect(tail.view()).toEqual({ items: [3, 2, 1], waiting: 0, leftOut: 0, letGo: 0, perSecond: 1.5 })
  })

  it('keeps what comes during a pause, and shows it after it', () => {
    const tail = new TailBuffer<number>(0)
    tail.add([1], 1, 1000)
    tail.pause()
    tail.add([2], 1, 2000)
    tail.add([3], 1, 3000)
    expect(tail.view()).toMatchObject({ items: [1], waiting: 2 })
    tail.resume()
    expect(tail.view()).toMatchObject({ items: [3, 2, 1], waiting: 0, leftOut: 0 })
  })

  it('counts what does not fit', () => {
    const tail = new TailBuffer<number>(0)
    tail.add(numbers(0, 200), 1200, 1000) // the server gave the last 200 of them
    expect(tail.view()).toMatchObject({ leftOut: 1000, letGo: 0 })
    tail.add(numbers(200, SHOWN_MAX), SHOWN_MAX, 2000)
    expect(tail.view().items.length).toBe(SHOWN_MAX)
    expect(tail.view().items[0]).toBe(199 + SHOWN_MAX)
    expect(tail.view()).toMatchObject({ leftOut: 1000, letGo: 200 })
    tail.pause()
    tail.add(numbers(0, WAITING_MAX + 5), WAITING_MAX + 5, 3000)
    expect(tail.view()).toMatchObject({ leftOut: 1005, waiting: WAITING_MAX })
  })

  it('measures how fast they come over the last ten seconds', () => {
    const tail = new TailBuffer<number>(0)
    expect(tail.view().perSecond).toBeNaN()
    for (let second = 1; second <= 20; second++) tail.add([second], second <= 10 ? 100 : 4, second * 1000)
    expect(tail.view().perSecond).toBe(4)
    for (let second = 21; second <= 40; second++) tail.add([], 0, second * 1000)
    expect(tail.view().perSecond).toBe(0)
  })

  it('calls late what was there long before one looked last, however long ago that is', () => {
    const lookedMs = 1_700_000_000_000
    const at = (ms: number) => `${lookedMs + ms}000000`
    expect(lateMs(at(300_000), lookedMs)).toBe(0) // the tab was hidden meanwhile
    expect(lateMs(at(-LATE_MS), lookedMs)).toBe(0)
    expect(lateMs(at(-LATE_MS - 1), lookedMs)).toBe(LATE_MS + 1)
  })

  it('leaves each out of the list once', () => {
    const of = (...tokens: string[]) => tokens.map((token) => ({ token }))
    expect(withoutArrivals(of('c', 'b', 'b', 'a'), of('c', 'b'))).toEqual(of('b', 'a'))
    const list = of('a')
    expect(withoutArrivals(list, [])).toBe(list)
  })
})
