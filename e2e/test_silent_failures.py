"""Silent failures: requests that answered well while something under them failed. Recordings of a real service whose calls
to Wikipedia fail, and requests made for the purpose, all kept or sampled by tail sampling.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

import otlp
from sightline import Server, wait_until
from test_openapi import ALL_TIMES, answer
from test_samples import SAMPLES
from test_sampling import ERROR, config

ENTRY, CALL = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT
DEMO = [sample for sample in SAMPLES if sample.name.startswith("python-demo") and sample.entry["signal"] == "traces"]


def spans_of(samples: list[Any]) -> list[Span]:
    spans = []
    for sample in samples:
        request = ExportTraceServiceRequest.FromString(sample.path.read_bytes())
        spans += [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
    return spans


def has_failed(span: Span) -> bool:
    return span.status.code == Status.STATUS_CODE_ERROR or any(event.name == "exception" for event in span.events)


def silently_failed(spans: list[Span]) -> dict[str, set[bytes]]:
    """By name of the failed span, the requests that it hit: told by walking up from each, unlike the program does it."""
    by_id = {(span.trace_id, span.span_id): span for span in spans}

    def above(span: Span) -> list[Span]:
        chain = []
        while (parent := by_id.get((span.trace_id, span.parent_span_id))) is not None:
            chain.append(span := parent)
        return chain

    covered = {(one.trace_id, one.span_id) for span in spans if has_failed(span) for one in above(span)}
    hit: dict[str, set[bytes]] = {}
    for span in spans:
        if not has_failed(span) or (span.trace_id, span.span_id) in covered:
            continue
        chain = [span, *above(span)]
        entry = next((one for one in chain if one.kind == ENTRY), chain[-1])
        codes = [value.value.int_value for value in entry.attributes if value.key == "http.status_code"]
        if entry.status.code != Status.STATUS_CODE_ERROR and all(code < 400 for code in codes):
            hit.setdefault(span.name, set()).add(entry.trace_id + entry.span_id)
    return hit


def test_a_connection_error_that_shows_nowhere_else_is_found(server: Server) -> None:
    if not DEMO:
        pytest.skip("the recordings are not beside the checkout")
    for sample in DEMO:
        sample.send(server)
    spans = spans_of(DEMO)
    server.wait_for_rows(len(spans), "otel_traces", "1")
    found = answer(server, "listSilentFailures", **ALL_TIMES)
    assert found["examined"]["is_complete"]
    by_name: dict[str, float] = {}
    for one in found["failures"]:
        by_name[one["name"]] = by_name.get(one["name"], 0) + one["requests"]
    expected = {name: len(requests) for name, requests in silently_failed(spans).items()}
    assert expected["GET"] > 0, "the recordings lack what this is about"
    assert by_name == expected
    # The failed call itself, with whom it asked; what is around it stayed unset.
    calls = [one for one in found["failures"] if one["name"] == "GET"]
    assert {(one["service"], one["kind"]) for one in calls} == {("search-recommendation-service", "Client")}
    # Where the recordings' Wikipedia was not.
    unreachable = next(one for one in calls if one["target"] == "127.0.0.1:9")
    assert unreachable["message"] == "ConnectError: All connection attempts failed" and unreachable["requests"] > 100
    assert all(entry["name"] == "GET /search" for one in calls for entry in one["entries"])
    for one in calls:
        assert one["message"] and 0 < one["requests"] <= one["requests_in_all"]
        assert one["first_seen_unix_nano"] <= one["last_seen_unix_nano"]
        assert sum(one["series"]) == one["requests"]
        for sample in one["samples"]:
            span = next(span for span in spans if span.span_id.hex() == sample["span_id"])
            assert (span.trace_id.hex(), span.name, span.status.code) == (sample["trace_id"], "GET", Status.STATUS_CODE_ERROR)
    counts = answer(server, "countSilentFailures", **ALL_TIMES)["services"]
    (service,) = [one for one in counts if one["service"] == "search-recommendation-service"]
    assert service["requests"] == len(set().union(*silently_failed(spans).values()))
    assert service["requests"] <= service["requests_in_all"]


def request_of(trace_id: bytes, call: dict[str, Any], entry: dict[str, Any] | None = None) -> list[Span]:
    root = otlp.span("GET /pay", trace_id, kind=ENTRY, milliseconds=20, **(entry or {}))
    return [root, otlp.span("POST", trace_id, root.span_id, kind=CALL, milliseconds=10, **call)]


def test_shares_are_right_under_tail_sampling(make_server: Callable[..., Server]) -> None:
    """Failures are all kept. An exception that was caught is no status Error: what of it is kept stands for the rest."""
    policies = [
        {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
        {"name": "some", "type": "probabilistic", "probabilistic": {"sampling_percentage": 25}},
    ]
    server = make_server(config=config(policies, "0s") | {"self_metrics": {"interval": "0s"}}).start()
    rng = random.Random(20261127)
    exception = {"events": [{"name": "exception", "attributes": otlp.attributes({"exception.message": "no luck"})}]}
    kinds = [
        *[({"status": ERROR | {"message": "refused"}}, {})] * 30,
        *[({"status": ERROR | {"message": "refused"}}, {"status": ERROR})] * 20,
        *[(exception, {})] * 400,
        *[({}, {})] * 550,
    ]  # fmt: skip
    rng.shuffle(kinds)
    spans = [span for call, entry in kinds for span in request_of(rng.randbytes(16), call, entry)]
    assert server.export_grpc("traces", otlp.traces("pay", spans)) == b""

    def all_counted() -> dict[str, Any] | None:
        found = answer(server, "listSilentFailures", last="15m")
        in_all = [entry["requests_in_all"] for one in found["failures"] for entry in one["entries"]]
        return found if len(found["failures"]) == 2 and set(in_all) == {1000} else None

    found = wait_until(all_counted, what="all decided, stored and counted")
    caught, refused = found["failures"]
    assert (refused["message"], refused["requests"], refused["requests_in_all"]) == ("refused", 30, 1000)
    # 400 flips of a coin with one in four, each hit standing for four: 35 is its deviation; more than four of it is a fault.
    assert caught["message"] == "no luck" and caught["requests_in_all"] == 1000
    assert caught["requests"] % 4 == 0 and abs(caught["requests"] - 400) < 140
    assert found["requests"] == refused["requests"] + caught["requests"]
    counts = answer(server, "countSilentFailures", last="15m", service="pay")["services"]
    assert counts == [{"service": "pay", "requests": found["requests"], "requests_in_all": 1000}]


def test_failures_are_told_apart_and_put_together(server: Server) -> None:
    rng = random.Random(1)

    def status(message: str) -> dict[str, Any]:
        return {"status": ERROR | {"message": message}}

    spans = [
        *request_of(rng.randbytes(16), status("timeout after 30 ms")),
        *request_of(rng.randbytes(16), status("timeout after 31 ms")),
        *request_of(rng.randbytes(16), status("HTTP 502")),
        *request_of(rng.randbytes(16), status("HTTP 503")),
        *request_of(rng.randbytes(16), status("loud"), status("loud")),
        *request_of(rng.randbytes(16), status("told"), {"attributes": {"http.response.status_code": 404}}),
    ]
    assert server.export_grpc("traces", otlp.traces("pay", spans)) == b""
    server.wait_for_rows(len(spans), "otel_traces", "1")
    found = answer(server, "listSilentFailures", last="15m")["failures"]
    assert {one["message"]: one["requests"] for one in found} == {"timeout after # ms": 2, "HTTP 502": 1, "HTTP 503": 1}
    assert answer(server, "listSilentFailures", last="15m", service="other")["failures"] == []
