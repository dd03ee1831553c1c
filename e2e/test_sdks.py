"""Live official SDKs, set up through the environment variables that users set, over each protocol that they speak."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sightline import Server, wait_until

HERE = Path(__file__).resolve().parent


def run_client(command: list[str], server: Server, protocol: str, service: str) -> str:
    """Runs a program with an SDK in it to its end; the trace id that it printed."""
    env = os.environ | {
        "OTEL_SERVICE_NAME": service,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{server.otlp_grpc}" if protocol == "grpc" else server.otlp_http,
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
    }
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    assert "Failed to export" not in done.stderr
    return done.stdout.split()[-1]


def assert_orders_counted(server: Server, service: str) -> None:
    query = f"""SELECT Value, Attributes['item'], MetricUnit, IsMonotonic, AggregationTemporality
                FROM otel_metrics_sum WHERE ServiceName = '{service}' AND MetricName = 'shop.orders'"""
    rows = wait_until(lambda: server.sql(query), what=query)
    assert [[float(rows[0][0]), *rows[0][1:3]]] == [[3.0, "tea", "{order}"]]
    assert rows[0][3] and rows[0][4] == 2


def assert_logged(server: Server, service: str, trace_id: str, span_name: str) -> None:
    query = f"""SELECT Body, SeverityNumber, TraceId, SpanId FROM otel_logs
                WHERE ServiceName = '{service}' AND Body = 'ordered tea'"""
    (body, severity, log_trace_id, span_id), *further = wait_until(lambda: server.sql(query), what=query)
    assert (body, severity, log_trace_id, further) == ("ordered tea", 13, trace_id, [])
    assert server.sql(f"SELECT SpanName FROM otel_traces WHERE TraceId = '{trace_id}' AND SpanId = '{span_id}'") == [[span_name]]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_python_with_fastapi_instrumentation(shared_server: Server, protocol: str) -> None:
    service = f"python-{protocol.replace('/', '-')}"
    trace_id = run_client([sys.executable, str(HERE / "sdk_app.py")], shared_server, protocol, service)
    shared_server.wait_for_rows(7, "otel_traces", f"TraceId = '{trace_id}'")
    spans = shared_server.sql(
        f"SELECT SpanId, ParentSpanId, SpanName, SpanKind, ServiceName FROM otel_traces WHERE TraceId = '{trace_id}'"
    )
    names = {span_id: name for span_id, _, name, _, _ in spans}
    parents = {name: names.get(parent, "") for _, parent, name, _, _ in spans}
    kinds = {name: kind for _, _, name, kind, _ in spans}
    assert {service} == {row[4] for row in spans}
    assert parents["customer"] == ""
    assert parents["GET /order/{item}"] == "customer" or parents["GET /order/{item}"] == "GET"
    assert parents["GET /price/{item}"] == "GET"
    assert parents["look up"] == "GET /price/{item}"
    assert kinds["GET /order/{item}"] == "Server" and kinds["GET"] == "Client"
    look_up = shared_server.sql(
        f"""SELECT SpanAttributes, Events.Name, Events.Attributes FROM otel_traces
            WHERE TraceId = '{trace_id}' AND SpanName = 'look up'"""
    )
    assert look_up == [[{"item": "tea", "attempts": "2"}, ["found"], [{"shelf": "7"}]]]
    assert_logged(shared_server, service, trace_id, "GET /order/{item}")
    assert_orders_counted(shared_server, service)
    # Cumulative, and sent at the flush and at the end.
    durations = f"""SELECT sum(requests) FROM (
                      SELECT max(Count) AS requests FROM otel_metrics_histogram
                      WHERE ServiceName = '{service}' AND MetricName LIKE 'http.server%duration' GROUP BY Attributes)"""
    assert shared_server.number(durations) == 2


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
def test_node(shared_server: Server, protocol: str) -> None:
    service = f"node-{protocol.replace('/', '-')}"
    trace_id = run_client(["node", str(HERE / "node/app.js")], shared_server, protocol, service)
    shared_server.wait_for_rows(2, "otel_traces", f"TraceId = '{trace_id}'")
    spans = shared_server.sql(
        f"""SELECT SpanName, SpanKind, StatusCode, StatusMessage, SpanAttributes, ServiceName, Events.Name, ScopeName
            FROM otel_traces WHERE TraceId = '{trace_id}' ORDER BY ParentSpanId = '' DESC"""
    )
    assert spans == [
        ["customer", "Client", "Unset", "", {}, service, [], "shop"],
        ["look up", "Internal", "Error", "sold out ✗",
         {"item": "tea", "attempts": "2", "ratio": "0.5", "tags": '["a","b"]'}, service, ["found"], "shop"],
    ]  # fmt: skip
    assert_logged(shared_server, service, trace_id, "look up")
    assert_orders_counted(shared_server, service)
    histogram = f"SELECT Count, Sum FROM otel_metrics_histogram WHERE ServiceName = '{service}' AND MetricName = 'shop.seconds'"
    assert [[int(count), total] for count, total in shared_server.sql(histogram)] == [[1, 0.25]]
