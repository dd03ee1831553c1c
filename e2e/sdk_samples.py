"""What `sdk_send_samples` sends, as the official classes have it: the counterpart of sdk/tests/samples.cc."""

import math
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

START = 1_764_000_000_000_000_001
MIN, MAX = -(2**63), 2**63 - 1

TRACE = bytes(range(1, 17))
OTHER_TRACE = bytes([0xFF, 0xFE, 0xFD] + [0] * 12 + [0x42])
PARENT = bytes(range(0xA0, 0xA8))
CHILD = bytes(range(0xB0, 0xB8))
BARE = bytes([1] + [0] * 7)

REMOTE_IS_KNOWN, IS_REMOTE = 0x100, 0x200


def any_value(value: Any) -> AnyValue:
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=map(any_value, value)))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=attributes(value)))
    raise TypeError(value)


def attributes(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


NO_TEXT = b"not \xff\xfe UTF-8"  # a text that is none is sent as bytes
INTS = [0, -1, MIN, MAX]
STRINGS = ["", "plain", '"quoted"\n\t\\ \x01', "grüß 👋"]
MAP = {"a": 1, "b": {"deep": INTS, "empty": None}, "c": NO_TEXT}
ALL_VALUES = {
    "bool": True, "false": False, "int": -42, "zero": 0, "smallest": MIN, "double": 0.1, "whole": 3.0, "infinite": math.inf,
    "string": 'grüß 👋 "quoted"\n', "empty string": "", "no text": NO_TEXT, "bytes": b"\0\x7f\x80\xff",
    "bools": [True, False, True], "ints": INTS, "doubles": [0.0, 0.1, -1e300, math.inf, -math.inf], "strings": STRINGS,
    "no strings": [], "array": [None, True, "text", MAP, STRINGS, []], "map": MAP, "no map": {}, "nothing": None,
}  # fmt: skip
FEW_VALUES = {"key": "value", "n": 1}

# Attributes of resources, scopes and points are sorted by key.
RESOURCE = Resource(attributes=attributes({"host.arch": "amd64", "process.pid": 4711, "service.name": "samples"}))
RESOURCE_SCHEMA = "https://opentelemetry.io/schemas/1.30.0"
LIBRARY = {
    "scope": InstrumentationScope(name="library", version="1.2", attributes=attributes({"of": "the scope"})),
    "schema_url": "https://opentelemetry.io/schemas/1.20.0",
}
APPLICATION = {"scope": InstrumentationScope(name="application")}

FULL_SPAN = Span(
    trace_id=TRACE, span_id=CHILD, parent_span_id=PARENT, flags=3 | REMOTE_IS_KNOWN | IS_REMOTE, name="GET /search ✓",
    kind=Span.SPAN_KIND_SERVER, start_time_unix_nano=START, end_time_unix_nano=START + 1_500_000,
    attributes=attributes(ALL_VALUES), dropped_attributes_count=1, dropped_events_count=200, dropped_links_count=70_000,
    events=[
        Span.Event(time_unix_nano=START + 1, name="exception", attributes=attributes(FEW_VALUES), dropped_attributes_count=7),
        Span.Event(time_unix_nano=START + 2),
    ],
    links=[
        Span.Link(trace_id=OTHER_TRACE, span_id=CHILD, flags=1 | REMOTE_IS_KNOWN | IS_REMOTE,
                  attributes=attributes(FEW_VALUES), dropped_attributes_count=3),
        Span.Link(trace_id=TRACE, span_id=CHILD, flags=REMOTE_IS_KNOWN),
    ],
    status=Status(code=Status.STATUS_CODE_ERROR, message="broken \ufffd pipe"),
)  # fmt: skip
ROOT_TIMES = {"start_time_unix_nano": START - 1000, "end_time_unix_nano": START + 2_000_000}
ROOT_SPAN = Span(
    trace_id=TRACE, span_id=PARENT, flags=1 | REMOTE_IS_KNOWN, name="root", kind=Span.SPAN_KIND_CLIENT,
    status=Status(code=Status.STATUS_CODE_OK), **ROOT_TIMES,
)  # fmt: skip
BARE_SPAN = Span(
    trace_id=TRACE, span_id=BARE, parent_span_id=PARENT, flags=1 | REMOTE_IS_KNOWN, name="root",
    kind=Span.SPAN_KIND_INTERNAL, **ROOT_TIMES,
)  # fmt: skip

LIBRARY_LOG = LogRecord(
    time_unix_nano=START, observed_time_unix_nano=START + 5, severity_number=17, severity_text="error",
    event_name="search.failed", body=any_value(ALL_VALUES), attributes=attributes(FEW_VALUES), dropped_attributes_count=2,
    trace_id=TRACE, span_id=CHILD, flags=1,
)  # fmt: skip
APPLICATION_LOGS = [
    LogRecord(time_unix_nano=START + 1, observed_time_unix_nano=START + 1, severity_number=9,
              body=any_value("something happened"), attributes=attributes(ALL_VALUES)),
    LogRecord(observed_time_unix_nano=START + 1),
]  # fmt: skip

EXEMPLARS = [
    Exemplar(time_unix_nano=START + 3, as_double=0.25, trace_id=TRACE, span_id=CHILD),
    Exemplar(time_unix_nano=START + 4, as_int=-7, filtered_attributes=attributes({"user": "u1"})),
]
END = {"time_unix_nano": START + 60}
TIMES = END | {"start_time_unix_nano": START}
FULL_POINT = TIMES | {"attributes": attributes({"code": 200, "route": "/search"}), "exemplars": EXEMPLARS}
AB = {"attributes": attributes({"a": "b"})}

NUMBERS = [
    Metric(name="a.gauge", description="of ✓ integers", unit="{item}",
           gauge=Gauge(data_points=[NumberDataPoint(as_int=0, **END), NumberDataPoint(as_int=MIN, **END, **AB)])),
    Metric(name="b.gauge",
           gauge=Gauge(data_points=[NumberDataPoint(as_double=0, **END), NumberDataPoint(as_double=-1.5, **END, **AB)])),
    Metric(name="a.counter", description="what is counted", unit="1",
           sum=Sum(data_points=[NumberDataPoint(as_int=3, **FULL_POINT)], aggregation_temporality=1, is_monotonic=True)),
    Metric(name="an.up_down_counter", unit="By",
           sum=Sum(data_points=[NumberDataPoint(as_double=-2.5, **TIMES)], aggregation_temporality=2)),
    Metric(name="an.empty.gauge", gauge=Gauge()),
]  # fmt: skip

HISTOGRAM_POINTS = [
    HistogramDataPoint(count=6, sum=12.5, min=0, max=10, explicit_bounds=[0.5, 1, 5], bucket_counts=[1, 2, 3, 0], **FULL_POINT),
    HistogramDataPoint(sum=0, **TIMES),
]
Buckets = ExponentialHistogramDataPoint.Buckets
EXPONENTIAL_POINTS = [
    ExponentialHistogramDataPoint(
        count=300, sum=-4.5, min=-8, max=1024, scale=-3, zero_count=5, zero_threshold=1e-9,
        positive=Buckets(offset=-100_000, bucket_counts=[1, 0, 290]), negative=Buckets(offset=7, bucket_counts=[4]),
        **FULL_POINT,
    ),
    ExponentialHistogramDataPoint(scale=20, positive=Buckets(), negative=Buckets(), **TIMES),
]  # fmt: skip
HISTOGRAMS = [
    Metric(name="a.histogram", unit="s", histogram=Histogram(data_points=HISTOGRAM_POINTS, aggregation_temporality=2)),
    Metric(name="an.exponential_histogram", unit="s",
           exponential_histogram=ExponentialHistogram(data_points=EXPONENTIAL_POINTS, aggregation_temporality=1)),
]  # fmt: skip

OUTER = {"resource": RESOURCE, "schema_url": RESOURCE_SCHEMA}
EXPECTED = {
    "traces": ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[
        ScopeSpans(spans=[FULL_SPAN, BARE_SPAN], **LIBRARY), ScopeSpans(spans=[ROOT_SPAN], **APPLICATION)], **OUTER)]),
    "logs": ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[
        ScopeLogs(log_records=[LIBRARY_LOG], **LIBRARY), ScopeLogs(log_records=APPLICATION_LOGS, **APPLICATION)], **OUTER)]),
    "metrics": ExportMetricsServiceRequest(resource_metrics=[ResourceMetrics(scope_metrics=[
        ScopeMetrics(metrics=NUMBERS, **LIBRARY), ScopeMetrics(metrics=HISTOGRAMS, **APPLICATION)], **OUTER)]),
}  # fmt: skip
