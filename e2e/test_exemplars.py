"""Exemplars of metrics lead to traces: sent ones, and spans behind what is counted of spans, on both kinds of store."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar

import otlp
from sightline import Server, clickhouse_on, wait_until


def exemplars_of(server: Server, name: str, **query: Any) -> list[dict[str, Any]]:
    answer = requests.get(f"{server.http}/api/v1/metrics/{quote(name, safe='')}/exemplars", params={"last": "10m"} | query, timeout=30)
    if answer.status_code == 404:  # no series of it yet
        return []
    assert answer.status_code == 200, answer.text
    return answer.json()["exemplars"]


def histogram(service: str, exemplars: list[Exemplar]) -> bytes:
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.extend(otlp.attributes({"service.name": service}))
    metric = resource.scope_metrics.add().metrics.add(name="checkout.duration", unit="s")
    metric.histogram.aggregation_temporality = 2
    metric.histogram.data_points.add(
        time_unix_nano=time.time_ns(), start_time_unix_nano=time.time_ns() - 10**9, count=3, sum=3, explicit_bounds=[1], bucket_counts=[2, 1],
        attributes=otlp.attributes({"route": "/buy"}), exemplars=exemplars,
    )  # fmt: skip
    return request.SerializeToString()


@pytest.mark.parametrize("store", ["embedded", "remote"])
def test_exemplars_lead_to_traces(store: str, make_server: Callable[..., Server], tmp_path: Path) -> None:
    with clickhouse_on(tmp_path / "elsewhere") if store == "remote" else contextlib.nullcontext() as url:
        server = make_server(arguments=("--clickhouse", f"{url}/telemetry") if url else ()).start()
        kept = otlp.span("buy", kind=2, milliseconds=900, status={"code": 2})
        quick = otlp.span("buy", kind=2, milliseconds=3)
        assert server.export_grpc("traces", otlp.traces("shop", [kept, quick])) == b""
        at = kept.end_time_unix_nano
        sent = [
            Exemplar(time_unix_nano=at - 1000, as_double=0.9, trace_id=kept.trace_id, span_id=kept.span_id, filtered_attributes=otlp.attributes({"user": "u1"})),
            Exemplar(time_unix_nano=at, as_double=0.8, trace_id=b"\x01" * 16, span_id=b"\x02" * 8),  # newer, and not here
            Exemplar(time_unix_nano=at, as_double=50, trace_id=b"\x03" * 16, span_id=b"\x02" * 8),
        ]
        assert server.export_grpc("metrics", histogram("shop", sent)) == b""
        server.wait_for_rows(2, "otel_traces", "ServiceName = 'shop'")
        found = wait_until(lambda: exemplars_of(server, "checkout.duration", step="10m"), what="exemplars")
        assert [(one["value"], one["trace_id"], one["is_stored"]) for one in found] == [
            (0.9, kept.trace_id.hex(), True),
            (50, (b"\x03" * 16).hex(), False),
        ]
        assert found[0] | {"time_unix_nano": ""} == {
            "time_unix_nano": "", "value": 0.9, "trace_id": kept.trace_id.hex(), "span_id": kept.span_id.hex(), "is_stored": True,
            "service": "shop", "labels": {"route": "/buy"}, "attributes": {"user": "u1"},
        }  # fmt: skip
        trace = requests.get(f"{server.http}/api/v1/traces/{found[0]['trace_id']}", timeout=30)
        assert found[0]["span_id"] in {span["span_id"] for span in trace.json()["spans"]}

        of_spans = wait_until(
            lambda: len(spans := exemplars_of(server, "traces.span.metrics.duration", service="shop", step="10m")) == 2 and spans, what="spans behind the count of spans"
        )
        assert {one["span_id"]: one["value"] for one in of_spans} == {kept.span_id.hex(): pytest.approx(900), quick.span_id.hex(): pytest.approx(3)}
        failed = exemplars_of(server, "traces.span.metrics.calls", attribute="status.code=STATUS_CODE_ERROR", step="10m")
        assert [(one["trace_id"], one["value"], one["is_stored"]) for one in failed] == [(kept.trace_id.hex(), 1, True)]
        assert server.stop() == 0
