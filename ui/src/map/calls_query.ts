// The traces behind a node or a call, as TraceQL.
import { quoted, serviceIs, spansWith } from '../base/traceql'
import { isAsync, type MapEdge, type MapNode } from './graph'

const either = (a: string, b: string, value: string) => `(span.${a} = ${value} || span.${b} = ${value})`
// A database of Redis has a number, which may be sent as one.
const namespaceIs = (name: string) => (/^\d+$/.test(name) ? `(${either('db.namespace', 'db.name', quoted(name))} || ${either('db.namespace', 'db.name', name)})` : either('db.namespace', 'db.name', quoted(name)))

// What the calling span says of a node that sends no spans itself: the attributes that gave it its name.
function peerConditions({ kind, name }: MapNode): string[] {
  if (kind === 'messaging') return [`span.messaging.system = ${quoted(name)}`]
  if (kind === 'peer') return [either('peer.service', 'server.address', quoted(name))]
  const cut = name.indexOf('/')
  if (cut >= 0) return [either('db.system.name', 'db.system', quoted(name.slice(0, cut))), namespaceIs(name.slice(cut + 1))]
  return [`(${either('db.system.name', 'db.system', quoted(name))} || ${namespaceIs(name)})`]
}

// `failed`: only calls of which either side says so.
export function callQuery(edge: MapEdge, from: MapNode, to: MapNode, failed = false): string {
  const failure = failed && 'status = error'
  if (from.kind === 'user') return spansWith(serviceIs(to.name), 'kind = server', 'parent = nil', failure)
  const [caller, callee] = isAsync(edge) ? ['producer', 'consumer'] : ['client', 'server']
  if (to.kind !== 'service') return spansWith(serviceIs(from.name), `kind = ${isAsync(edge) ? 'producer' : 'client'}`, ...peerConditions(to), failure)
  const call = (clientFails: string | false, serverFails: string | false) =>
    `${spansWith(serviceIs(from.name), `kind = ${caller}`, clientFails)} > ${spansWith(serviceIs(to.name), `kind = ${callee}`, serverFails)}`
  return failed ? `(${call(failure, false)}) || (${call(false, failure)})` : call(false, false)
}

// Of a service all its spans; of what sends none, the calls to it; of users, the traces that they began.
export function nodeQuery(node: MapNode, failed = false): string {
  const failure = failed && 'status = error'
  if (node.kind === 'service') return spansWith(serviceIs(node.name), failure)
  if (node.kind === 'user') return spansWith('kind = server', 'parent = nil', failure)
  return spansWith(node.kind === 'messaging' ? 'kind = producer' : 'kind = client', ...peerConditions(node), failure)
}
