// Operations on alerts and SLOs.
import type { Channel, Delivery, KnownChannel, Route, Routing, RoutingDocument, Rule, RuleDocument, Silence, SilenceDocument, WireRule } from './alert_types'
import { call, client, take, takeNothing, type Query } from './client'
import type { components } from './schema'
import type { Slo, SloConsumers, SloDocument, SloEvent, SloHistory, SloPreview, SloStatus, SloWithStatus } from './slo_types'

type Signal = AbortSignal | undefined
interface Span {
  from: string
  to: string
}
const path = (strings: TemplateStringsArray, ...values: string[]) => String.raw({ raw: strings }, ...values.map(encodeURIComponent))

// The description's condition has the members of all kinds, with their defaults; a document has those of its own.
const wire = (document: RuleDocument) => document as WireRule
const rule = async (answer: ReturnType<typeof takeRule>) => (await answer) as Rule
const takeRule = (answer: Parameters<typeof take<components['schemas']['AlertRule']>>[0]) => take(answer)

// Members that are empty may be left out.
type PartRouting = Omit<Routing, 'document'> & { document: Pick<RoutingDocument, 'schema'> & Partial<Omit<RoutingDocument, 'routes'>> & { routes?: (Partial<Route> & Pick<Route, 'channels'>)[] } }
const whole = ({ document, ...rest }: PartRouting): Routing => ({
  ...rest,
  document: { schema: 1, routes: (document.routes ?? []).map((route) => ({ ...route, matchers: route.matchers ?? [] })), default_channels: document.default_channels ?? [] },
})

export const alerts = {
  listRules: (signal?: Signal) => take(client.GET('/alerts/rules', { signal })),
  getRule: (id: string, signal?: Signal) => rule(takeRule(client.GET('/alerts/rules/{id}', { params: { path: { id } }, signal }))),
  createRule: (document: RuleDocument) => rule(takeRule(client.POST('/alerts/rules', { body: { document: wire(document) } }))),
  updateRule: (id: string, version: number, document: RuleDocument) => rule(takeRule(client.PUT('/alerts/rules/{id}', { params: { path: { id } }, body: { version, document: wire(document) } }))),
  deleteRule: (id: string, version: number) => takeNothing(client.DELETE('/alerts/rules/{id}', { params: { path: { id }, query: { version } } })),
  backtest: (document: RuleDocument, { from, to }: Span, signal?: Signal) =>
    take(client.POST('/alerts/backtest', { body: { document: wire(document), from_unix_nano: from, to_unix_nano: to }, signal })),
  list: (query: Query<'listAlerts'>, signal?: Signal) => take(client.GET('/alerts', { params: { query }, signal })),
  history: (query: Query<'listAlertTransitions'>, signal?: Signal) => take(client.GET('/alerts/history', { params: { query }, signal })),
  acknowledge: (fingerprint: string, comment = '') => call<unknown>('POST', path`/alerts/instances/${fingerprint}/acknowledge`, { body: comment === '' ? {} : { comment } }),
  withdrawAcknowledgement: (fingerprint: string) => call<true>('DELETE', path`/alerts/instances/${fingerprint}/acknowledge`),
  listSilences: (signal?: Signal) => call<{ silences: Silence[] }>('GET', '/alerts/silences', { signal }),
  createSilence: (document: SilenceDocument) => call<Silence>('POST', '/alerts/silences', { body: document }),
  updateSilence: (id: string, version: number, document: SilenceDocument) => call<Silence>('PUT', path`/alerts/silences/${id}`, { body: { version, ...document } }),
  deleteSilence: (id: string, version: number) => call<true>('DELETE', path`/alerts/silences/${id}`, { query: { version } }),
  listChannels: (signal?: Signal) => call<{ channels: Channel[]; broken: { file: string; error: string }[] }>('GET', '/alerts/channels', { signal }),
  createChannel: (document: KnownChannel) => call<Channel>('POST', '/alerts/channels', { body: { document } }),
  updateChannel: (id: string, version: number, document: KnownChannel) => call<Channel>('PUT', path`/alerts/channels/${id}`, { body: { version, document } }),
  deleteChannel: (id: string, version: number) => call<true>('DELETE', path`/alerts/channels/${id}`, { query: { version } }),
  testChannel: (id: string) => call<Delivery>('POST', path`/alerts/channels/${id}/test`),
  getRouting: async (signal?: Signal) => whole(await call<PartRouting>('GET', '/alerts/routing', { signal })),
  setRouting: async (version: number, document: RoutingDocument) => whole(await call<PartRouting>('PUT', '/alerts/routing', { body: { version, document } })),
  listDeliveries: (query: { cursor?: string; limit?: number }, signal?: Signal) => call<{ deliveries: Delivery[]; next_cursor: string | null }>('GET', '/alerts/deliveries', { query, signal }),
  listSlos: (signal?: Signal) => call<{ slos: SloWithStatus[]; broken: { file: string; error: string }[] }>('GET', '/slos', { signal }),
  getSlo: (id: string, signal?: Signal) => call<Slo>('GET', path`/slos/${id}`, { signal }),
  createSlo: (document: SloDocument) => call<Slo>('POST', '/slos', { body: { document } }),
  updateSlo: (id: string, version: number, document: SloDocument) => call<Slo>('PUT', path`/slos/${id}`, { body: { version, document } }),
  deleteSlo: (id: string, version: number) => call<true>('DELETE', path`/slos/${id}`, { query: { version } }),
  getSloStatus: (id: string, signal?: Signal) => call<SloStatus>('GET', path`/slos/${id}/status`, { signal }),
  getSloHistory: (id: string, query: object, signal?: Signal) => call<SloHistory>('GET', path`/slos/${id}/history`, { query: { ...query }, signal }),
  getSloConsumers: (id: string, query: object, signal?: Signal) => call<SloConsumers>('GET', path`/slos/${id}/consumers`, { query: { ...query }, signal }),
  listSloEvents: (id: string, signal?: Signal) => call<{ events: SloEvent[] }>('GET', path`/slos/${id}/events`, { signal }),
  previewSlo: (document: SloDocument, signal?: Signal) => call<SloPreview>('POST', '/slos/preview', { body: { document }, signal }),
}
