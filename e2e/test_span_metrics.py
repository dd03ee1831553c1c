"""Calls by minute are counted exactly once, whatever kills the program, and are right at once after a restart.

A block of spans of two days is inserted in seven steps: attribute sets, the spans of each day, the calls of each day at
all resolutions, and of each day what was kept. The program is killed before each of them, and before the mark that all are done.
test_kill.py kills at all other moments.
"""

import itertools
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import grpc
import pytest
import requests

import otlp
from counted import all_pages, assert_api_says_the_spans, assert_calls_are_the_spans, differences
from sightline import Server, clickhouse_on, export_on, wait_until

DAY_NANOS = 24 * 3600 * 10**9
# Its own metrics would pass the points too.
CONFIG = {"self_metrics": {"interval": "0s"}}
SECONDS_UNTIL_KILLED_MAX = 40.0
KINDS, STATUSES = range(6), range(3)
REQUESTS = 20  # a round: one block
SPANS_PER_REQUEST = 2 * len(KINDS) * len(STATUSES)
STEPS = [*(f"store.insert.begin=kill:{step}" for step in range(1, 8)), "journal.done.begin=kill:1"]
ROUNDS = 3 if os.environ.get("SIGHTLINE_KILLS") == "full" else 1


def request(number: int) -> bytes:
    """Spans of every kind and status, of the last two days' noons (so that a block has two days whenever the test runs), all
    of a name of their own, so that each request's counts can be told from others'. Two of three have a local parent."""
    spans = []
    for days_ago in (1, 2):
        start = (time.time_ns() // DAY_NANOS - days_ago) * DAY_NANOS + DAY_NANOS // 2
        for kind in KINDS:
            for status in STATUSES:
                span = otlp.span(f"request {number}", parent=b"\x01" * 8 if status else b"", status={"code": status})
                span.kind = kind  # 0 would be merged as if it were not given
                span.start_time_unix_nano = start + number * 1_000_000_007
                span.end_time_unix_nano = span.start_time_unix_nano + (1 + number * 7 % 900) * 1_000_000
                spans.append(span)
    return otlp.traces("counted", spans)


def send_until_killed(server: Server, numbers: Iterator[int]) -> set[int]:
    """The numbers of those requests that were answered OK; what became of another one is not known."""
    assert server.process is not None
    acknowledged = set()
    with server.channel() as channel:
        for number in itertools.islice(numbers, REQUESTS):
            try:
                assert export_on(channel, "traces", request(number)) == b""
            except grpc.RpcError:
                break
            acknowledged.add(number)
    assert server.process.wait(SECONDS_UNTIL_KILLED_MAX) == -9, server.log_tail()
    assert acknowledged
    return acknowledged


def uncounted_parts(server: Server) -> tuple[int, ...]:
    """Days of blocks, in the directory of the stopped server, whose spans are stored and whose calls are not counted; those
    that are not among what was kept."""
    with clickhouse_on(server.data_dir / "clickhouse") as url:

        def missing_in(table: str) -> int:
            query = f"""SELECT count() FROM (SELECT DISTINCT Block, toDate(Timestamp, 'UTC') FROM sightline.spans) WHERE tuple(*) NOT IN
              (SELECT Block, toDate(Time, 'UTC') FROM sightline.{table} WHERE Block != 0)"""
            return int(urllib.request.urlopen(f"{url}/", data=query.encode(), timeout=30).read())

        return missing_in("span_metric_rollups"), missing_in("kept_span_rollups")


def test_calls_are_counted_once_whatever_step_of_a_block_is_the_last(make_server: Callable[..., Server]) -> None:
    server, numbers, acknowledged, uncounted = make_server(config=CONFIG), itertools.count(), set(), []
    for step in STEPS * ROUNDS:
        if server.running:
            assert server.stop() == 0  # so that the fault meets a block of this round, and no rest of the last one
        server.restart(fault=step)
        acknowledged |= send_until_killed(server, numbers)
        uncounted.append(uncounted_parts(server))
        server.restart()
        assert_calls_are_the_spans(server)  # at once: ready means that the crash is mended
        assert_counted_once(server, acknowledged)
    # One day's spans were there without their sums, then both days', then one of them: the kills hit what they meant to.
    assert uncounted == [(0, 0), (0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1), (0, 0)] * ROUNDS
    assert_api_says_the_spans(server, "counted")
    assert server.stop() == 0
    server.restart()
    assert_calls_are_the_spans(server)
    assert_counted_once(server, acknowledged)


def assert_counted_once(server: Server, acknowledged: set[int]) -> None:
    rows = server.sql("SELECT SpanName, sum(Calls) FROM span_metrics WHERE ServiceName = 'counted' GROUP BY SpanName")
    counted = {int(name.removeprefix("request ")): calls for name, calls in rows}
    assert acknowledged <= counted.keys()
    assert set(counted.values()) == {SPANS_PER_REQUEST}, counted


def test_a_directory_of_the_time_before_calls_were_counted(make_server: Callable[..., Server]) -> None:
    """Spans that were stored then are not counted; a block that a crash left unfinished then, and all later ones, are."""
    server = make_server(config=CONFIG).start()
    assert server.export_grpc("traces", request(0)) == b""
    assert server.stop() == 0  # with the block's done mark: finishing it would meet the fault
    server.restart(fault="journal.done.begin=kill:1")
    numbers = itertools.count(1)
    acknowledged = send_until_killed(server, numbers)
    with clickhouse_on(server.data_dir / "clickhouse") as url:
        for statement in ("DROP VIEW sightline.span_metrics", "DROP TABLE sightline.span_metric_rollups SYNC",
                          "TRUNCATE TABLE sightline.schema_version", "INSERT INTO sightline.schema_version VALUES (1, now64(6), '')"):  # fmt: skip
            urllib.request.urlopen(f"{url}/", data=statement.encode(), timeout=30).read()
    server.restart()
    assert {one["name"] for one in all_pages(server, "/services/counted/operations", "operations", last="4d")} >= {
        f"request {number}" for number in acknowledged
    }
    assert all("request 0'" in line for line in differences(server)), "only what was done before is not counted"
    assert differences(server)
    assert server.number("SELECT count() FROM otel_traces WHERE SpanName = 'request 0'") == SPANS_PER_REQUEST
    name = f"request {(new := next(numbers))}"
    assert server.export_grpc("traces", request(new)) == b""
    wait_until(lambda: server.sql(f"SELECT sum(Calls) FROM span_metrics WHERE SpanName = '{name}'")[0][0] == SPANS_PER_REQUEST,
               what="new spans are counted")  # fmt: skip


DIMENSIONS = [{"name": "http.route"}, {"name": "tier", "default": "none"}]
ROUTES = {"/pay": (6, 20, 0), "/buy": (3, 300, 3)}  # spans, their milliseconds, how many of them failed
TAIL_SAMPLING = {"decision_wait": "1s", "policies": [{"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}]}


def series(server: Server, metric: str, aggregation: str) -> dict[str, Any]:
    answer = requests.get(f"{server.http}/api/v1/metrics/traces.span.metrics.{metric}/series", timeout=60,
                          params={"group_by": "http.route", "aggregation": aggregation, "step": "3600s"})  # fmt: skip
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("sampled", [False, True], ids=["every span kept", "sampled"])
def test_dimensions_and_metrics_with_the_names_of_the_connector(make_server: Callable[..., Server], sampled: bool) -> None:
    """Of kept and dropped spans alike: in SQL, and as OTLP metrics in SQL and in the API."""
    config = CONFIG | {"span_metrics": {"dimensions": DIMENSIONS}} | ({"sampling": {"tail_sampling": TAIL_SAMPLING}} if sampled else {})
    server = make_server(config=config).start()
    now = time.time_ns()
    for route, (count, milliseconds, failed) in ROUTES.items():
        spans = []
        for number in range(count):
            span = otlp.span("handle", kind=2, status={"code": 2 if number < failed else 0}, attributes={"http.route": route})
            span.start_time_unix_nano = now - 300 * 10**9
            span.end_time_unix_nano = span.start_time_unix_nano + milliseconds * 1_000_000
            spans.append(span)
        assert server.export_grpc("traces", otlp.traces("shop", spans)) == b""
    total = sum(count for count, *_ in ROUTES.values())
    wait_until(lambda: server.sql("SELECT sum(Calls) FROM span_metrics WHERE ServiceName = 'shop'") == [[total]], what="all are counted")

    rows = server.sql("SELECT Dimensions['http.route'], Dimensions['tier'], sum(Calls) FROM span_metrics GROUP BY ALL ORDER BY ALL")
    assert rows == [[route, "none", count] for route, (count, *_) in sorted(ROUTES.items())]
    points = server.sql("""SELECT Attributes, sum(Value) FROM otel_metrics_sum WHERE MetricName = 'traces.span.metrics.calls'
        GROUP BY ALL ORDER BY Attributes['http.route'], Attributes['status.code']""")
    labels = {"service.name": "shop", "span.name": "handle", "span.kind": "SPAN_KIND_SERVER", "tier": "none"}
    assert points == [[labels | {"http.route": "/buy", "status.code": "STATUS_CODE_ERROR"}, 3],
                      [labels | {"http.route": "/pay", "status.code": "STATUS_CODE_UNSET"}, 6]]  # fmt: skip
    histograms = server.sql("""SELECT Attributes['http.route'] AS route, sum(Count), sum(Sum), max(Max), any(MetricUnit), any(length(ExplicitBounds)),
        any(length(BucketCounts)) FROM otel_metrics_histogram WHERE MetricName = 'traces.span.metrics.duration' GROUP BY route ORDER BY route""")
    assert histograms == [["/buy", 3, 900, 300, "ms", 73, 74], ["/pay", 6, 120, 20, "ms", 73, 74]]

    listed = {one["name"]: one for one in all_pages(server, "/metrics", "metrics")}
    assert listed["traces.span.metrics.calls"]["type"] == "sum" and listed["traces.span.metrics.calls"]["unit"] == "{call}"
    assert listed["traces.span.metrics.duration"]["series_count"] == 2
    assert "http.route" in listed["traces.span.metrics.duration"]["attribute_keys"]
    calls = series(server, "calls", "increase")
    assert {one["labels"]["http.route"]: sum(filter(None, one["values"])) for one in calls["series"]} == {"/pay": 6, "/buy": 3}
    slow = series(server, "duration", "p95")
    quantiles = {one["labels"]["http.route"]: max(filter(None, one["values"])) for one in slow["series"]}
    assert quantiles["/pay"] == pytest.approx(20, rel=0.2) and quantiles["/buy"] == pytest.approx(300, rel=0.2)
    assert len(all_pages(server, "/services/shop/operations", "operations")) == 1, "operations are as they were"


def test_series_beyond_the_limit_are_counted_together(make_server: Callable[..., Server]) -> None:
    server = make_server(config=CONFIG | {"span_metrics": {"series_per_service_max": 10}}).start()
    for first in (0, 15):
        spans = [otlp.span(f"GET /user/{number}", kind=2) for number in range(first, first + 15)]
        assert server.export_grpc("traces", otlp.traces("ids", spans)) == b""
        assert server.export_grpc("traces", otlp.traces("shop", [otlp.span("buy", kind=2)])) == b""
    wait_until(lambda: server.sql("SELECT sum(Calls) FROM span_metrics WHERE ServiceName = 'ids'") == [[30]], what="all are counted")
    assert server.sql("SELECT uniqExact(SpanName), sumIf(Calls, SpanName = '(other)') FROM span_metrics WHERE ServiceName = 'ids'") == [[11, 20]]
    assert server.metrics()['sightline_span_metrics_overflowed_spans_total{signal="traces"}'] == 20
    overflow = server.sql("""SELECT Attributes, sum(Value) FROM otel_metrics_sum WHERE MetricName = 'traces.span.metrics.calls' AND
        mapContains(Attributes, 'otel.metric.overflow') GROUP BY ALL""")
    assert overflow == [[{"otel.metric.overflow": "true"}, 20]]
    wait_until(lambda: server.sql("SELECT sum(Calls) FROM span_metrics WHERE ServiceName = 'shop' AND SpanName = 'buy'") == [[2]], what="another service")


@pytest.mark.parametrize("service", ["", "/", "a/b", "a/operations", "ünï & co?#%25", "nobody"])
def test_a_service_is_asked_by_its_name_whatever_that_is(shared_server: Server, service: str) -> None:
    if service != "nobody":
        assert shared_server.export_grpc("traces", otlp.traces(service, [otlp.span("work", kind=2)])) == b""
        wait_until(lambda: service in (one["service"] for one in all_pages(shared_server, "/services", "services")), what=service)
    found = all_pages(shared_server, f"/services/{quote(service, safe='')}/operations", "operations")
    assert [(one["name"], one["calls"]) for one in found] == ([] if service == "nobody" else [("work", 1)])


def test_spans_of_a_sampled_trace_count_for_those_they_stand_for(server: Server) -> None:
    spans = [otlp.span("work", kind=2, trace_state=state) for state in ("ot=th:c", "vendor=x,ot=rv:8badf00d8badf0;th:8", "ot=th:oops", "")]
    assert server.export_grpc("traces", otlp.traces("sampled", spans)) == b""
    wait_until(lambda: all_pages(server, "/services", "services"), what="the service")
    (found,) = all_pages(server, "/services", "services")
    assert (found["calls"], found["errors"]) == (4 + 2 + 1 + 1, 0)
