// Channels between document and form. Knows no DOM.
import type { ChannelDocument, ChannelKind, KnownChannel } from '../../api/alert_types'

export const KINDS: readonly { value: ChannelKind; label: string; about: string }[] = [
  { value: 'webhook', label: 'Webhook', about: 'A POST in JSON, signed with the secret where there is one.' },
  { value: 'slack', label: 'Slack', about: 'The URL of an incoming webhook.' },
  { value: 'pagerduty', label: 'PagerDuty', about: 'The routing key of an integration of Events API v2.' },
  { value: 'email', label: 'Email', about: 'By SMTP.' },
  { value: 'alertmanager', label: 'Alertmanager', about: 'The URL of an Alertmanager: alerts are sent as Prometheus does.' },
]

export function emptyChannel(kind: ChannelKind, name = ''): ChannelDocument {
  return { schema: 1, name, kind, ...(kind === 'email' && { smtp: { host: '', port: 587, tls: 'starttls' as const, from: '', to: [] } }) }
}

// A secret that is left empty is kept where the document says that it is set; another one stands instead.
export function tidyChannel(document: KnownChannel): KnownChannel {
  const clean = <T extends object>(value: T): T => {
    const given = Object.entries(value).filter(([, one]) => one !== '' && one !== undefined)
    const names = new Set(given.map(([key]) => key))
    return Object.fromEntries(given.filter(([key]) => !(key.endsWith('_set') && names.has(key.slice(0, -4))))) as T
  }
  const { smtp, ...rest } = document
  return { ...clean(rest), ...(smtp && { smtp: clean(smtp) }) }
}

// `isNew`: a secret that is needed cannot be there already.
export function channelProblems(document: KnownChannel, isNew: boolean): Record<string, string> {
  const problems: Record<string, string> = {}
  if (document.name.trim() === '') problems.name = 'A name is wanted'
  const { kind, smtp } = document
  if (kind === 'webhook' || kind === 'slack' || kind === 'alertmanager') {
    const kept = document.url_set === true && (document.url ?? '') === ''
    if (!kept && !/^https?:\/\/[^/\s]+/.test(document.url ?? '')) problems.url = 'A URL is wanted: https://…'
  }
  if (kind === 'pagerduty' && isNew && (document.routing_key ?? '') === '') problems.routing_key = 'A routing key is wanted'
  if (kind === 'email') {
    if ((smtp?.host ?? '') === '') problems['smtp.host'] = 'A host is wanted'
    if (!/.+@.+/.test(smtp?.from ?? '')) problems['smtp.from'] = 'An address is wanted'
    if (((smtp?.user ?? '') === '') !== ((smtp?.password ?? '') === '' && smtp?.password_set !== true)) problems['smtp.user'] = 'User and password need each other'
    if ((smtp?.to ?? []).length === 0 || smtp!.to.some((one) => !/.+@.+/.test(one))) problems['smtp.to'] = 'Addresses are wanted, with commas between'
  }
  return problems
}
