"""Accepted means kept: the program is killed under load, again and again, at random moments and at every step boundary;
afterwards each item whose export was answered OK is there exactly once, and each other one at most once; and the calls that
are counted by minute are those of the spans.

SIGHTLINE_KILLS=full: each boundary twice and more random moments; by default each boundary once.
"""

import json
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
import requests

import otlp
from counted import assert_api_says_the_spans, assert_calls_are_the_spans, differences
from sightline import SIGNALS, VISIBLE_SECONDS_MAX, Server, export_on, wait_until

FULL = os.environ.get("SIGHTLINE_KILLS") == "full"
SEED = int(os.environ.get("SIGHTLINE_KILL_SEED", "20261101"))
STEPS = ("journal.frame", "journal.manifest", "store.insert", "journal.done", "journal.delete")
BOUNDARIES = [f"{step}.{side}" for step in STEPS for side in ("begin", "end")]
RANDOM_KILLS = 12 if FULL else 10
BOUNDARY_ROUNDS = 2 if FULL else 1
ITEMS_PER_REQUEST = 40
SECONDS_UNTIL_FAULT_MAX = 40.0
# Small segments, so that some are deleted while the test runs. Everything else is as by default.
CONFIG = {"journal": {"segment_bytes_max": 65536}}
# Where each signal's items are found again by their number.
COUNT_BY_ID = {
    "traces": "SELECT toUInt64(SpanAttributes['test.id']) AS id, count() FROM otel_traces WHERE ServiceName = 'kill' GROUP BY id",
    "logs": "SELECT toUInt64(LogAttributes['test.id']) AS id, count() FROM otel_logs WHERE ServiceName = 'kill' GROUP BY id",
    # A point's number is its value, or its sum.
    "metrics": "SELECT toUInt64(n) AS id, count() FROM ("
    + " UNION ALL ".join(
        f"SELECT {value} AS n FROM otel_metrics_{kind} WHERE ServiceName = 'kill' AND MetricName NOT LIKE 'traces.span.metrics.%'"
        for kind, value in {
            "gauge": "Value", "sum": "Value", "histogram": "Sum", "exponential_histogram": "Sum", "summary": "Sum",
        }.items()
    ) + ") GROUP BY id",
}  # fmt: skip


@dataclass
class Ledger:
    """What was sent and what was answered OK, by signal. A request is retried under new numbers only: what became of an
    unanswered one is not known. Thread: each signal's sender appends to its own lists."""

    next_id: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIGNALS, 0))
    acknowledged: dict[str, list[range]] = field(default_factory=lambda: {signal: [] for signal in SIGNALS})

    def take(self, signal: str) -> range:
        first = self.next_id[signal]
        self.next_id[signal] += ITEMS_PER_REQUEST
        return range(first, self.next_id[signal])

    def requests_acknowledged(self) -> int:
        return sum(map(len, self.acknowledged.values()))


def body_of(signal: str, ids: range) -> bytes:
    match signal:
        case "traces":
            return otlp.traces("kill", [
                otlp.span(f"op {n % 7}", kind=1 + n % 5, status={"code": n % 3}, attributes={"test.id": n}) for n in ids
            ])  # fmt: skip
        case "logs":
            return otlp.logs("kill", [otlp.log(attributes={"test.id": number}) for number in ids])
        case _:
            return otlp.metrics_of_all_kinds("kill", ids)


def send_grpc(server: Server, ledger: Ledger, signal: str, stop: threading.Event) -> None:
    with server.channel() as channel:
        while not stop.is_set():
            ids = ledger.take(signal)
            try:
                answer = export_on(channel, signal, body_of(signal, ids))
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.UNAVAILABLE and server.running:
                    continue
                return
            assert answer == b""
            ledger.acknowledged[signal].append(ids)


def send_http(server: Server, ledger: Ledger, signal: str, stop: threading.Event) -> None:
    with requests.Session() as session:
        session.headers["Content-Type"] = "application/x-protobuf"
        while not stop.is_set():
            ids = ledger.take(signal)
            try:
                answer = session.post(f"{server.otlp_http}/v1/{signal}", data=body_of(signal, ids), timeout=30)
            except requests.RequestException:
                return
            if answer.status_code == 200 and answer.content == b"":
                ledger.acknowledged[signal].append(ids)
            else:
                assert answer.status_code == 503, answer.content


SENDERS: dict[str, Callable[[Server, Ledger, str, threading.Event], None]] = {
    "traces": send_grpc, "metrics": send_http, "logs": send_grpc}  # fmt: skip


def under_load(server: Server, ledger: Ledger, until: Callable[[], None]) -> None:
    """One sender a signal while `until` runs; it ends with the server dead."""
    stop = threading.Event()
    threads = [threading.Thread(target=sender, args=(server, ledger, signal, stop)) for signal, sender in SENDERS.items()]
    for thread in threads:
        thread.start()
    try:
        until()
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


