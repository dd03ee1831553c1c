"""What the doors answer: every encoding, every kind of bad input, browsers, health."""

import gzip
import json
import re
import socket
import struct
import zlib
from collections.abc import Callable
from typing import Any

import grpc
import pytest
import requests
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from google.rpc.status_pb2 import Status

import otlp
from sightline import SIGNALS, Server, wait_until

PROTOBUF, JSON = "application/x-protobuf", "application/json"
GOOD_JSON: dict[str, Any] = {"resourceSpans": [{"scopeSpans": [{"spans": []}]}]}


def good(service: str, spans: int = 1) -> bytes:
    return otlp.traces(service, [otlp.span() for _ in range(spans)])


def spans_of(server: Server, service: str) -> int:
    return server.number(f"SELECT count() FROM otel_traces WHERE ServiceName = '{service}'")


def json_request(service: str, span: dict[str, Any]) -> bytes:
    span = {"traceId": "0123456789abcdef0123456789ABCDEF", "spanId": "0123456789abcdef", "name": "json"} | span
    attributes = [{"key": "service.name", "value": {"stringValue": service}}]
    return json.dumps(
        {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": [span]}]}]}
    ).encode()


def status_of(answer: requests.Response) -> str:
    """The message of the google.rpc.Status that every error must carry, in the request's encoding."""
    content_type = answer.headers["Content-Type"].split(";")[0]
    if content_type == JSON:
        return answer.json()["message"]
    assert content_type == PROTOBUF
    return Status.FromString(answer.content).message


# ---- encodings


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", lambda body: zstandard.ZstdCompressor().compress(body)),
    ],
)
def test_every_content_encoding_is_read(shared_server: Server, encoding: str, encode: Callable[[bytes], bytes]) -> None:
    service = f"encoding-{encoding}"
    answer = shared_server.export_http("traces", encode(good(service, 50)), content_encoding=encoding)
    assert (answer.status_code, answer.content) == (200, b"")
    shared_server.wait_for_rows(50, "otel_traces", f"ServiceName = '{service}'")


def test_concatenated_gzip_members_are_one_body(shared_server: Server) -> None:
    body = good("gzip-members", 3)
    zipped = gzip.compress(body[:20]) + gzip.compress(body[20:])
    assert shared_server.export_http("traces", zipped, content_encoding="gzip").status_code == 200
    shared_server.wait_for_rows(3, "otel_traces", "ServiceName = 'gzip-members'")


@pytest.mark.parametrize("compression", list(grpc.Compression))
def test_grpc_with_each_compression(shared_server: Server, compression: grpc.Compression) -> None:
    service = f"grpc-{compression.name}"
    assert shared_server.export_grpc("traces", good(service, 50), compression) == b""
    shared_server.wait_for_rows(50, "otel_traces", f"ServiceName = '{service}'")


@pytest.mark.parametrize("signal", SIGNALS)
def test_empty_requests_are_accepted(shared_server: Server, signal: str) -> None:
    answer = shared_server.export_http(signal, b"")
    assert (answer.status_code, answer.content) == (200, b"")
    answer = shared_server.export_http(signal, b"{}", content_type=JSON)
    assert (answer.status_code, answer.json()) == (200, {})
    assert shared_server.export_grpc(signal, b"") == b""


def test_many_requests_on_one_kept_connection(shared_server: Server) -> None:
    with requests.Session() as session:
        for _ in range(50):
            answer = session.post(
                f"{shared_server.otlp_http}/v1/traces", data=good("kept-alive"), headers={"Content-Type": PROTOBUF}
            )
            assert answer.status_code == 200
    shared_server.wait_for_rows(50, "otel_traces", "ServiceName = 'kept-alive'")


def test_concurrent_streams_on_one_grpc_connection(shared_server: Server) -> None:
    with shared_server.channel() as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        calls = [export.future(good("streams", 2), timeout=30) for _ in range(64)]
        assert {call.result() for call in calls} == {b""}
    shared_server.wait_for_rows(128, "otel_traces", "ServiceName = 'streams'")


def test_a_far_later_content_type_parameter_is_no_matter(shared_server: Server) -> None:
    body = json_request("charset", {})
    assert shared_server.export_http("traces", body, content_type="Application/JSON; charset=utf-8").status_code == 200
    shared_server.wait_for_rows(1, "otel_traces", "ServiceName = 'charset'")


