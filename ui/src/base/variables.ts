// Variables of a dashboard: what is chosen for each, and how that is put into queries, statements and texts. docs/dashboards.md
// has the rules.
import { quoted } from './traceql'

export interface ChosenVariable {
  values: readonly string[] // chosen; with `all` those that are known
  all: boolean
}
export type Variables = ReadonlyMap<string, ChosenVariable>

export type VariableLanguage = 'traceql' | 'sql' | 'text'

export class VariableError extends Error {}

const QUOTES: Record<VariableLanguage, string> = { traceql: '"`', sql: `'"\``, text: '' }

function regexOf(values: readonly string[]): string {
  return values.map((value) => value.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')).join('|')
}

const sqlText = (value: string) => `'${value.replace(/[\\']/g, '\\$&')}'`

// What stands for the variable, and for the operator before it: one of several values, or any, needs a regular expression.
function traceqlOf(before: string, { values, all }: ChosenVariable): [before: string, text: string] {
  const [, lead = before, operator = ''] = /^([\s\S]*?)(=~|!~|!=|>=|<=|=|<|>)?\s*$/.exec(before) ?? []
  const matches = operator === '=~' || operator === '!~'
  if (!matches && !all && values.length === 1) return [before, quoted(values[0]!)]
  if (!matches && operator !== '=' && operator !== '!=') throw new VariableError('several values can only stand behind =, !=, =~ or !~')
  const text = quoted(all ? '.*' : values.length === 0 ? '$^' : regexOf(values)) // "$^" is no text's
  return [matches ? before : `${lead}${operator === '=' ? '=~' : '!~'} `, text]
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
      const [before, value] = traceqlOf(result, chosen)
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
