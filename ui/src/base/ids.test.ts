import { describe, expect, it } from 'vitest'
import { findTraceId } from './ids'

const ID = '4bf92f3577b34da6a3ce929d0e0e4736'

describe('a trace id', () => {
  it.each([
    ID,
    ID.toUpperCase(),
    `  ${ID}\n`,
    `traceparent: 00-${ID}-00f067aa0ba902b7-01`,
    `https://sightline.example/traces/${ID}?span=00f067aa0ba902b7`,
    `{"trace_id":"${ID}","span_id":"00f067aa0ba902b7"}`,
    `failed trace_id=${ID}.`,
    '4bf92f35-77b3-4da6-a3ce-929d0e0e4736',
  ])('is found in %j', (text) => {
    expect(findTraceId(text)).toBe(ID)
  })

  it.each(['', '0'.repeat(32), '4bf92f3577b34da6', `${ID}00`, 'g'.repeat(32)])('is none in %j', (text) => {
    expect(findTraceId(text)).toBeNull()
  })
})
