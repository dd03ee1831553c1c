// What the trace page shows, as parameters of its URL. URLSearchParams in, parameters out; knows no DOM.
import type { ParamValue } from '../../base/url'

export const TRACE_VIEWS = ['waterfall', 'flame', 'event'] as const
export type TraceViewKind = (typeof TRACE_VIEWS)[number]
export const SPAN_TABS = ['attributes', 'events', 'links', 'logs', 'trace-logs', 'metrics'] as const
export type SpanTab = (typeof SPAN_TABS)[number]

export interface Zoom {
  from: number // ns from the start of the trace, whole
  to: number
}

export interface TraceUrl {
  view: TraceViewKind
  span: string // id of the chosen one, "" for none
  q: string
  only: boolean // spans that the search does not match are left out
  zoom: Zoom | null
  path: boolean // the critical path is drawn
  tab: SpanTab
}

export function readTraceUrl(params: URLSearchParams): TraceUrl {
  const tab = params.get('tab') as SpanTab | null
  return {
    view: TRACE_VIEWS.find((view) => view === params.get('view')) ?? 'waterfall',
    span: (params.get('span') ?? '').toLowerCase(),
    q: params.get('q') ?? '',
    only: params.get('only') === '1',
    zoom: readZoom(params.get('zoom') ?? ''),
    path: params.get('path') !== '0',
    tab: tab !== null && SPAN_TABS.includes(tab) ? tab : 'attributes',
  }
}

function readZoom(text: string): Zoom | null {
  const parts = /^(\d{1,16})-(\d{1,16})$/.exec(text)
  if (!parts) return null
  const zoom = { from: Number(parts[1]), to: Number(parts[2]) }
  return zoom.to > zoom.from ? zoom : null
}

export function zoomText(zoom: Zoom | null): string {
  return zoom === null ? '' : `${Math.round(zoom.from)}-${Math.round(zoom.to)}`
}

// null takes a parameter out: what is as usual does not stand in the URL.
export function traceUrlParams(url: TraceUrl): Record<string, ParamValue> {
  return {
    view: url.view === 'waterfall' ? null : url.view,
    span: url.span || null,
    q: url.q || null,
    only: url.only ? '1' : null,
    zoom: zoomText(url.zoom) || null,
    path: url.path ? null : '0',
    tab: url.tab === 'attributes' ? null : url.tab,
  }
}

// As people paste it: any case, with dashes; the first digits are enough for the API. Null: no id.
export function readTraceId(text: string): string | null {
  const bare = text.trim().replaceAll('-', '').toLowerCase()
  return /^[0-9a-f]{4,32}$/.test(bare) && !/^0+$/.test(bare) ? bare : null
}
