import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { curlLine, shellWord } from './shell'

it('writes words that a shell reads back as they were', () => {
  for (const text of ['plain', 'two words', `it's`, '$HOME `id` "x" \\', '{ name = "a" && .b =~ \'c\' }', '', 'line\nline']) {
    expect(execFileSync('/bin/sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text)
  }
})

it('writes a request with its parameters', () => {
  expect(curlLine('http://127.0.0.1:8080/api/v1/traces', { last: '1h', status: undefined, attribute: ['a=1', 'b=x y'] })).toBe(
    `curl -sG http://127.0.0.1:8080/api/v1/traces --data-urlencode last=1h --data-urlencode attribute=a=1 --data-urlencode 'attribute=b=x y'`,
  )
})
