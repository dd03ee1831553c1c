// Variables of a dashboard: what is chosen for each, and how that is put into queries, statements and texts. docs/dashboards.md
// has the rules.
import { attributeOf, bodyKeys, quoted, tokenize } from './traceql'

export interface ChosenVariable {
  values: readonly string[] // chosen; with `all` those that are known
  all: boolean
}
export type Variables = ReadonlyMap<string, ChosenVariable>

export type VariableLanguage = 'traceql' | 'sql' | 'text'

export class VariableError extends Error {}

const QUOTES: Record<VariableLanguage, string> = { traceql: '"`', sql: `'"\``, text: '' }

const sqlText = (value: string) => `'${value.replace(/[\\']/g, '\\$&')}'`

// ---- TraceQL: what stands for a value depends on what it is compared with

const regexOf = (values: readonly string[]): string => values.map((value) => value.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')).join('|')
const NONE = '.^' // as a regular expression no text's

// Fields whose values are words of the language, and those whose values are numbers or durations.
const OF_WORDS = /^(?:(?:parent\.|span:|log:)?(?:kind|status|severity))$/
const OF_NUMBERS = /^(?:(?:parent\.|span:|trace:|log:)?(?:duration|childCount|criticalPath|severityNumber)|traceDuration|event:timeSinceStart|span:nested\w+)$/
const OF_TEXTS = /^(?:resource\.service\.name|\.service\.name|parent\.resource\.service\.name)$/
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const QUANTITY = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:(?:y|w|d|h|ms|m|s|us|µs|ns)(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))*)?$/
const TYPED = /^(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false)$/

const wordOf = (value: string): string => {
  if (!/^[A-Za-z]+$/.test(value)) throw new VariableError(`${value === '' ? 'an empty text' : `"${value}"`} is no word of the language`)
  return value
}
const quantityOf = (value: string): string => (QUANTITY.test(value) ? value : quoted(value))

interface Comparison {
  field: string // "": none that is compared by itself
  operator: string
  from: number // where the comparison begins in the text before the value
}

// What stands before the place of a value: a field and an operator, an operator behind something else, or neither.
function comparedBefore(before: string): Comparison {
  const tokens = tokenize(before).filter((token) => token.kind !== 'space')
  const wordAt = (place: number) => before.slice(tokens.at(place)?.from, tokens.at(place)?.to)
  const operator = tokens.length > 0 && /^(?:=~|!~|!=|>=|<=|=|<|>)$/.test(wordAt(-1)) ? wordAt(-1) : ''
  const field = tokens.at(-2)
  const alone = operator !== '' && (field?.kind === 'field' || field?.kind === 'word') && (tokens.length < 3 || ['{', '(', '&&', '||'].includes(wordAt(-3)))
  return alone ? { field: wordAt(-2), operator, from: field.from } : { field: '', operator, from: before.length }
}

// Whether the value ends its comparison: nothing is calculated with it.
const endsComparison = (behind: string): boolean => /^\s*(?:$|[)}|,]|&&|\/\/|\/\*)/.test(behind)

function joined(parts: readonly string[], isNegative: boolean): string {
  return parts.length === 1 ? parts[0]! : `(${parts.join(isNegative ? ' && ' : ' || ')})`
}

// A comparison of a field with what is chosen, in full.
function comparisonOf({ field, operator }: Comparison, { values, all }: ChosenVariable): string {
  const isNegative = operator === '!=' || operator === '!~'
  if (OF_WORDS.test(field) || OF_NUMBERS.test(field)) {
    if (all) return isNegative ? 'false' : 'true' // each span has it
    if (values.length === 0) return isNegative ? 'true' : 'false'
    const literalOf = OF_WORDS.test(field) ? wordOf : quantityOf
    return joined(values.map((value) => `${field} ${isNegative ? '!=' : '='} ${literalOf(value)}`), isNegative)
  }
  const matches = operator === '=~' || operator === '!~'
  const untyped = isAttribute(field) && !OF_TEXTS.test(field)
  // Attributes may be numbers, which no regular expression matches.
  if (all && untyped) return isNegative ? 'false' : `${field} != nil`
  const single = !matches && !all && values.length === 1
  const asText = single ? `${field} ${operator} ${quoted(values[0]!)}` : `${field} ${isNegative ? '!~' : '=~'} ${quoted(all ? '.*' : values.length === 0 ? NONE : regexOf(values))}`
  const typed = untyped ? values.filter((value) => TYPED.test(value)) : []
  if (typed.length === 0) return asText
  const asTyped = joined(typed.map((value) => `${field} ${isNegative ? '!=' : '='} ${value}`), isNegative)
  return `(${asText} || ${asTyped})`
}

