"""Tail sampling: what is kept is what the policies say, computed here from what was sent; calls are counted before it; and
whatever kills the program, each accepted span is decided once and stored at most once.

SIGHTLINE_KILLS=full: each boundary three times and more random moments.
"""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc

import otlp
from counted import assert_kept_sums_are_the_spans
from sightline import Server, export_on, wait_until

FULL = os.environ.get("SIGHTLINE_KILLS") == "full"
SEED = int(os.environ.get("SIGHTLINE_KILL_SEED", "20261102"))
ERROR = {"code": 2}
KEEP_SECONDS_MAX = 60.0


def config(policies: list[dict], wait: str, **more) -> dict:
    return {"sampling": {"tail_sampling": {"decision_wait": wait, "policies": policies}}} | more


ERRORS = {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
ARTICLE = [
    ERRORS,
    {"name": "slow", "type": "latency", "latency": {"threshold_ms": 1000}},
    {"name": "some", "type": "probabilistic", "probabilistic": {"sampling_percentage": 1}},
]


def chosen_by_hash(trace_id: bytes, percent: float) -> bool:
    """As the Collector's probabilistic policy: FNV-1a over the default salt and the trace id."""
    value = 0xCBF29CE484222325
    for byte in b"default-hash-seed" + trace_id:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value <= int(percent / 100 * (2**64 - 1))


@dataclass
class Trace:
    trace_id: bytes
    spans: list = field(default_factory=list)  # those that come in time
    late: list = field(default_factory=list)

    def verdict(self) -> tuple[str, float] | None:
        """Policy and adjusted count."""
        spans = self.spans
        nanos = max(one.end_time_unix_nano for one in spans) - min(one.start_time_unix_nano for one in spans)
        if any(one.status.code == 2 for one in spans):
            return "errors", 1
        if nanos // 1_000_000 > 1000:
            return "slow", 1
        return ("some", 100) if chosen_by_hash(self.trace_id, 1) else None


def make_traces(rng: random.Random, count: int) -> list[Trace]:
    base = time.time_ns() - 60_000_000_000
    traces = []
    for _ in range(count):
        trace = Trace(rng.randbytes(16))
        for _ in range(rng.randint(1, 6)):
            start = base + rng.randrange(200_000_000)
            slow = rng.random() < 0.01
            trace.spans.append(otlp.span(
                f"op {rng.randrange(5)}", trace_id=trace.trace_id, kind=rng.randint(1, 5), start_time_unix_nano=start,
                end_time_unix_nano=start + (rng.randrange(900_000_000, 1_500_000_000) if slow else rng.randrange(50_000_000)),
                status=ERROR if rng.random() < 0.01 else {}))  # fmt: skip
        if len(trace.spans) > 1 and rng.random() < 0.1:
            trace.late.append(trace.spans.pop())
        traces.append(trace)
    return traces


def send(server: Server, spans: list, rng: random.Random) -> None:
    rng.shuffle(spans)
    with server.channel() as channel:
        for first in range(0, len(spans), 200):
            part = spans[first : first + 200]
            for service in ("shop", "pay"):  # a span's service follows from its id, so that traces have both
                export_on(channel, "traces", otlp.traces(service, [one for one in part if service_of(one) == service]))


def service_of(span) -> str:
    return "shop" if span.span_id[0] % 2 else "pay"


def stored(server: Server) -> dict[str, tuple[str, float, str]]:
    rows = server.sql("SELECT SpanId, SamplingPolicy, AdjustedCount, ServiceName FROM otel_traces WHERE ServiceName IN ('shop', 'pay')")
    found = {row[0]: (row[1], float(row[2]), row[3]) for row in rows}
    assert len(found) == len(rows), "a span is stored twice"
    return found


def expected(traces: list[Trace], with_late: bool) -> dict[str, tuple[str, float, str]]:
    kept = {}
    for trace in traces:
        verdict = trace.verdict()
        if verdict:
            for one in trace.spans + (trace.late if with_late else []):
                kept[one.span_id.hex()] = (*verdict, service_of(one))
    return kept


def calls(server: Server) -> dict[tuple[str, str, str], float]:
    rows = server.sql("SELECT ServiceName, SpanName, StatusCode, sum(Calls) FROM span_metrics WHERE ServiceName IN ('shop', 'pay') GROUP BY ALL")
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def undecided(server: Server) -> float:
    return server.metrics()["sightline_sampling_undecided_spans"]


def test_what_is_kept_is_what_the_policies_say(make_server: Callable[..., Server]) -> None:
    rng = random.Random(SEED)
    server = make_server(config=config(ARTICLE, "12s")).start()
    traces = make_traces(rng, 4000)
    began = time.monotonic()
    send(server, [one for trace in traces for one in trace.spans], rng)
    assert time.monotonic() - began < 10, "too slow for spans to be in time: nothing is proved"
    wait_until(lambda: undecided(server) == 0, KEEP_SECONDS_MAX, "all decided")
    in_time = expected(traces, with_late=False)
    wait_until(lambda: len(stored(server)) >= len(in_time), what="kept spans visible")
    assert stored(server) == in_time
    policies = [policy for policy, _, _ in in_time.values()]
    assert all(policies.count(name) > 20 for name in ("errors", "slow", "some")), "too few of some kind"

    send(server, [one for trace in traces for one in trace.late], rng)
    with_late = expected(traces, with_late=True)
    assert len(with_late) > len(in_time)
    wait_until(lambda: len(stored(server)) >= len(with_late), what="late spans of kept traces")
    assert stored(server) == with_late

    sent = [one for trace in traces for one in trace.spans + trace.late]
    counted: dict[tuple[str, str, str], float] = {}
    for one in sent:
        key = (service_of(one), one.name, {0: "Unset", 2: "Error"}[one.status.code])
        counted[key] = counted.get(key, 0) + 1
    wait_until(lambda: sum(calls(server).values()) >= len(sent), what="all calls counted")
    assert calls(server) == counted
    total = server.sql("SELECT sum(AdjustedCount) FROM otel_traces WHERE ServiceName IN ('shop', 'pay')")[0][0]
    # 1 % of about 14,000 spans in traces of 3.5: a standard deviation of some 17 %.
    assert 0.4 * len(sent) < total < 1.8 * len(sent)


def test_new_policies_come_with_sighup_and_bad_ones_change_nothing(make_server: Callable[..., Server]) -> None:
    rng = random.Random(SEED)
    server = make_server(config=config([ERRORS], "1h")).start()
    failed, fine = (otlp.span(status=ERROR), otlp.span())
    send(server, [failed, fine], rng)
    assert server.process is not None

    def reload(policies: list[dict], wait: str, says: str) -> None:
        server.config = config(policies, wait)
        (server.work_dir / "config.yaml").write_text(json.dumps(server.config))
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: says in server.output(), what=says)

    reload([{"name": "bad", "type": "nonsense"}], "1s", "the new configuration is not used")
    assert undecided(server) == 2
    reload([{"name": "all", "type": "always_sample"}], "1s", "new policies of tail sampling")
    wait_until(lambda: len(stored(server)) == 2, KEEP_SECONDS_MAX, "both, by the new policies")
    assert {policy for policy, _, _ in stored(server).values()} == {"all"}