# ---- bad input


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xff\xfe not a message", id="garbage"),
        pytest.param(otlp.traces("cut", [otlp.span()])[:-3], id="cut short"),
        pytest.param(b"\x0a\xff\x7f", id="length past the end"),
        pytest.param(b"\x08\x01", id="known field of a wrong wire type"),
        pytest.param(b"\x0a" + b"\xff" * 11, id="varint without an end"),
        pytest.param(b"\x0b\x0c", id="group"),
    ],
)
def test_bytes_that_are_no_request_are_refused_whole(shared_server: Server, body: bytes) -> None:
    answer = shared_server.export_http("traces", body)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].split(";")[0] == PROTOBUF
    assert status_of(answer), "the message says what is wrong"
    with pytest.raises(grpc.RpcError) as error:
        shared_server.export_grpc("traces", body)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error.value.details()


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("not JSON", b"{"),
        ("not an object", b"[]"),
        ("wrong type", b'{"resourceSpans": 7}'),
        ("name of an enum", json_request("bad", {"kind": "SPAN_KIND_SERVER"})),
        ("integer out of range", json_request("bad", {"startTimeUnixNano": "99999999999999999999"})),
        ("not UTF-8", b'{"resourceSpans": [], "x": "\xff"}'),
    ],
)
def test_bad_json_is_refused_in_json(shared_server: Server, what: str, body: bytes) -> None:
    answer = shared_server.export_http("traces", body, content_type=JSON)
    assert answer.status_code == 400, what
    assert answer.headers["Content-Type"].split(";")[0] == JSON
    assert status_of(answer)
    assert spans_of(shared_server, "bad") == 0


def test_bad_spans_come_back_as_partial_success_and_good_ones_are_kept(shared_server: Server) -> None:
    spans = [otlp.span("good 1"), otlp.span("zero id", trace_id=b"\0" * 16), otlp.span("short id", trace_id=b"abc"),
             otlp.span("good 2")]  # fmt: skip
    answer = shared_server.export_http("traces", otlp.traces("partial", spans))
    assert answer.status_code == 200
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == 2
    assert "trace" in partial.error_message.lower()
    shared_server.wait_for_rows(2, "otel_traces", "ServiceName = 'partial'")
    names = shared_server.sql("SELECT SpanName FROM otel_traces WHERE ServiceName = 'partial' ORDER BY SpanName")
    assert names == [["good 1"], ["good 2"]]
    over_grpc = shared_server.export_grpc("traces", otlp.traces("partial-grpc", spans))
    assert ExportTraceServiceResponse.FromString(over_grpc).partial_success.rejected_spans == 2


def test_partial_success_in_json(shared_server: Server) -> None:
    answer = shared_server.export_http("traces", json_request("partial-json", {"spanId": ""}), content_type=JSON)
    assert answer.status_code == 200
    partial = answer.json()["partialSuccess"]
    assert int(partial["rejectedSpans"]) == 1 and partial["errorMessage"]


def deep_value(depth: int) -> bytes:
    """An AnyValue of arrays in arrays, as bytes: the classes would not serialize it this deep."""
    value = b"\x18\x01"
    for _ in range(depth - 1):
        array = b"\x0a" + varint(len(value)) + value
        value = b"\x2a" + varint(len(array)) + array
    return value


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def test_values_nested_a_hundred_deep_are_refused_and_cost_nothing_else(shared_server: Server) -> None:
    value = deep_value(100)
    key_value = b"\x0a\x01k\x12" + varint(len(value)) + value
    record = b"\x32" + varint(len(key_value)) + key_value  # LogRecord.attributes
    scope_logs = b"\x12" + varint(len(record)) + record
    resource_logs = b"\x12" + varint(len(scope_logs)) + scope_logs
    answer = shared_server.export_http("logs", b"\x0a" + varint(len(resource_logs)) + resource_logs)
    assert answer.status_code == 200
    assert ExportLogsServiceResponse.FromString(answer.content).partial_success.rejected_log_records == 1


def test_wrong_utf8_is_repaired_and_marked(shared_server: Server) -> None:
    request = otlp.traces("utf8", [otlp.span("name-XX")]).replace(b"name-XX", b"name-\xff\xfe")
    assert shared_server.export_http("traces", request).status_code == 200
    shared_server.wait_for_rows(1, "otel_traces", "ServiceName = 'utf8'")
    ((name, repairs),) = shared_server.sql("SELECT SpanName, Repairs FROM otel_traces WHERE ServiceName = 'utf8'")
    assert name.startswith("name-\ufffd") and "utf8" in repairs


def test_a_time_in_the_far_future_is_clamped_and_the_original_kept(shared_server: Server) -> None:
    far = 4102444800_000000000  # in 2100
    span = otlp.span("future", start_time_unix_nano=far, end_time_unix_nano=far + 1)
    assert shared_server.export_http("traces", otlp.traces("future", [span])).status_code == 200
    shared_server.wait_for_rows(1, "otel_traces", "ServiceName = 'future'")
    ((in_days, original, repairs),) = shared_server.sql(
        """SELECT dateDiff('hour', now(), Timestamp) <= 24, SpanAttributes['sightline.original.start_time_unix_nano'], Repairs
           FROM otel_traces WHERE ServiceName = 'future'"""
    )
    assert in_days and original == str(far) and "time_clamped" in repairs


