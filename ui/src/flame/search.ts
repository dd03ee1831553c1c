// Finding rows by words. Data: TraceModel + text -> a mark for each row and the rows that match.
// All words must be in the span's name, service, failure message, kind or id; case does not matter. A word may ask more:
// error, critical, service:NAME (service:"NAME": exactly that), kind:server, >100ms, <2s; is:early and the others of ODDITIES.
import type { CriticalPath } from './critical_path'
import { FAILED, rowName, serviceName, type TraceModel } from './model'
import { ODDITIES } from './oddities'

export interface Matches {
  text: string
  mask: Uint8Array | null // null: nothing is searched
  rows: number[]
}

type Test = (row: number) => boolean

const UNITS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9 }

export const NO_MATCHES: Matches = { text: '', mask: null, rows: [] }

export function findRows(model: TraceModel, text: string, path?: CriticalPath): Matches {
  const words = text.toLowerCase().match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []
  if (words.length === 0) return NO_MATCHES
  const tests = words.map((word) => testOf(model, word, path))
  const mask = new Uint8Array(model.rows)
  const rows: number[] = []
  for (let row = 0; row < model.rows; row++) {
    if (!tests.every((test) => test(row))) continue
    mask[row] = 1
    rows.push(row)
  }
  return { text, mask, rows }
}

function testOf(model: TraceModel, typed: string, path?: CriticalPath): Test {
  const word = /^service:"/.test(typed) ? typed : typed.replaceAll('"', '')
  if (word === 'error' || word === 'status:error') return (row) => (model.flags[row]! & FAILED) !== 0
  if (word === 'critical' && path) return (row) => path.own[row]! > 0
  const odd = ODDITIES.find((oddity) => word === `is:${oddity.word}`)
  if (odd) return (row) => odd.test(model, row)
  const limit = /^([<>])=?(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m)$/.exec(word)
  if (limit) {
    const nano = Number(limit[2]) * UNITS[limit[3]!]!
    const longer = limit[1] === '>'
    return (row) => {
      const duration = model.end[row]! - model.start[row]!
      return longer ? duration >= nano : duration <= nano
    }
  }
  const exact = /^service:"(.*?)"?$/.exec(word)?.[1]
  if (exact !== undefined) return (row) => serviceName(model, row).toLowerCase() === exact
  const named = /^(service|kind):(.+)$/.exec(word)
  if (named?.[1] === 'service') return containsOnce((row) => serviceName(model, row), named[2]!)
  if (named?.[1] === 'kind') return (row) => model.spans[row]?.kind.toLowerCase() === named[2]
  const inName = containsOnce((row) => rowName(model, row), word)
  const inService = containsOnce((row) => serviceName(model, row), word)
  return (row) => {
    if (inName(row) || inService(row) || model.spanIds[row] === word) return true
    const span = model.spans[row]
    if (!span) return false
    return span.kind.toLowerCase() === word || (span.message?.toLowerCase().includes(word) ?? false) || (span.target?.toLowerCase().includes(word) ?? false)
  }
}

// Names repeat: each one is lower-cased and looked through once.
function containsOnce(textOf: (row: number) => string, word: string): Test {
  const known = new Map<string, boolean>()
  return (row) => {
    const text = textOf(row)
    let found = known.get(text)
    if (found === undefined) {
      found = text.toLowerCase().includes(word)
      known.set(text, found)
    }
    return found
  }
}