// Of the item, or within a body of JSON.
const isAttribute = (field: string): boolean => attributeOf(field) !== null || bodyKeys(field) !== null

// Text before the value, as it is then, and what stands for the value.
function traceqlOf(before: string, behind: string, chosen: ChosenVariable): [before: string, text: string] {
  const { values, all } = chosen
  const compared = comparedBefore(before)
  const { field, operator } = compared
  const orders = operator !== '' && !['=', '!=', '=~', '!~'].includes(operator)
  if (field !== '' && !orders && endsComparison(behind)) return [before.slice(0, compared.from), comparisonOf(compared, chosen)]
  // Fields to group by.
  if (/\b(?:by|select)\s*\([^(){}"]*$/.test(before)) return [before, values.map((value) => fieldOf(value)).join(', ')]
  if (operator === '=~' || operator === '!~') return [before, quoted(all ? '.*' : values.length === 0 ? NONE : regexOf(values))]
  if (all || values.length !== 1) throw new VariableError('several values can only stand behind =, !=, =~ or !~ of a field')
  const value = values[0]!
  if (OF_WORDS.test(field)) return [before, wordOf(value)]
  // Of aggregates and functions, and where more or less is asked for, a number is a number.
  const isNumber = operator === '' ? /\b(?:topk|bottomk)\s*\(\s*$|,\s*$/.test(before) : orders || field === ''
  return [before, (isNumber || OF_NUMBERS.test(field) ? QUANTITY.test(value) : isAttribute(field) && NUMBER.test(value)) ? value : quoted(value)]
}

function fieldOf(value: string): string {
  if (attributeOf(value) === null && !/^(?:\w+:)?\w+$/.test(value)) throw new VariableError(`${quoted(value)} is no field to group by`)
  return value
}

// `text` with what is chosen in the place of $name and ${name}, outside of quotes; $$ is a dollar. `given` are further texts that
// are put in as they are. Throws VariableError.
export function substitute(text: string, language: VariableLanguage, variables: Variables, given: Readonly<Record<string, string>> = {}): string {
  let result = ''
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quote !== '') {
      result += c
      if (c === quote) quote = ''
      else if (c === '\\' && quote !== '`' && i + 1 < text.length) result += text[++i]
      continue
    }
    const comment = language === 'sql' && (c === '-' || c === '/') ? /^(?:--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))/.exec(text.slice(i)) : null
    if (comment !== null) {
      result += comment[0]
      i += comment[0].length - 1
      continue
    }
    if (QUOTES[language].includes(c)) quote = c
    const name = c === '$' ? /^\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/.exec(text.slice(i)) : null
    if (name === null) {
      result += c
      continue
    }
    i += name[0].length - 1
    const wanted = name[1] ?? name[2]
    if (wanted === undefined) {
      result += '$'
      continue
    }
    if (Object.hasOwn(given, wanted)) {
      result += given[wanted]
      continue
    }
    const chosen = variables.get(wanted)
    if (chosen === undefined) throw new VariableError(`there is no variable $${wanted}`)
    if (language === 'traceql') {
      const [before, value] = traceqlOf(result, text.slice(i + 1), chosen)
      result = before + value
    } else if (language === 'sql') {
      result += chosen.values.length === 0 ? `''` : chosen.values.map(sqlText).join(', ')
    } else {
      result += chosen.all ? 'all' : chosen.values.join(', ')
    }
  }
  return result
}

// The names that a text asks for.
export function variablesIn(text: string): string[] {
  return [...text.replaceAll('$$', '').matchAll(/\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/g)].map((match) => match[1] ?? match[2] ?? '')
}
