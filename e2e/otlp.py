"""Builds OTLP requests with the official protobuf classes."""

import secrets
import time
from typing import Any, Iterable

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint, ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import Span

REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}


def any_value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=attributes(value)))
    return AnyValue(string_value=str(value))


def attributes(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def span(name: str = "work", trace_id: bytes | None = None, parent: bytes = b"", milliseconds: int = 5, **fields) -> Span:
    """A span that ends now; further fields of the message may be given, attributes as a dict."""
    now = time.time_ns()
    fields["attributes"] = attributes(fields.get("attributes", {}))
    message = Span(
        name=name, trace_id=trace_id or secrets.token_bytes(16), span_id=secrets.token_bytes(8), parent_span_id=parent,
        kind=Span.SPAN_KIND_INTERNAL, start_time_unix_nano=now - milliseconds * 1_000_000, end_time_unix_nano=now,
    )  # fmt: skip
    message.MergeFrom(Span(**fields))
    return message


def traces(service: str | None, spans: Iterable[Span]) -> bytes:
    return traces_of({} if service is None else {"service.name": service}, spans)


def traces_of(resource: dict[str, Any], spans: Iterable[Span]) -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.extend(attributes(resource))
    resource_spans.scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


def log(body: Any = "something happened", **fields) -> LogRecord:
    fields["attributes"] = attributes(fields.get("attributes", {}))
    fields.setdefault("time_unix_nano", time.time_ns())
    return LogRecord(body=any_value(body), **{"severity_number": 9, "severity_text": "INFO"} | fields)


def logs(service: str | None, records: Iterable[LogRecord]) -> bytes:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.extend(attributes({} if service is None else {"service.name": service}))
    resource_logs.scope_logs.add().log_records.extend(records)
    return request.SerializeToString()


def point(value: int, time_unix_nano: int = 0, **values: Any) -> NumberDataPoint:
    return NumberDataPoint(
        as_int=value, time_unix_nano=time_unix_nano or time.time_ns(), attributes=attributes(values)
    )


def metrics(service: str, points: Iterable[NumberDataPoint], name: str = "test.gauge") -> bytes:
    return metrics_with(service, [Metric(name=name, gauge=Gauge(data_points=points))])


def metrics_with(service: str | None, metrics: Iterable[Metric]) -> bytes:
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    resource_metrics.resource.attributes.extend(attributes({} if service is None else {"service.name": service}))
    resource_metrics.scope_metrics.add().metrics.extend(metrics)
    return request.SerializeToString()


def metrics_of_all_kinds(service: str, numbers: Iterable[int]) -> bytes:
    """A point for each number, which is its value or its sum: gauges, sums, histograms of both kinds and summaries in turn."""
    resource_metrics = ResourceMetrics()
    resource_metrics.resource.attributes.extend(attributes({"service.name": service}))
    gauge, total, histogram, exponential, summary = (
        resource_metrics.scope_metrics.add().metrics.add(name=f"test.{kind}") for kind in ("gauge", "sum", "histogram", "exponential", "summary")
    )
    total.sum.aggregation_temporality = histogram.histogram.aggregation_temporality = 2
    total.sum.is_monotonic = True
    exponential.exponential_histogram.aggregation_temporality = 2
    for number in numbers:
        times = {"time_unix_nano": time.time_ns() + number, "start_time_unix_nano": 1}
        match number % 5:
            case 0:
                gauge.gauge.data_points.add(as_int=number, **times)
            case 1:
                total.sum.data_points.add(as_double=number, **times)
            case 2:
                histogram.histogram.data_points.add(count=3, sum=number, explicit_bounds=[1, 10], bucket_counts=[1, 1, 1], **times)
            case 3:
                point = exponential.exponential_histogram.data_points.add(count=3, sum=number, scale=2, zero_count=1, **times)
                point.positive.offset, point.positive.bucket_counts[:] = 5, [1, 1]
            case _:
                point = summary.summary.data_points.add(count=3, sum=number, **times)
                point.quantile_values.add(quantile=0.5, value=number / 3)
    return ExportMetricsServiceRequest(resource_metrics=[resource_metrics]).SerializeToString()
