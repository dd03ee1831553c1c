import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { isTraceId } from '../../base/ids'
import { addressesOf, curlLine, LANGUAGES, randomHex, shellWord, stepsFor } from './sdk_lines'

const AT = addressesOf({ otlp_http: '127.0.0.1:4318', otlp_grpc: '127.0.0.1:4317' }, 'example.test')

describe('addressesOf', () => {
  it('takes the address that is listened at', () => {
    expect(AT).toEqual({ http: 'http://127.0.0.1:4318', grpc: 'http://127.0.0.1:4317', loopback: true })
  })

  it('calls a program that listens everywhere as this page was called', () => {
    const at = addressesOf({ otlp_http: '0.0.0.0:4318', otlp_grpc: '[::]:4317' }, 'obs.test')
    expect(at).toEqual({ http: 'http://obs.test:4318', grpc: 'http://obs.test:4317', loopback: false })
    expect(addressesOf({ otlp_http: '[::]:1', otlp_grpc: '[fd00::5]:2' }, '[::1]')).toMatchObject({ http: 'http://[::1]:1', grpc: 'http://[fd00::5]:2' })
  })
})

describe('stepsFor', () => {
  it('says for each language where to send, by the protocol that is chosen', () => {
    for (const language of LANGUAGES) {
      const [http, grpc] = (['http', 'grpc'] as const).map((protocol) => stepsFor(language, protocol, 'shop', AT).map((step) => step.code).join('\n'))
      expect(http).toContain('OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318\n')
      expect(http).toContain('OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf')
      expect(grpc).toContain('OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317\n')
      expect(grpc).toContain('OTEL_SERVICE_NAME=shop')
    }
  })

  it('takes the package or class of the protocol where that decides', () => {
    expect(stepsFor('go', 'grpc', 'shop', AT)[1]?.code).toContain('otlptracegrpc.New(ctx)')
    expect(stepsFor('cpp', 'http', 'shop', AT)[1]?.code).toContain('OtlpHttpExporterFactory::Create()')
  })
})

describe('shellWord', () => {
  it('gives the shell what was typed', () => {
    for (const name of ['shop', "Bob's shop", 'a b', '$HOME', '`x`', 'ünï']) {
      expect(execFileSync('sh', ['-c', `printf %s ${shellWord(name)}`]).toString()).toBe(name)
    }
  })
})

describe('curlLine', () => {
  it('is a line that the shell turns into OTLP/JSON with the present time', () => {
    const [trace, span] = [randomHex(32), randomHex(16)]
    expect(isTraceId(trace)).toBe(true)
    const said = execFileSync('sh', ['-c', curlLine(AT, trace, span).replace(/^curl/, `printf '%s\\n'`)]).toString().trim().split('\n')
    expect(said[0]).toBe('http://127.0.0.1:4318/v1/traces')
    expect(said[2]).toBe('Content-Type: application/json')
    const sent = JSON.parse(said[4] ?? '').resourceSpans[0].scopeSpans[0].spans[0]
    expect(sent).toMatchObject({ traceId: trace, spanId: span, kind: 2 })
    expect(Number(BigInt(sent.endTimeUnixNano) - BigInt(sent.startTimeUnixNano))).toBeGreaterThanOrEqual(250e6)
    expect(Math.abs(Number(BigInt(sent.startTimeUnixNano) / 1_000_000n) - Date.now())).toBeLessThan(10_000)
  })
})
