// The lines that make an SDK send here. Each is what the SDK's own documentation says, with this program's addresses; a
// protocol is chosen by variable where the SDK reads it, by package where it does not (Go, C++).

export type Protocol = 'http' | 'grpc'
export const LANGUAGES = ['python', 'node', 'java', 'go', 'cpp', 'other'] as const
export type Language = (typeof LANGUAGES)[number]

export const LANGUAGE_NAMES: Record<Language, string> = {
  python: 'Python', node: 'Node.js', java: 'Java', go: 'Go', cpp: 'C++', other: 'Any other',
} // prettier-ignore

export interface Addresses {
  http: string // http://HOST:PORT
  grpc: string
  loopback: boolean // only programs on its own machine reach it
}

// The listening address as another program would call it. One that listens everywhere is called as this page was.
export function addressesOf(status: { otlp_http: string; otlp_grpc: string }, pageHost: string): Addresses {
  const [http, grpc] = [status.otlp_http, status.otlp_grpc].map((listens) => {
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(listens) ?? [null, listens, '']
    const everywhere = ['0.0.0.0', '[::]', '::', '*', ''].includes(host)
    const plain = everywhere ? pageHost : host
    const name = plain.includes(':') && !plain.startsWith('[') ? `[${plain}]` : plain
    return { url: `http://${name}${port && `:${port}`}`, loopback: /^(127\.|localhost$|\[?::1\]?$)/.test(everywhere ? '' : host) }
  })
  return { http: http?.url ?? '', grpc: grpc?.url ?? '', loopback: (http?.loopback ?? false) || (grpc?.loopback ?? false) }
}

export interface Step {
  title: string
  code: string
  language: string
  note?: string
}

// A name as the shell takes it.
export function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function variables(service: string, protocol: Protocol, at: Addresses, extra: string[] = []): string {
  const name = protocol === 'http' ? 'http/protobuf' : 'grpc'
  return [
    `export OTEL_SERVICE_NAME=${shellWord(service)}`,
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${at[protocol]}`,
    `export OTEL_EXPORTER_OTLP_PROTOCOL=${name}`,
    ...extra,
  ].join('\n')
}

const ALL_SIGNALS = 'export OTEL_TRACES_EXPORTER=otlp OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp'

export function stepsFor(language: Language, protocol: Protocol, service: string, at: Addresses): Step[] {
  const env = (extra: string[] = [], note?: string): Step => ({
    title: 'Say where to send', code: variables(service, protocol, at, extra), language: 'Shell', note,
  }) // prettier-ignore
  switch (language) {
    case 'python':
      return [
        { title: 'Install, once', code: 'pip install opentelemetry-distro opentelemetry-exporter-otlp\nopentelemetry-bootstrap -a install', language: 'Shell' },
        env(),
        { title: 'Start your program', code: 'opentelemetry-instrument python app.py', language: 'Shell' },
      ]
    case 'node':
      return [
        { title: 'Install, once', code: 'npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node', language: 'Shell' },
        env([ALL_SIGNALS]),
        { title: 'Start your program', code: 'node --require @opentelemetry/auto-instrumentations-node/register app.js', language: 'Shell', note: 'Logs come from winston, pino and bunyan; console.log is not collected.' },
      ] // prettier-ignore
    case 'java':
      return [
        { title: 'Get the agent, once', code: 'curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar', language: 'Shell' },
        env(),
        { title: 'Start your program', code: 'java -javaagent:opentelemetry-javaagent.jar -jar app.jar', language: 'Shell' },
      ] // prettier-ignore
    case 'go':
      return goSteps(protocol, env)
    case 'cpp':
      return cppSteps(protocol, env)
    case 'other':
      return [env([], 'Every OpenTelemetry SDK reads these variables.')]
  }
}

function goSteps(protocol: Protocol, env: () => Step): Step[] {
  const exporter = protocol === 'http' ? 'otlptracehttp' : 'otlptracegrpc'
  const path = `go.opentelemetry.io/otel/exporters/otlp/otlptrace/${exporter}`
  return [
    { title: 'Install, once', code: `go get go.opentelemetry.io/otel go.opentelemetry.io/otel/sdk \\\n  ${path}`, language: 'Shell' },
    {
      title: 'Set up, at the start of main',
      language: 'Go',
      code: `import (
\t"go.opentelemetry.io/otel"
\t"${path}"
\tsdktrace "go.opentelemetry.io/otel/sdk/trace"
)

exporter, err := ${exporter}.New(ctx)
if err != nil {
\tlog.Fatal(err)
}
provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
defer provider.Shutdown(ctx)
otel.SetTracerProvider(provider)`,
      note: 'In Go the package is the protocol; the rest is read from the variables. Metrics and logs have packages of their own (otlpmetrichttp, otlploghttp).',
    },
    env(),
  ]
}

function cppSteps(protocol: Protocol, env: () => Step): Step[] {
  const [kind, file] = protocol === 'http' ? ['OtlpHttpExporterFactory', 'otlp_http_exporter'] : ['OtlpGrpcExporterFactory', 'otlp_grpc_exporter']
  return [
    {
      title: 'Link',
      language: 'CMake',
      code: `find_package(opentelemetry-cpp CONFIG REQUIRED)
target_link_libraries(app PRIVATE
    opentelemetry-cpp::${file} opentelemetry-cpp::trace)`,
    },
    {
      title: 'Set up, at the start of main',
      language: 'C++',
      code: `#include "opentelemetry/exporters/otlp/${file}_factory.h"
#include "opentelemetry/sdk/trace/batch_span_processor_factory.h"
#include "opentelemetry/sdk/trace/batch_span_processor_options.h"
#include "opentelemetry/sdk/trace/provider.h"
#include "opentelemetry/sdk/trace/tracer_provider_factory.h"

namespace otlp = opentelemetry::exporter::otlp;
namespace sdk = opentelemetry::sdk::trace;

auto exporter = otlp::${kind}::Create();
auto processor = sdk::BatchSpanProcessorFactory::Create(
    std::move(exporter), sdk::BatchSpanProcessorOptions{});
std::shared_ptr<opentelemetry::trace::TracerProvider> provider =
    sdk::TracerProviderFactory::Create(std::move(processor));
sdk::Provider::SetTracerProvider(provider);`,
      note: 'In C++ the class is the protocol; the rest is read from the variables.',
    },
    env(),
  ]
}

// One span as OTLP/JSON, sent by curl; the shell puts in the time, so that the line is right whenever it is run.
export function curlLine(at: Addresses, traceId: string, spanId: string): string {
  const body = {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'hello' } }] },
        scopeSpans: [
          {
            scope: { name: 'curl' },
            spans: [{ traceId, spanId, name: 'first span', kind: 2, startTimeUnixNano: 'NOW000000000', endTimeUnixNano: 'NOW250000000' }],
          },
        ],
      },
    ],
  }
  const json = JSON.stringify(body).replaceAll('NOW', `'$(date +%s)'`)
  return `curl ${at.http}/v1/traces -H 'Content-Type: application/json' -d '${json}'`
}

export function randomHex(digits: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(digits / 2))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