def assert_exactly_once(server: Server, ledger: Ledger) -> None:
    for signal in SIGNALS:
        acknowledged = {number for ids in ledger.acknowledged[signal] for number in ids}
        wait_until(lambda: len(counts(server, signal).keys() & acknowledged) == len(acknowledged), VISIBLE_SECONDS_MAX,
                   f"all acknowledged {signal}")  # fmt: skip
        found = counts(server, signal)
        twice = {number: count for number, count in found.items() if count != 1}
        assert not twice, f"{len(twice)} of {len(found)} {signal} are there more than once: {sorted(twice.items())[:10]}"
        never_sent = [number for number in found if number >= ledger.next_id[signal]]
        assert not never_sent
    # The calls of a block come right behind its spans.
    wait_until(lambda: not differences(server), VISIBLE_SECONDS_MAX, "calls counted by minute as the spans are")
    assert_api_says_the_spans(server, "kill")


def counts(server: Server, signal: str) -> dict[int, int]:
    return {int(number): int(count) for number, count in server.sql(COUNT_BY_ID[signal])}


def test_nothing_acknowledged_is_lost_or_doubled(make_server: Callable[..., Server]) -> None:
    rng = random.Random(SEED)
    plan = [point for _ in range(BOUNDARY_ROUNDS) for point in BOUNDARIES] + [""] * RANDOM_KILLS
    rng.shuffle(plan)
    server, ledger, kills = make_server(config=CONFIG), Ledger(), []
    for point in plan:
        # Not the first pass: that one may come before anything is acknowledged, or while an earlier crash is mended.
        passes = rng.randrange(1, 4) if point.startswith("journal.delete") else rng.randrange(2, 9)
        server.fault = f"{point}=kill:{passes}" if point else ""
        before = ledger.requests_acknowledged()
        if not server.start_or_die():  # mending the last crash passed the point already
            killed_itself(server, point)
        elif point:
            under_load(server, ledger, lambda: killed_itself(server, point))
        else:
            assert_calls_are_the_spans(server)  # right after the restart, whatever the last kill left
            under_load(server, ledger, lambda: kill_after(server, rng.uniform(0.1, 2.5)))
        kills.append((point or "random", ledger.requests_acknowledged() - before))
    print(json.dumps(kills))
    server.restart()
    assert_exactly_once(server, ledger)
    assert server.stop() == 0
    server.restart()
    assert_exactly_once(server, ledger)
    assert ledger.requests_acknowledged() > 10 * len(plan), "the load was too light to prove anything"


def killed_itself(server: Server, point: str) -> None:
    assert server.process is not None
    try:
        code = server.process.wait(SECONDS_UNTIL_FAULT_MAX)
    except Exception as error:
        raise AssertionError(f"{point} was not passed within {SECONDS_UNTIL_FAULT_MAX} s of load") from error
    assert code == -9, f"{point}: ended with {code} instead\n{server.log_tail()}"


def kill_after(server: Server, seconds: float) -> None:
    time.sleep(seconds)
    server.kill()


def test_with_group_commit_too(make_server: Callable[..., Server]) -> None:
    """durability: disk answers from a thread of its own, when the sync has ended."""
    server, ledger = make_server(config=CONFIG | {"durability": "disk"}), Ledger()
    for point in ("journal.sync", "store.insert.end", "journal.done.begin", ""):
        server.fault = f"{point}=kill:9" if point else ""
        if not server.start_or_die():
            killed_itself(server, point)
        else:
            under_load(server, ledger, (lambda: killed_itself(server, point)) if point else (lambda: kill_after(server, 1.0)))
    server.restart()
    assert_exactly_once(server, ledger)
    assert ledger.requests_acknowledged() > 20


def test_a_crash_while_a_crash_is_mended_loses_nothing(make_server: Callable[..., Server]) -> None:
    """Killed under load, then killed again at the boundaries that the restart itself passes."""
    server, ledger = make_server(config=CONFIG), Ledger()
    for point in ("store.insert.begin", "store.insert.end", "journal.done.begin", "journal.manifest.end"):
        server.restart(fault="")
        under_load(server, ledger, lambda: kill_after(server, 0.7))
        server.fault = f"{point}=kill:1"
        process = server.spawn()
        assert process.wait(SECONDS_UNTIL_FAULT_MAX) == -9, f"{point} was not passed while mending\n{server.log_tail()}"
    server.restart()  # with no fault armed
    assert_exactly_once(server, ledger)


def test_sigterm_under_load_ends_in_time_and_keeps_all(make_server: Callable[..., Server]) -> None:
    server, ledger = make_server(config=CONFIG).start(), Ledger()

    def end() -> None:
        wait_until(lambda: ledger.requests_acknowledged() > 30, what="30 answers")
        assert server.stop() == 0

    under_load(server, ledger, end)
    server.restart()
    assert_exactly_once(server, ledger)


def test_failed_inserts_are_repeated_until_they_succeed(make_server: Callable[..., Server]) -> None:
    server, ledger = make_server(config=CONFIG, fault="store.insert.begin=error:1-5").start(), Ledger()
    under_load(server, ledger, lambda: wait_until(lambda: ledger.requests_acknowledged() > 30, what="30 answers"))
    assert server.running
    assert_exactly_once(server, ledger)