@pytest.mark.parametrize("content_type", ["text/plain", "application/grpc", "application/xml", ""])
def test_other_content_types_are_415(shared_server: Server, content_type: str) -> None:
    answer = shared_server.export_http("traces", good("type"), content_type=content_type)
    assert answer.status_code == 415
    assert spans_of(shared_server, "type") == 0


def test_other_content_encodings_are_415(shared_server: Server) -> None:
    answer = shared_server.export_http("traces", good("brotli"), content_encoding="br")
    assert answer.status_code == 415
    assert status_of(answer)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_only_post_exports(shared_server: Server, method: str) -> None:
    answer = requests.request(method, f"{shared_server.otlp_http}/v1/traces", timeout=10)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_unknown_paths_and_methods(shared_server: Server) -> None:
    assert requests.post(f"{shared_server.otlp_http}/v1/other", data=b"", timeout=10).status_code == 404
    with shared_server.channel() as channel, pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Other")(b"", timeout=10)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_damaged_compression_is_refused(shared_server: Server) -> None:
    for encoding, body in {
        "gzip": gzip.compress(good("damaged"))[:-9], "deflate": b"nonsense", "zstd": b"\x28\xb5\x2f\xfd" + b"\0" * 9,
    }.items():  # fmt: skip
        assert shared_server.export_http("traces", body, content_encoding=encoding).status_code == 400, encoding


def test_oversized_bodies_and_bombs_are_413_and_not_retryable(make_server: Callable[..., Server]) -> None:
    limits = {"recv_message_bytes_max": 100_000, "recv_decompressed_bytes_max": 100_000}
    server = make_server(config={"limits": limits}).start()
    zeros = bytes(50_000_000)  # shrinks about a thousandfold
    assert server.export_http("traces", bytes(200_000)).status_code == 413
    for encoding, body in {
        "gzip": gzip.compress(zeros), "deflate": zlib.compress(zeros),
        "zstd": zstandard.ZstdCompressor().compress(zeros),
    }.items():  # fmt: skip
        answer = server.export_http("traces", body, content_encoding=encoding)
        assert answer.status_code == 413, encoding
        assert status_of(answer)
    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        with pytest.raises(grpc.RpcError) as error:
            server.export_grpc("traces", bytes(200_000), compression)
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        trailers = dict(error.value.trailing_metadata() or ())
        assert b"RetryInfo" not in trailers.get("grpc-status-details-bin", b""), "would make the client send it again"
    assert server.export_http("traces", good("after")).status_code == 200


def test_a_client_that_stops_half_way_costs_nothing(shared_server: Server) -> None:
    host, port = shared_server.addresses["otlp_http"].rsplit(":", 1)
    for close in (lambda s: s.shutdown(socket.SHUT_WR), lambda s: None, reset):
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
            close(client)
    assert shared_server.export_http("traces", good("after-half")).status_code == 200


def http_head(length: int) -> bytes:
    return f"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {length}\r\n\r\n".encode()


def test_a_half_closed_connection_gets_its_answer(shared_server: Server) -> None:
    host, port = shared_server.addresses["otlp_http"].rsplit(":", 1)
    body = good("half-closed")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(http_head(len(body)) + body)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
    shared_server.wait_for_rows(1, "otel_traces", "ServiceName = 'half-closed'")


def test_slow_clients_hold_up_nobody(shared_server: Server) -> None:
    """More of them than the program has threads, each in the middle of its request; none is lost in the end either."""
    host, port = shared_server.addresses["otlp_http"].rsplit(":", 1)
    body = good("slow")
    clients = [socket.create_connection((host, int(port)), timeout=10) for _ in range(100)]
    try:
        for client in clients:
            client.sendall(http_head(len(body)) + body[:7])
        for _ in range(5):
            answer = shared_server.export_http("traces", good("quick"))
            assert answer.status_code == 200 and answer.elapsed.total_seconds() < 5
        for client in clients:
            client.sendall(body[7:])
        assert all(client.recv(65536).startswith(b"HTTP/1.1 200 ") for client in clients)
    finally:
        for client in clients:
            client.close()
    shared_server.wait_for_rows(100, "otel_traces", "ServiceName = 'slow'")


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_what_is_refused_is_counted(shared_server: Server) -> None:
    def refused() -> float:
        return sum(value for name, value in shared_server.metrics().items() if "trace_id_invalid" in name)

    before = refused()
    shared_server.export_http("traces", otlp.traces("counted", [otlp.span(trace_id=b"x")]))
    wait_until(lambda: refused() == before + 1, what="the refused span in /metrics")


