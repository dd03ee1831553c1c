"""A FastAPI service with the official Python SDK, as the test starts it: serves itself, asks itself, ends.

The protocol and endpoint come from OTEL_EXPORTER_OTLP_*, the service's name from OTEL_SERVICE_NAME, as users set them.
Prints the trace id of the request that it made.
"""

import logging
import os
import threading
import time

import httpx
import uvicorn
from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

tracer_provider = TracerProvider()
tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(tracer_provider)
meter_provider = MeterProvider(metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())])
metrics.set_meter_provider(meter_provider)
logger_provider = LoggerProvider()
logger_provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
set_logger_provider(logger_provider)
log = logging.getLogger("shop")
log.setLevel(logging.INFO)
log.addHandler(LoggingHandler(logger_provider=logger_provider))

app = FastAPI()
orders = metrics.get_meter("shop").create_counter("shop.orders", unit="{order}")
port = 0


@app.get("/order/{item}")
async def order(item: str) -> dict[str, float]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/price/{item}")
    orders.add(3, {"item": item})
    log.warning("ordered %s", item)
    return answer.json()


@app.get("/price/{item}")
async def price(item: str) -> dict[str, float]:
    with trace.get_tracer("shop").start_as_current_span("look up", attributes={"item": item, "attempts": 2}) as span:
        span.add_event("found", {"shelf": 7})
    return {"price": 2.5}


def main() -> None:
    global port
    FastAPIInstrumentor.instrument_app(app)
    HTTPXClientInstrumentor().instrument()
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with trace.get_tracer("shop").start_as_current_span("customer", kind=trace.SpanKind.CLIENT) as span:
        httpx.get(f"http://127.0.0.1:{port}/order/tea").raise_for_status()
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
    server.should_exit = True
    thread.join()
    for provider in (tracer_provider, meter_provider, logger_provider):
        assert provider.force_flush(20_000) is not False
        provider.shutdown()
    print(trace_id)


main()
