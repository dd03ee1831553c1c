// A small service with the official Node SDK, as the test starts it: makes one trace, one log record, two metrics, ends.
// Protocol and endpoint come from OTEL_EXPORTER_OTLP_*, the service's name from OTEL_SERVICE_NAME, as users set them.
// Prints the trace id. (CommonJS, as the packages are found through NODE_PATH.)
'use strict';
const {NodeSDK} = require('@opentelemetry/sdk-node');
const {trace, metrics, SpanKind, SpanStatusCode} = require('@opentelemetry/api');
const {logs, SeverityNumber} = require('@opentelemetry/api-logs');

async function main() {
  const sdk = new NodeSDK();
  sdk.start();
  const tracer = trace.getTracer('shop');
  const traceId = tracer.startActiveSpan('customer', {kind: SpanKind.CLIENT}, (root) => {
    tracer.startActiveSpan('look up', {attributes: {item: 'tea', attempts: 2, ratio: 0.5, tags: ['a', 'b']}}, (span) => {
      span.addEvent('found', {shelf: 7});
      span.setStatus({code: SpanStatusCode.ERROR, message: 'sold out ✗'});
      logs.getLogger('shop').emit(
          {severityNumber: SeverityNumber.WARN, severityText: 'WARN', body: 'ordered tea', attributes: {item: 'tea'}});
      span.end();
    });
    root.end();
    return root.spanContext().traceId;
  });
  const meter = metrics.getMeter('shop');
  meter.createCounter('shop.orders', {unit: '{order}'}).add(3, {item: 'tea'});
  meter.createHistogram('shop.seconds', {unit: 's'}).record(0.25);
  await sdk.shutdown();  // flushes; throws if something was not accepted
  console.log(traceId);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
