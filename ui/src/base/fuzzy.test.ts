import { describe, expect, it } from 'vitest'
import { fuzzyMatch } from './fuzzy'

const order = (query: string, texts: string[]) =>
  texts
    .map((text) => ({ text, match: fuzzyMatch(query, text) }))
    .filter((one) => one.match !== null)
    .sort((a, b) => (b.match?.score ?? 0) - (a.match?.score ?? 0))
    .map((one) => one.text)

describe('fuzzyMatch', () => {
  it('needs all letters in order', () => {
    expect(fuzzyMatch('xk', 'checkout')).toBeNull()
    expect(fuzzyMatch('kc', 'checkout')).toBeNull()
    expect(fuzzyMatch('cko', 'checkout')?.places).toEqual([0, 4, 5])
  })

  it('puts a run at the start before starts of words, and these before letters anywhere', () => {
    expect(order('ca', ['abcxxa', 'api cart', 'cart', 'checkout-api'])).toEqual(['cart', 'api cart', 'checkout-api', 'abcxxa'])
  })

  it('finds initials over later runs', () => {
    expect(fuzzyMatch('ps', 'payment-service')?.places).toEqual([0, 8])
    expect(fuzzyMatch('ps', 'paymentService')?.places).toEqual([0, 7])
  })

  it('takes words in any order, and case does not matter', () => {
    expect(fuzzyMatch('CHECK tr', 'Traces of checkout')?.places).toEqual([0, 1, 10, 11, 12, 13, 14])
    expect(fuzzyMatch('check zz', 'Traces of checkout')).toBeNull()
  })

  it('prefers the shorter of equal matches', () => {
    expect(order('cart', ['cart-worker', 'cart'])).toEqual(['cart', 'cart-worker'])
  })

  it('matches everything when nothing is typed', () => {
    expect(fuzzyMatch('  ', 'x')?.places).toEqual([])
  })
})
