"""What the C++ SDK's exporters send, read by the official classes and compared field by field with what was made."""

import base64
import json
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess, ExportTraceServiceResponse

from otlp import REQUESTS
from otlp_receiver import Receiver, Request, Tls, grpc_receiver, http_receiver
from sdk_samples import EXPECTED
from sightline import BIN_DIR, SIGNALS, Server, clean_environment

CERTIFICATES = Path(__file__).resolve().parent / "testdata/tls"
PROTOCOLS = ["http/protobuf", "http/json", "grpc"]


def send(protocol: str, **options: str) -> subprocess.CompletedProcess[str]:
    words = [f"{name}={value}" for name, value in options.items()]
    command = [str(BIN_DIR / "sdk_send_samples"), protocol, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=clean_environment())


def receive(protocol: str, tls: Tls | None = None) -> AbstractContextManager[Receiver]:
    return grpc_receiver(tls) if protocol == "grpc" else http_receiver(tls)


def with_base64_ids(value: Any) -> Any:
    """OTLP's JSON has hex where protobuf's has base64."""
    if isinstance(value, list):
        return [with_base64_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    converted = {key: with_base64_ids(item) for key, item in value.items()}
    for key in converted.keys() & {"traceId", "spanId", "parentSpanId"}:
        converted[key] = base64.b64encode(bytes.fromhex(converted[key])).decode()
    return converted


def decode(request: Request) -> Message:
    message = REQUESTS[request.signal]()
    if request.headers.get("content-type") == "application/json":
        return json_format.ParseDict(with_base64_ids(json.loads(request.body)), message)
    message.ParseFromString(request.body)
    return message


@pytest.mark.parametrize("gzip", ["false", "true"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_that_was_made_arrives(protocol: str, gzip: str) -> None:
    with receive(protocol) as receiver:
        done = send(protocol, endpoint=receiver.url, gzip=gzip, header="X-Api-Key:s3cret=")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert {request.signal for request in receiver.requests} == set(SIGNALS)
    for signal in SIGNALS:
        request = receiver.of(signal)
        assert decode(request) == EXPECTED[signal]
        assert request.headers["x-api-key"] == "s3cret="
        assert request.headers["user-agent"].startswith("OTel-OTLP-Exporter-Cpp/0.")


def test_json_has_the_forms_that_the_specification_asks_for() -> None:
    with http_receiver() as receiver:
        assert send("http/json", endpoint=receiver.url).returncode == 0
    span = json.loads(receiver.of("traces").body)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert span["traceId"] == "0102030405060708090a0b0c0d0e0f10"
    assert span["kind"] == 2 and span["status"]["code"] == 2
    assert span["startTimeUnixNano"] == "1764000000000000001"
    values = {attribute["key"]: attribute["value"] for attribute in span["attributes"]}
    assert values["int"] == {"intValue": "-42"}
    assert values["bytes"] == {"bytesValue": "AH+A/w=="}
    assert values["infinite"] == {"doubleValue": "Infinity"}
    assert values["nothing"] == {}


def test_a_path_is_kept_and_a_url_is_taken_as_it_is() -> None:
    with http_receiver() as receiver:
        assert send("http/protobuf", endpoint=receiver.url + "/prefix/").returncode == 0
        assert send("http/protobuf", url=receiver.url + "/my/own?token=1").returncode == 0
    paths = [request.signal for request in receiver.requests]
    assert paths == ["/prefix/v1/traces", "/prefix/v1/logs", "/prefix/v1/metrics"] + ["/my/own?token=1"] * 3


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_both_sides_show_their_certificates(protocol: str) -> None:
    tls = Tls(CERTIFICATES / "server.pem", CERTIFICATES / "server.key", client_authority=CERTIFICATES / "authority.pem")
    own = {"client_certificate": str(CERTIFICATES / "client.pem"), "client_key": str(CERTIFICATES / "client.key")}
    with receive(protocol, tls) as receiver:
        done = send(protocol, endpoint=receiver.url, certificate=str(CERTIFICATES / "authority.pem"), **own)
        assert done.returncode == 0, done.stdout + done.stderr
        assert decode(receiver.of("traces")) == EXPECTED["traces"]
        receiver.requests.clear()
        # Without a certificate of its own it isn't let in.
        assert send(
            protocol, endpoint=receiver.url, certificate=str(CERTIFICATES / "authority.pem"), timeout_ms="2000"
        ).returncode == 1
        assert receiver.requests == []


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_server_of_another_authority_gets_nothing(protocol: str) -> None:
    tls = Tls(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
    with receive(protocol, tls) as receiver:
        done = send(protocol, endpoint=receiver.url, certificate=str(CERTIFICATES / "other.pem"), timeout_ms="2000")
    assert done.returncode == 1
    assert "certificate" in done.stderr.lower(), done.stderr
    assert receiver.requests == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_a_server_takes_only_in_part_is_said(protocol: str) -> None:
    response = ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=2, error_message="too old: grüß")
    )
    with receive(protocol) as receiver:
        receiver.answer = response.SerializeToString()
        if protocol == "http/json":
            receiver.answer = json_format.MessageToJson(response).encode()
        done = send(protocol, endpoint=receiver.url)
    assert done.returncode == 0
    assert "too old: grüß" in done.stderr and "2" in done.stderr


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_sightline_takes_it(shared_server: Server, protocol: str) -> None:
    endpoint = f"http://{shared_server.otlp_grpc}" if protocol == "grpc" else shared_server.otlp_http
    earlier = shared_server.number("SELECT count() FROM otel_traces WHERE ServiceName = 'samples'")
    done = send(protocol, endpoint=endpoint, gzip="true")
    assert done.returncode == 0, done.stdout + done.stderr
    shared_server.wait_for_rows(earlier + 3, "otel_traces", "ServiceName = 'samples'")
    shared_server.wait_for_rows(1, "otel_logs", "ServiceName = 'samples' AND EventName = 'search.failed'")
    shared_server.wait_for_rows(1, "otel_metrics_exponential_histogram", "MetricName = 'an.exponential_histogram'")
    spans = shared_server.sql(
        f"""SELECT SpanName, SpanKind, StatusMessage, ScopeName, Events.Name, SpanAttributes['int'] FROM otel_traces
            WHERE ServiceName = 'samples' AND SpanId = 'b0b1b2b3b4b5b6b7' LIMIT 1"""
    )
    assert spans == [["GET /search ✓", "Server", "broken \ufffd pipe", "library", ["exception", ""], "-42"]]
