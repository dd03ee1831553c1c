"""Beside a real Collector: the same `tail_sampling` section and the same spans give the same kept traces, for each policy type.

Skipped without SIGHTLINE_COLLECTOR, the binary of a Collector with the tail sampling processor (bench/README.md says how to build it).
"""

import random
import time
from pathlib import Path
from typing import Callable, Iterator

import grpc
import pytest

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

import collector
import otlp
from otlp_receiver import Receiver, grpc_receiver
from sightline import export_on, wait_until
from test_gateway import Gateway, make_gateway, sampling, spans_in  # noqa: F401  (a fixture among them)

pytestmark = pytest.mark.skipif(not collector.BINARY, reason="SIGHTLINE_COLLECTOR names no Collector to compare with")

SEED = 20261127
TRACES = 3000
DECIDED_SECONDS_MAX = 40.0


def attribute_values(rng: random.Random) -> dict[str, object]:
    """What policies ask for, with values of the wrong type and at the bounds among them."""
    values: dict[str, object] = {}
    if rng.random() < 0.6:
        values["size"] = rng.choice([0, 1, 49, 50, 51, 99, 100, 101, -5, 2**40, "75", 75.0, True])
    if rng.random() < 0.6:
        values["path"] = rng.choice(["/health", "/healthz", "/metrics", "/api/cart", "/API/cart", "", "health", 5])
    if rng.random() < 0.5:
        values["cached"] = rng.choice([True, False, "true", 1])
    if rng.random() < 0.5:
        values["http.response.status_code"] = rng.choice([200, 404, 499, 500, 503, "503"])
    return values