def test_requests_that_are_refused_unread_are_counted(shared_server: Server) -> None:
    url = f"{shared_server.otlp_http}/v1/traces"
    protobuf = {"Content-Type": "application/x-protobuf"}
    huge = bytes(65 << 20)
    channel = shared_server.channel()

    def grpc_call(body: bytes, method: str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export") -> None:
        with pytest.raises(grpc.RpcError):
            channel.unary_unary(method)(body, timeout=30)

    def grpc_two_messages() -> None:
        method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        with pytest.raises(grpc.RpcError) as refused:
            channel.stream_unary(method)(iter([good("one"), good("two")]), timeout=30)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT

    def garbage() -> None:
        host, port = shared_server.otlp_http.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(b"GET\r\n\r\n")
            assert b" 400 " in client.recv(1000)

    refusals: dict[tuple[str, str], Callable[[], Any]] = {
        ("http", "too_large"): lambda: requests.post(url, data=huge, headers=protobuf, timeout=30),
        ("http", "content_type"): lambda: requests.post(url, data=b"x", headers={"Content-Type": "text/plain"}, timeout=10),
        ("http", "host"): lambda: requests.post(url, data=b"", headers=protobuf | {"Host": "evil.example"}, timeout=10),
        ("http", "origin"): lambda: requests.post(url, data=b"", headers=protobuf | {"Origin": "http://evil.example"}, timeout=10),
        ("http", "unknown_path"): lambda: requests.post(f"{url}s", data=b"", headers=protobuf, timeout=10),
        ("http", "method"): lambda: requests.get(url, timeout=10),
        ("http", "malformed"): garbage,
        ("grpc", "too_large"): lambda: grpc_call(huge),
        ("grpc", "unknown_method"): lambda: grpc_call(b"", "/opentelemetry.proto.collector.trace.v1.TraceService/Import"),
        ("grpc", "several_messages"): grpc_two_messages,
    }
    for (transport, reason), refuse in refusals.items():
        name = f'sightline_receive_refused_requests_total{{reason="{reason}",transport="{transport}"}}'

        def counted(name: str = name) -> float:
            return shared_server.metrics().get(name, 0)

        before = counted()
        refuse()
        wait_until(lambda: counted() == before + 1, what=name)


# ---- browsers


def test_a_foreign_host_name_is_turned_away(shared_server: Server) -> None:
    for base in (shared_server.otlp_http, shared_server.http):
        for host, status in {"evil.example": 421, "evil.example:4318": 421}.items():
            answer = requests.post(f"{base}/v1/traces", data=b"", headers={"Host": host}, timeout=10)
            assert answer.status_code == status, base
        port = base.rsplit(":", 1)[1]
        assert requests.get(f"{base}/readyz", headers={"Host": f"localhost:{port}"}, timeout=10).status_code != 421


def test_origins_are_checked_against_the_list(make_server: Callable[..., Server]) -> None:
    listed, other = "http://shop.example:3000", "http://evil.example"
    server = make_server(config={"http": {"allowed_origins": [listed]}}).start()
    url = f"{server.otlp_http}/v1/traces"
    preflight_headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    preflight = requests.options(url, headers={"Origin": listed} | preflight_headers, timeout=10)
    assert preflight.ok
    assert preflight.headers["Access-Control-Allow-Origin"] == listed
    assert "content-type" in preflight.headers["Access-Control-Allow-Headers"].lower()
    answer = server.export_http("traces", good("browser"), origin=listed)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, listed)
    refused = server.export_http("traces", good("browser"), origin=other)
    assert refused.status_code == 403 and "Access-Control-Allow-Origin" not in refused.headers
    assert not requests.options(url, headers={"Origin": other} | preflight_headers, timeout=10).ok
    sql = requests.post(f"{server.http}/api/v1/sql", data="SELECT 1", headers={"Origin": other}, timeout=10)
    assert sql.status_code == 403


# ---- what it says about itself


def test_health_readiness_metrics_and_the_page(shared_server: Server) -> None:
    for path in ("/healthz", "/readyz"):
        assert requests.get(shared_server.http + path, timeout=10).status_code == 200, path
    metrics = requests.get(shared_server.http + "/metrics", timeout=10)
    assert metrics.headers["Content-Type"].startswith("text/plain")
    assert "# TYPE sightline_" in metrics.text
    page = requests.get(shared_server.http + "/", timeout=10)
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    assert '<div id="app">' in page.text
    script = re.search(r'src="(/assets/[^"]+\.js)"', page.text)
    assert script and "javascript" in requests.get(shared_server.http + script[1], timeout=10).headers["Content-Type"]


def test_its_own_metrics_are_stored_in_itself(shared_server: Server) -> None:
    shared_server.export_http("traces", good("self"))
    query = "SELECT count() FROM otel_metrics_sum WHERE ServiceName = 'sightline' AND MetricName LIKE 'sightline.%'"
    wait_until(lambda: shared_server.number(query) > 0, 60, query)
