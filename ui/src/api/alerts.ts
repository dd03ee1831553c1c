// Operations on alerts and SLOs.
import type { Alert, Backtest, Channel, Delivery, InstanceState, KnownChannel, RoutingDocument, Routing, Rule, RuleDocument, RuleList, Silence, SilenceDocument, TransitionPage } from './alert_types'
import { call } from './client'
import type { Slo, SloConsumers, SloDocument, SloEvent, SloHistory, SloPreview, SloStatus, SloWithStatus } from './slo_types'

type Signal = AbortSignal | undefined
interface Span {
  from: string
  to: string
}
const path = (strings: TemplateStringsArray, ...values: string[]) => String.raw({ raw: strings }, ...values.map(encodeURIComponent))

export const alerts = {
  listRules: (signal?: Signal) => call<RuleList>('GET', '/alerts/rules', { signal }),
  getRule: (id: string, signal?: Signal) => call<Rule>('GET', path`/alerts/rules/${id}`, { signal }),
  createRule: (document: RuleDocument) => call<Rule>('POST', '/alerts/rules', { body: { document } }),
  updateRule: (id: string, version: number, document: RuleDocument) => call<Rule>('PUT', path`/alerts/rules/${id}`, { body: { version, document } }),
  deleteRule: (id: string, version: number) => call<true>('DELETE', path`/alerts/rules/${id}`, { query: { version } }),
  backtest: (document: RuleDocument, { from, to }: Span, signal?: Signal) =>
    call<Backtest>('POST', '/alerts/backtest', { body: { document, from_unix_nano: from, to_unix_nano: to }, signal }),
  list: (query: { state?: InstanceState; rule?: string }, signal?: Signal) => call<{ alerts: Alert[] }>('GET', '/alerts', { query, signal }),
  history: (query: Span & { rule?: string; cursor?: string; limit?: number }, signal?: Signal) => call<TransitionPage>('GET', '/alerts/history', { query: { ...query }, signal }),
  acknowledge: (fingerprint: string, comment = '') => call<unknown>('POST', path`/alerts/instances/${fingerprint}/acknowledge`, { body: comment === '' ? {} : { comment } }),
  withdrawAcknowledgement: (fingerprint: string) => call<true>('DELETE', path`/alerts/instances/${fingerprint}/acknowledge`),
  listSilences: (signal?: Signal) => call<{ silences: Silence[] }>('GET', '/alerts/silences', { signal }),
  createSilence: (document: SilenceDocument) => call<Silence>('POST', '/alerts/silences', { body: document }),
  updateSilence: (id: string, version: number, document: SilenceDocument) => call<Silence>('PUT', path`/alerts/silences/${id}`, { body: { version, ...document } }),
  deleteSilence: (id: string, version: number) => call<true>('DELETE', path`/alerts/silences/${id}`, { query: { version } }),
  listChannels: (signal?: Signal) => call<{ channels: Channel[] }>('GET', '/alerts/channels', { signal }),
  createChannel: (document: KnownChannel) => call<Channel>('POST', '/alerts/channels', { body: { document } }),
  updateChannel: (id: string, version: number, document: KnownChannel) => call<Channel>('PUT', path`/alerts/channels/${id}`, { body: { version, document } }),
  deleteChannel: (id: string, version: number) => call<true>('DELETE', path`/alerts/channels/${id}`, { query: { version } }),
  testChannel: (id: string) => call<{ ok: boolean; text: string }>('POST', path`/alerts/channels/${id}/test`),
  getRouting: (signal?: Signal) => call<Routing>('GET', '/alerts/routing', { signal }),
  setRouting: (version: number, document: RoutingDocument) => call<Routing>('PUT', '/alerts/routing', { body: { version, document } }),
  listDeliveries: (signal?: Signal) => call<{ deliveries: Delivery[] }>('GET', '/alerts/deliveries', { signal }),
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