def make_trace(rng: random.Random) -> list[tuple[str, Span]]:
    """Spans with the service that they are of."""
    trace_id, base = rng.randbytes(16), time.time_ns() - 30_000_000_000
    trace_state = rng.choice(["", "", "vendor=a,other=b", "vendor=c", "other=a", "vendor=" + "x" * 300])
    spans = []
    for n in range(rng.randint(1, 7)):
        start = base + rng.randrange(300_000_000)
        duration = rng.choice([0, 1_000_000, 99_999_999, 100_000_000, 100_999_999, 101_000_000, 700_000_000, 2_000_000_000])
        one = otlp.span(
            rng.choice(["GET /", "checkout", "query"]), trace_id=trace_id, parent=spans[0][1].span_id if n else b"", kind=rng.randint(0, 5),
            start_time_unix_nano=start, end_time_unix_nano=start + (duration if rng.random() < 0.3 else duration // 100),
            status=rng.choice([{}, {}, {}, {}, {"code": 1}, {"code": 2, "message": "boom"}]), trace_state=trace_state,
            flags=rng.choice([0, 0, 0, 1, 0x100]), attributes=attribute_values(rng))  # fmt: skip
        if rng.random() < 0.2:
            one.events.add(name=rng.choice(["exception", "retry"]), time_unix_nano=start, attributes=otlp.attributes({"size": rng.randrange(100)}))
        spans.append((rng.choice(["shop", "pay"]), one))
    return spans


def requests_of(rng: random.Random, count: int) -> Iterator[bytes]:
    """Each trace in one request: what comes when is not compared here."""
    for _ in range(count // 50):
        request = ExportTraceServiceRequest()
        resources = {}
        for service, size in (("shop", 75), ("pay", 10)):
            resources[service] = request.resource_spans.add()
            resources[service].resource.attributes.extend(otlp.attributes({"service.name": service, "resource.size": size}))
            resources[service].scope_spans.add()
        for _ in range(50):
            for service, one in make_trace(rng):
                resources[service].scope_spans[0].spans.append(one)
        yield request.SerializeToString()


def policy(kind: str, **block: object) -> dict:
    return {"name": kind, "type": kind} | ({kind: block} if block else {})


EVERYTHING_BUT_LIMITS = [
    policy("latency", threshold_ms=100),
    policy("latency", threshold_ms=0),
    policy("numeric_attribute", key="size", min_value=50, max_value=100),
    policy("numeric_attribute", key="size", max_value=50),
    policy("numeric_attribute", key="size", min_value=50, max_value=100, invert_match=True),
    policy("numeric_attribute", key="resource.size", min_value=50),
    policy("string_attribute", key="path", values=["/health", "/metrics", ""]),
    policy("string_attribute", key="path", values=["^/health", "cart$"], enabled_regex_matching=True),
    policy("string_attribute", key="path", values=["/health"], invert_match=True),
    policy("string_attribute", key="service.name", values=["pay"]),
    policy("boolean_attribute", key="cached", value=True),
    policy("boolean_attribute", key="cached", value=False),
    policy("boolean_attribute", key="cached", value=True, invert_match=True),
    policy("status_code", status_codes=["ERROR"]),
    policy("status_code", status_codes=["OK", "UNSET"]),
    policy("span_count", min_spans=3),
    policy("span_count", min_spans=2, max_spans=4),
    policy("trace_state", key="vendor", values=["a", "c"]),
    policy("trace_state", key="vendor", values=["x" * 300]),
    policy("trace_flags"),
    policy("probabilistic", sampling_percentage=10),
    policy("probabilistic", sampling_percentage=0.5, hash_salt="another salt"),
    policy("probabilistic", sampling_percentage=100),
    policy("ottl_condition", error_mode="ignore", span=['attributes["size"] == 75', 'IsMatch(name, "^check") and kind == 3']),
    policy("ottl_condition", error_mode="ignore", spanevent=['name == "exception" and attributes["size"] > 50']),
    policy("ottl_condition", error_mode="ignore", span=['resource.attributes["service.name"] == "pay" and status.code == 2 and not IsRootSpan()']),
    policy("and", and_sub_policy=[policy("status_code", status_codes=["ERROR"]), policy("probabilistic", sampling_percentage=30)]),
    policy("and", and_sub_policy=[policy("span_count", min_spans=2), {"name": "n", "type": "not", "not": {"not_sub_policy": policy("latency", threshold_ms=100)}}]),
    policy("not", not_sub_policy=policy("status_code", status_codes=["ERROR"])),
]
SETS = [[one] for one in EVERYTHING_BUT_LIMITS] + [
    # Several at once.
    [policy("status_code", status_codes=["ERROR"]), policy("latency", threshold_ms=1000), policy("probabilistic", sampling_percentage=1)],
    [policy("always_sample"), policy("drop", drop_sub_policy=[policy("string_attribute", key="path", values=["/health.*"], enabled_regex_matching=True)])],
    [policy("probabilistic", sampling_percentage=50), policy("drop", drop_sub_policy=[policy("span_count", min_spans=4), policy("trace_flags")])],
    # Limits with room for all: when tokens come is a matter of when traces are decided, which differs (docs/sampling.md).
    [policy("rate_limiting", spans_per_second=1_000_000)],
    [policy("bytes_limiting", bytes_per_second=1_000_000_000)],
    [policy("composite", max_total_spans_per_second=10_000_000, policy_order=["status_code", "probabilistic"],
            composite_sub_policy=[policy("status_code", status_codes=["ERROR"]), policy("probabilistic", sampling_percentage=20)],
            rate_allocation=[{"policy": "status_code", "percent": 50}, {"policy": "probabilistic", "percent": 50}])],
]  # fmt: skip


TELL_NOTHING_APART = [
    [policy("trace_state", key="vendor", values=["x" * 300])],  # members of 256 bytes are looked at by neither
    [policy("probabilistic", sampling_percentage=100)],
    [policy("rate_limiting", spans_per_second=1_000_000)],
    [policy("bytes_limiting", bytes_per_second=1_000_000_000)],
]


def trace_ids(backend: Receiver) -> set[bytes]:
    return {span.trace_id for span in spans_in([request.body for request in backend.requests if request.signal == "traces"])}


def spans_of(backend: Receiver) -> int:
    return len(spans_in([request.body for request in backend.requests if request.signal == "traces"]))


def describe(policies: list[dict]) -> str:
    return " + ".join(str(one["type"]) for one in policies)


@pytest.mark.parametrize("policies", SETS, ids=[f"{n} {describe(policies)}" for n, policies in enumerate(SETS)])
def test_a_pasted_section_keeps_the_same_traces(policies: list[dict], directory: Path, make_gateway: Callable[..., Gateway]) -> None:  # noqa: F811
    rng = random.Random(SEED)
    section = sampling(policies, "2s", self_metrics={"interval": "0s"}, forward={"span_metrics": False})
    with grpc_receiver() as ours, grpc_receiver() as theirs:
        config = {
            "processors": {"tail_sampling": section["sampling"]["tail_sampling"], "batch": {}},
            # Its queue counts requests, and what finds it full is lost.
            "exporters": {"otlp": {"endpoint": theirs.url.removeprefix("http://"), "tls": {"insecure": True}, "sending_queue": {"queue_size": TRACES}}},
            "service": {"telemetry": {"metrics": {"level": "none"}},
                        "pipelines": {"traces": {"receivers": ["otlp"], "processors": ["tail_sampling", "batch"], "exporters": ["otlp"]}}},
        }  # fmt: skip
        with collector.collector(directory, config) as other:
            gateway = make_gateway(ours.url.replace("http", "grpc"), config=section).start()
            with gateway.channel() as channel, grpc.insecure_channel(other.otlp_grpc) as other_channel:
                for request in requests_of(rng, TRACES):
                    export_on(channel, "traces", request)
                    export_on(other_channel, "traces", request)
            wait_until(lambda: gateway.metrics()["sightline_sampling_undecided_spans"] == 0, DECIDED_SECONDS_MAX, "all decided")
            assert gateway.stop() == 0  # it sends what it keeps
            kept, spans = trace_ids(ours), spans_of(ours)
            wait_until(lambda: spans_of(theirs) >= spans, DECIDED_SECONDS_MAX, f"the Collector's {spans} spans\n{other.log()[-2000:]}")
        # A Collector that stops decides what it has: it has sent all that it will.
        assert trace_ids(theirs) == kept, f"{len(trace_ids(theirs) - kept)} more and {len(kept - trace_ids(theirs))} fewer than here"
        assert spans_of(theirs) == spans
        if policies not in TELL_NOTHING_APART:
            assert 0 < len(kept) < TRACES, "the policy tells no traces apart"
