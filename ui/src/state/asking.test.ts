import { describe, expect, it } from 'vitest'
import { asking } from './asking'

describe('open questions', () => {
  it('are counted until each is answered, refused or not', async () => {
    let answer = (_: number) => {}
    let refuse = (_: Error) => {}
    const first = asking.during(new Promise<number>((done) => (answer = done)))
    const second = asking.during(new Promise<number>((_, failed) => (refuse = failed)))
    expect(asking.any).toBe(true)
    answer(7)
    expect(await first).toBe(7)
    expect(asking.any).toBe(true)
    refuse(new Error('no'))
    await expect(second).rejects.toThrow('no')
    expect(asking.any).toBe(false)
  })
})
