// The lines that make an OpenTelemetry SDK send to this program.

// `address` is where the program listens, HOST:PORT; where that is every interface, the page's own host names it.
export function otlpEndpoint(address: string, pageHost: string): string {
  const port = /:(\d+)$/.exec(address)?.[1] ?? '4318'
  const host = address.slice(0, -(port.length + 1))
  const any = host === '' || host === '0.0.0.0' || host === '[::]' || host === '::'
  return `http://${any ? pageHost : host}:${port}`
}

export function otlpEnv(address: string, pageHost: string): string {
  return `export OTEL_EXPORTER_OTLP_ENDPOINT=${otlpEndpoint(address, pageHost)}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`
}
