"""The service graph, with tail sampling and without: calls of kept and dropped traces, counted once whatever kills the
program.

The two sides of each call come in requests of their own, the server's first.
"""

import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest

import otlp
from sightline import Server, wait_until
from test_openapi import answer

POLICIES = {"decision_wait": "1s", "policies": [{"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}]}
CONFIG = {"self_metrics": {"interval": "0s"}, "sampling": {"tail_sampling": POLICIES}}
CLIENT, SERVER = 3, 2


class Calls:
    """Traces of one call from web to pay and one from pay to its database; every fourth fails."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.sent = self.failed = 0

    def send(self, server: Server, count: int) -> None:
        callers, callees = [], []
        for number in itertools.islice(self.numbers, count):
            trace, status = number.to_bytes(16, "big"), {"code": 2} if number % 4 == 0 else {}
            caller = otlp.span("GET /pay", trace, b"\x07" * 8, kind=CLIENT, milliseconds=20)
            callee = otlp.span("pay", trace, caller.span_id, kind=SERVER, milliseconds=10, status=status)
            query = otlp.span("SELECT", trace, callee.span_id, kind=CLIENT,
                              attributes={"db.system.name": "postgresql", "db.namespace": "shop"})  # fmt: skip
            callers.append(caller)
            callees += [callee, query]
            self.failed += number % 4 == 0
        assert server.export_grpc("traces", otlp.traces("pay", callees)) == b""
        assert server.export_grpc("traces", otlp.traces("web", callers)) == b""
        self.sent += count


def edges(server: Server, **query: str) -> dict[tuple[str, str], dict[str, Any]]:
    found, cursor = {}, None
    while True:
        page = answer(server, "getServiceGraph", **query, **({"cursor": cursor} if cursor else {}))
        assert not found.keys() & (on_page := {(edge["client"], edge["server"]): edge for edge in page["edges"]}).keys()
        found |= on_page
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def assert_counted(server: Server, calls: Calls) -> None:
    def all_there() -> bool:
        found = edges(server)
        return ("web", "pay") in found and found["web", "pay"]["calls"] >= calls.sent

    wait_until(all_there, what="all calls are counted", seconds=30)
    found = edges(server)
    assert found.keys() == {("web", "pay"), ("pay", "postgresql/shop")}
    edge = found["web", "pay"]
    assert (edge["calls"], edge["errors"], edge["connection_type"]) == (calls.sent, calls.failed, "")
    assert (edge["client_side"]["spans"], edge["server_side"]["spans"]) == (calls.sent, calls.sent)
    assert (edge["client_side"]["max_nano"], edge["server_side"]["max_nano"]) == (20_000_000, 10_000_000)
    database = found["pay", "postgresql/shop"]
    assert (database["calls"], database["connection_type"], database["server_side"]) == (calls.sent, "database", None)


def test_calls_of_kept_and_dropped_traces_are_counted(make_server: Callable[..., Server]) -> None:
    server, calls = make_server(config=CONFIG).start(), Calls()
    calls.send(server, 40)
    calls.send(server, 40)
    assert_counted(server, calls)
    assert server.number("SELECT count() FROM otel_traces") == 3 * calls.failed, "only failed traces are kept"
    assert edges(server, service="web").keys() == {("web", "pay")}
    assert edges(server, service="nobody") == {}


@pytest.mark.parametrize("fault", ["store.insert.begin=kill:3", "store.insert.begin=kill:4", "store.insert.end=kill:4", "journal.done.begin=kill:2", ""])
def test_calls_are_counted_once_whatever_kills_the_program(make_server: Callable[..., Server], fault: str) -> None:
    server, calls, rng = make_server(config=CONFIG), Calls(), random.Random(fault)
    server.fault = fault
    server.start()
    for _ in range(3):
        calls.send(server, 20)
    if fault:
        assert server.process is not None
        wait_until(lambda: server.process.poll() is not None, what="the program is killed", seconds=30)
    else:
        server.kill()  # with all traces undecided
    server.restart()
    calls.send(server, rng.randrange(1, 30))
    assert_counted(server, calls)
    assert server.stop() == 0
    server.restart()
    assert_counted(server, calls)


KEEP_ALL = {"self_metrics": {"interval": "0s"}}
# A span waits 10 s for its other side, and what is found is written every 5 s (store/graph_writer.h).
GRAPH_SECONDS_MAX = 60
CALLS_STORED = """SELECT countIf(ServiceName = 'web'), countIf(ServiceName = 'web' AND TraceId IN (
    SELECT TraceId FROM otel_traces WHERE StatusCode = 'Error')), countIf(ServiceName = 'pay') FROM otel_traces WHERE SpanKind = 'Client'"""


def test_every_span_kept_has_the_same_graph(make_server: Callable[..., Server]) -> None:
    server, calls = make_server(config=KEEP_ALL).start(), Calls()
    calls.send(server, 40)
    calls.send(server, 40)
    wait_until(lambda: ("pay", "postgresql/shop") in edges(server), GRAPH_SECONDS_MAX, "the database is found")
    assert_counted(server, calls)
    assert edges(server, service="web").keys() == {("web", "pay")}


def send_until(server: Server, calls: Calls, seconds: float) -> None:
    """Until the program has killed itself, or then."""
    assert server.process is not None
    end = time.monotonic() + seconds
    while server.process.poll() is None and time.monotonic() < end:
        try:
            calls.send(server, 20)
        except grpc.RpcError:
            break  # it is going down; whether these are kept the store will say
        time.sleep(0.02)
    server.kill()


def assert_graph_is_that_of_the_spans(server: Server) -> None:
    [[web, failed, pay]] = [[int(count) for count in row] for row in server.sql(CALLS_STORED)]
    assert web > 0

    def differences() -> list[str]:
        found = edges(server)
        wanted = {("web", "pay"): (web, failed), ("pay", "postgresql/shop"): (pay, 0)}
        return [f"{edge}: {found.get(edge)} is not {counts}" for edge, counts in wanted.items()
                if edge not in found or (found[edge]["calls"], found[edge]["errors"]) != counts]  # fmt: skip

    wait_until(lambda: not differences(), GRAPH_SECONDS_MAX, "the graph has the calls of all stored spans")
    assert edges(server).keys() == {("web", "pay"), ("pay", "postgresql/shop")}


def test_every_span_kept_calls_are_counted_once_whatever_kills_the_program(make_server: Callable[..., Server]) -> None:
    server, calls, rng = make_server(config=KEEP_ALL), Calls(), random.Random(20261127)
    faults = ["store.graph.begin=kill:2", "store.graph.end=kill:2", "store.graph.end=kill:3", "store.insert.end=kill:5",
              "journal.done.begin=kill:4", "", "", ""]  # fmt: skip
    for fault in faults:
        server.fault = fault
        if server.start_or_die():
            send_until(server, calls, 40 if fault else rng.uniform(0.5, 7))
    server.fault = ""
    server.start()
    assert_graph_is_that_of_the_spans(server)
    server.kill()
    server.start()
    stored = server.number("SELECT count() FROM otel_traces")
    calls.send(server, 20)
    server.wait_for_rows(stored + 60, "otel_traces")
    assert_graph_is_that_of_the_spans(server)
