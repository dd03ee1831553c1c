import { expect, it } from 'vitest'

import { otlpEndpoint, otlpEnv } from './otlp_env'

it.each([
  ['127.0.0.1:4318', 'http://127.0.0.1:4318'],
  ['0.0.0.0:41507', 'http://obs.example:41507'],
  ['[::]:4318', 'http://obs.example:4318'],
  ['[::1]:4318', 'http://[::1]:4318'],
  [':4318', 'http://obs.example:4318'],
])('names the endpoint of %s as %s', (address, endpoint) => {
  expect(otlpEndpoint(address, 'obs.example')).toBe(endpoint)
})

it('says the protocol, which is not the default of every SDK', () => {
  expect(otlpEnv('127.0.0.1:4318', 'x')).toBe(
    'export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
  )
})
