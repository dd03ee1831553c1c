import { describe, expect, it } from 'vitest'
import { encodeParams } from '../../base/url'
import { edgeId } from '../../map/graph'
import { chosenCall, chosenNode, focused, readMapUrl } from './map_url'

const read = (text: string) => readMapUrl(new URLSearchParams(text))

describe('the URL of the map', () => {
  it('says nothing of the whole map', () => {
    expect(read('')).toEqual({ words: '', focus: '', depth: 1, hide: [], failing: false, table: false, node: '', call: '' })
  })

  it('has focus, filter and what is hidden', () => {
    expect(read('q=cart&focus=service:shop&depth=all&hide=peers&hide=databases&hide=x&failing=1&view=table')).toMatchObject({
      words: 'cart', focus: 'service:shop', depth: 'all', hide: ['databases', 'peers'], failing: true, table: true,
    }) // prettier-ignore
    expect(read('depth=7').depth).toBe(1)
    expect(readMapUrl(new URLSearchParams(encodeParams(focused('peer:a/b?c', 2))))).toMatchObject({ focus: 'peer:a/b?c', depth: 2 })
  })

  it('has one chosen thing, whatever its name', () => {
    expect(readMapUrl(new URLSearchParams(encodeParams(chosenNode('service:a>b&c'))))).toMatchObject({ node: 'service:a>b&c', call: '' })
    const edge = { from: 'service:', to: 'database:x/y', type: 'database' } as const
    expect(readMapUrl(new URLSearchParams(encodeParams(chosenCall(edge))))).toMatchObject({ node: '', call: edgeId(edge.from, edge.to, edge.type) })
    const plain = { ...edge, type: '' } as const
    expect(readMapUrl(new URLSearchParams(encodeParams(chosenCall(plain)))).call).toBe(edgeId(edge.from, edge.to, ''))
    expect(read('call=a&call=b').call).toBe('')
  })
})
