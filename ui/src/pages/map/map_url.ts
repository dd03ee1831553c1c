// The map's part of the URL. URLSearchParams in and out; knows no DOM.
import type { ParamValue } from '../../base/url'
import type { Choice, Depth, Hidden } from '../../map/choose'
import { edgeId, type MapEdge } from '../../map/graph'

export interface MapUrl extends Choice {
  table: boolean
  node: string // the chosen one's id, or ""
  call: string // the chosen one's id, or ""
}

const HIDDEN: readonly Hidden[] = ['databases', 'peers']

export function readMapUrl(params: URLSearchParams): MapUrl {
  const depth = params.get('depth')
  const call = params.getAll('call')
  return {
    words: params.get('q') ?? '',
    focus: params.get('focus') ?? '',
    depth: depth === '2' ? 2 : depth === 'all' ? 'all' : 1,
    hide: HIDDEN.filter((one) => params.getAll('hide').includes(one)),
    failing: params.get('failing') === '1',
    table: params.get('view') === 'table',
    node: call.length === 3 ? '' : (params.get('node') ?? ''),
    call: call.length === 3 ? edgeId(call[0] ?? '', call[1] ?? '', call[2] ?? '') : '',
  }
}

export type MapChange = Record<string, ParamValue>

// One is chosen at a time.
export const chosenNode = (id: string): MapChange => ({ node: id, call: null })
export const chosenCall = ({ from, to, type }: Pick<MapEdge, 'from' | 'to' | 'type'>): MapChange => ({ node: null, call: [from, to, type] })
export const chosenNone: MapChange = { node: null, call: null }

export const focused = (id: string, depth?: Depth): MapChange => ({ focus: id, ...(depth !== undefined && { depth: depth === 1 ? null : String(depth) }) })