def test_a_stop_decides_nothing_and_loses_nothing(make_server: Callable[..., Server]) -> None:
    rng = random.Random(SEED)
    server = make_server(config=config([ERRORS], "1h")).start()
    traces = make_traces(rng, 300)
    send(server, [one for trace in traces for one in trace.spans], rng)
    waiting = sum(len(trace.spans) for trace in traces)
    assert undecided(server) == waiting
    assert server.stop() == 0
    server.restart()
    wait_until(lambda: undecided(server) == waiting, what="all wait again")
    assert not stored(server)
    server.kill()
    server.config = config([ERRORS], "1s")
    server.restart()
    wait_until(lambda: undecided(server) == 0, KEEP_SECONDS_MAX, "all decided")
    kept = {one.span_id.hex() for trace in traces if any(span.status.code == 2 for span in trace.spans) for one in trace.spans}
    wait_until(lambda: len(stored(server)) >= len(kept), what="kept spans visible")
    assert stored(server).keys() == kept
    wait_until(lambda: sum(calls(server).values()) >= waiting, what="all calls counted")
    assert sum(calls(server).values()) == waiting


SPANS_PER_REQUEST = 40
BOUNDARIES = [f"{step}.{side}" for step in
              ("journal.frame", "journal.decided", "sample.release", "journal.manifest", "store.insert", "journal.done", "journal.delete")
              for side in ("begin", "end")]  # fmt: skip


