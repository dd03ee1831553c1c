"""The service graph with tail sampling: calls of kept and dropped traces, counted once whatever kills the program.

The two sides of each call come in requests of their own, the server's first.
"""

import itertools
import random
from collections.abc import Callable
from typing import Any

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
    graph = answer(server, "getServiceGraph", **query)
    assert not graph["is_cut"]
    return {(edge["client"], edge["server"]): edge for edge in graph["edges"]}


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