@dataclass
class Sent:
    """Requests by number; each is a span name, so that its calls can be told. A trace has spans in two of them, with an error
    in both or in none: whichever part was accepted says what must become of it."""

    requests: int = 0
    acknowledged: set[int] = field(default_factory=set)


def request_of(number: int) -> bytes:
    spans = []
    for n in range(SPANS_PER_REQUEST):
        trace = (number + n % 2) * 1000 + n // 2 * 2 + (n % 2 == 0)  # half of the traces go on in the next request
        failed = trace % 3 == 0
        spans.append(otlp.span(f"request {number}", trace_id=(trace + 1).to_bytes(16, "big"), status=ERROR if failed else {},
                               attributes={"failed": failed}))  # fmt: skip
    return otlp.traces("shop", spans)


def send_until_dead(server: Server, sent: Sent, stop: threading.Event) -> None:
    with server.channel() as channel:
        while not stop.is_set():
            number = sent.requests
            sent.requests += 1
            try:
                export_on(channel, "traces", request_of(number))
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.UNAVAILABLE and server.running:
                    continue
                return
            sent.acknowledged.add(number)


def assert_decided_once(server: Server, sent: Sent) -> None:
    wait_until(lambda: undecided(server) == 0, KEEP_SECONDS_MAX, "all decided")

    def counts(query: str) -> dict[int, int]:
        return {int(row[0]): int(float(row[1])) for row in server.sql(query)}

    called = "SELECT toUInt32(splitByChar(' ', SpanName)[2]) AS request, sum(Calls) FROM span_metrics WHERE ServiceName = 'shop' GROUP BY request"
    wait_until(lambda: len(counts(called).keys() & sent.acknowledged) == len(sent.acknowledged), what="calls of all requests")
    requests = counts(called)
    assert all(count == SPANS_PER_REQUEST for count in requests.values()), "a request is counted in part or twice"
    kept = "SELECT toUInt32(splitByChar(' ', SpanName)[2]) AS request, count() FROM otel_traces WHERE ServiceName = 'shop' GROUP BY request"
    failed = {number: sum(((number + n % 2) * 1000 + n // 2 * 2 + (n % 2 == 0)) % 3 == 0 for n in range(SPANS_PER_REQUEST))
              for number in requests}  # fmt: skip
    wanted = {number: count for number, count in failed.items() if count}
    wait_until(lambda: sum(counts(kept).values()) >= sum(wanted.values()), what="kept spans visible")
    assert counts(kept) == wanted
    assert server.number("SELECT count() FROM otel_traces WHERE ServiceName = 'shop' AND SpanAttributes['failed'] != 'true'") == 0
    assert server.number("SELECT count() - uniqExact(SpanId) FROM otel_traces WHERE ServiceName = 'shop'") == 0
    assert_kept_sums_are_the_spans(server)


def test_killed_at_every_step_each_span_is_decided_once(make_server: Callable[..., Server]) -> None:
    rng = random.Random(SEED)
    plan = [point for _ in range(3 if FULL else 1) for point in BOUNDARIES] + [""] * (12 if FULL else 6)
    rng.shuffle(plan)
    server = make_server(config=config([ERRORS], "1500ms", journal={"segment_bytes_max": 65536}))
    sent, most_undecided = Sent(), 0.0
    for point in plan:
        passes = 1 if point.startswith("journal.delete") else rng.randrange(2, 7)
        server.fault = f"{point}=kill:{passes}" if point else ""
        if not server.start_or_die():
            continue
        stop = threading.Event()
        sender = threading.Thread(target=send_until_dead, args=(server, sent, stop))
        sender.start()
        try:
            if point:
                assert server.process is not None
                assert server.process.wait(40) == -9, f"{point}\n{server.log_tail()}"
            else:
                time.sleep(rng.uniform(0.3, 2.5))
                most_undecided = max(most_undecided, undecided(server))
                server.kill()
        finally:
            stop.set()
            sender.join(30)
    server.restart()
    assert_decided_once(server, sent)
    assert server.stop() == 0
    server.restart()
    assert_decided_once(server, sent)
    assert most_undecided > 1000 and len(sent.acknowledged) > 200, (most_undecided, len(sent.acknowledged))
