"""SLOs: what is sent is what they count, and what they count outlives whatever happens to the program."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

import otlp
from sightline import Server, wait_until
from test_openapi import answer

SERVICE = "shop"
ERROR = {"code": 2}
CONFIG = {"slos": {"interval": "200ms"}, "self_metrics": {"interval": "0s"}}
DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "name": "Shop answers",
    "objective": 0.995,  # fewer than 0.5 % of the requests fail
    "window": {"kind": "rolling", "length": "30d"},
    "sli": {"kind": "requests", "service": SERVICE, "good": "no_error"},
    "minimum_events": 1,
}


def call(server: Server, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
    return requests.request(method, f"{server.http}/api/v1{path}", json=body, params=query, timeout=30)


def make(server: Server, **changes: Any) -> str:
    made = call(server, "POST", "/slos", {"document": {**DOCUMENT, **changes}})
    assert made.status_code == 201, made.text
    return made.json()["id"]


def status(server: Server, slo: str) -> dict[str, Any]:
    return answer(server, "getSloStatus", {"id": slo})


def counted(server: Server, slo: str) -> tuple[float, float]:
    now = status(server, slo)
    return now["good"], now["total"]


def wait_for_counts(server: Server, slo: str, good: float, total: float) -> dict[str, Any]:
    wait_until(lambda: counted(server, slo) == (good, total), what=f"{good} of {total}, not {counted(server, slo)}")
    return status(server, slo)


def counted_calls(server: Server) -> int:
    return server.number(f"SELECT toUInt64(sum(Calls)) FROM span_metrics WHERE ServiceName = '{SERVICE}'")


def send(server: Server, good: int, bad: int = 0, minutes_ago: float = 0, milliseconds: int = 5, name: str = "GET /", **fields: Any) -> None:
    """Requests of which so many fail, in a block of their own."""
    end = time.time_ns() - int(minutes_ago * 60e9)
    spans = []
    for i in range(good + bad):
        span = otlp.span(name, milliseconds=milliseconds, kind=2, status=ERROR if i < bad else {}, **fields)
        span.start_time_unix_nano, span.end_time_unix_nano = end - milliseconds * 1_000_000, end
        spans.append(span)
    before = counted_calls(server)
    assert server.export_http("traces", otlp.traces_of({"service.name": SERVICE, "service.version": "1.2"}, spans)).status_code == 200
    # What is stored later than it is counted counts as late: of more than 6 hours ago it would not be seen.
    wait_until(lambda: counted_calls(server) == before + good + bad, what="the calls of the spans")


def counter(name: str, points: list[Any], start_unix_nano: int) -> bytes:
    """Points of a counter that tell what came since the point before."""
    request = otlp.REQUESTS["metrics"].FromString(otlp.metrics(SERVICE, points, name))
    metric = request.resource_metrics[0].scope_metrics[0].metrics[0]
    metric.sum.data_points.extend(points)  # it is no gauge any more
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = 1, True
    for one in metric.sum.data_points:
        one.start_time_unix_nano = start_unix_nano
    return request.SerializeToString()


def kinds(server: Server, slo: str) -> list[str]:
    return [event["kind"] for event in answer(server, "listSloEvents", {"id": slo})["events"]]


def test_an_objective_on_errors_counts_what_was_sent(make_server: Callable[..., Server]) -> None:
    server = make_server(config=CONFIG).start()
    send(server, good=500, bad=1, minutes_ago=3 * 24 * 60)  # before there is an SLO
    slo = make(server)
    wait_for_counts(server, slo, 500, 501)
    send(server, good=1499, minutes_ago=1)
    now = wait_for_counts(server, slo, 1999, 2000)
    assert now["measured"] and now["not_measured_because"] == ""
    assert now["sli"] == pytest.approx(0.9995)
    assert now["budget"]["allowed"] == pytest.approx(10) and now["budget"]["spent"] == pytest.approx(1)
    assert now["budget"]["remaining"] == pytest.approx(0.9)
    rates = {one["window"]: one["rate"] for one in now["burn_rates"]}
    assert rates["30d"] == pytest.approx(0.1)
    # Three days ago, to the minute.
    assert abs(int(now["valid_from_unix_nano"]) - (time.time_ns() - 3 * 24 * 3600 * 10**9)) < 180 * 10**9
    history = answer(server, "getSloHistory", {"id": slo}, last="4d", step="1h")
    assert sum(history["good"]) == 1999 and sum(history["total"]) == 2000
    assert min(rate for rate in history["sli"] if rate is not None) == pytest.approx(500 / 501)
    assert history["budget_remaining"][-1] == pytest.approx(0.9)
    # What comes late changes minutes that were counted.
    send(server, good=0, bad=9, minutes_ago=5)
    assert wait_for_counts(server, slo, 1999, 2009)["budget"]["remaining"] == pytest.approx(1 - 10 / (0.005 * 2009))
    wait_until(lambda: "budget_below" in kinds(server, slo), what="that the budget is nearly gone")


def test_without_data_it_is_not_measured(make_server: Callable[..., Server]) -> None:
    server = make_server(config=CONFIG).start()
    slo = make(server)
    wait_until(lambda: status(server, slo)["computed_to_unix_nano"] is not None, what="a count")
    wait_until(lambda: "no events" in status(server, slo)["not_measured_because"], what="that nothing came")
    now = status(server, slo)
    assert not now["measured"] and now["sli"] is None and now["budget"]["remaining"] is None
    assert all(not one["measured"] and one["rate"] is None and one["reason"] for one in now["burn_rates"])
    send(server, good=3, minutes_ago=2)
    assert wait_for_counts(server, slo, 3, 3)["measured"]
    few = make(server, minimum_events=10)
    wait_for_counts(server, few, 3, 3)
    [hour] = [one for one in status(server, few)["burn_rates"] if one["window"] == "1h"]
    assert not hour["measured"] and "fewer than 10" in hour["reason"]


def test_a_changed_definition_counts_what_is_stored_anew(make_server: Callable[..., Server]) -> None:
    server = make_server(config=CONFIG).start()
    send(server, good=40, bad=10, minutes_ago=60)
    send(server, good=20, minutes_ago=30, milliseconds=900, name="GET /slow")
    slo = make(server)
    wait_for_counts(server, slo, 60, 70)
    slow = {**DOCUMENT, "sli": {**DOCUMENT["sli"], "good": {"latency_under": "300ms"}}}
    assert call(server, "PUT", f"/slos/{slo}", {"version": 1, "document": slow}).status_code == 200
    now = wait_for_counts(server, slo, 50, 70)
    assert now["latency_bucket"]["from_nano"] <= 300e6 < now["latency_bucket"]["to_nano"]
    assert call(server, "PUT", f"/slos/{slo}", {"version": 1, "document": slow}).status_code == 412
    one = {**DOCUMENT, "objective": 0.9, "sli": {**DOCUMENT["sli"], "operations": ["GET /slow"]}}
    assert call(server, "PUT", f"/slos/{slo}", {"version": 2, "document": one}).status_code == 200
    wait_for_counts(server, slo, 20, 20)
    changes = [event["text"] for event in answer(server, "listSloEvents", {"id": slo})["events"] if event["kind"] == "definition_changed"]
    assert len(changes) == 2 and "90 %" in changes[0] and "anew" in changes[1]
    assert call(server, "DELETE", f"/slos/{slo}", version=3).status_code == 204
    assert call(server, "GET", f"/slos/{slo}/status").status_code == 404


def test_a_kill_loses_nothing(make_server: Callable[..., Server]) -> None:
    server = make_server(config=CONFIG).start()
    send(server, good=90, bad=10, minutes_ago=45)
    slo = make(server)
    wait_for_counts(server, slo, 90, 100)
    send(server, good=10)
    server.kill()
    server.start()
    wait_for_counts(server, slo, 100, 110)
    assert answer(server, "getSlo", {"id": slo})["document"] == DOCUMENT
    assert kinds(server, slo).count("history_counted") == 1


@pytest.mark.parametrize("change, where, message", [
    ({"objective": 1}, "objective", "between"),
    ({"sli": {"kind": "requests", "good": "no_error"}}, "sli", "service is wanted"),
    ({"sli": {**DOCUMENT["sli"], "good": {"latency_under": "fast"}}}, "sli.good.latency_under", "fast"),
    ({"sli": {"kind": "events", "source": "traceql", "good": {"query": "{ status = }"}, "total": {"query": "{ }"}}}, "sli.good.query", "unexpected"),
    ({"sli": {"kind": "composite", "of": ["77"]}}, "sli.of[0]", "no SLO"),
    ({"window": {"kind": "calendar", "unit": "month", "timezone": "Mars/Olympus"}}, "window.timezone", "no time zone"),
    ({"colour": "red"}, "document", "colour"),
])  # fmt: skip
def test_a_wrong_document_says_what_is_wrong_and_where(shared_server: Server, change: dict[str, Any], where: str, message: str) -> None:
    refused = call(shared_server, "POST", "/slos", {"document": {**DOCUMENT, **change}})
    assert refused.status_code == 400
    assert refused.json()["error"]["where"] == where and message in refused.json()["error"]["message"]


def test_files_are_slos_that_only_the_file_changes(make_server: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(
        f"schema: 1\nname: From a file\nobjective: 0.9\nwindow: {{kind: calendar, unit: month, timezone: Europe/Berlin}}\n"
        f"sli:\n  kind: requests\n  service: {SERVICE}\n  good: no_error\n"
    )
    (tmp_path / "broken.json").write_text("{")
    server = make_server(config={**CONFIG, "slos": {**CONFIG["slos"], "directory": str(tmp_path)}}).start()
    send(server, good=9, bad=1)
    wait_for_counts(server, "file-shop", 9, 10)
    listed = answer(server, "listSlos")
    assert [one["id"] for one in listed["slos"]] == ["file-shop"] and [one["file"] for one in listed["broken"]] == ["broken.json"]
    assert listed["slos"][0]["status"]["total"] == 10
    assert int(listed["slos"][0]["status"]["window"]["ends_unix_nano"]) > time.time_ns()
    assert call(server, "PUT", "/slos/file-shop", {"version": 1, "document": DOCUMENT}).status_code == 409
    (tmp_path / "shop.yaml").rename(tmp_path / "shop.json")
    wait_until(lambda: answer(server, "listSlos")["slos"] == [], what="that YAML is no JSON")
    (tmp_path / "shop.json").write_text(json.dumps(DOCUMENT))
    wait_for_counts(server, "file-shop", 9, 10)


def test_what_the_budget_goes_by_is_named(make_server: Callable[..., Server]) -> None:
    server = make_server(config=CONFIG).start()
    send(server, good=60, name="GET /", attributes={"http.route": "/"})
    send(server, good=20, bad=40, name="POST /pay", attributes={"http.route": "/pay", "bank": "slow"})
    slo = make(server)
    wait_for_counts(server, slo, 80, 120)
    consumers = answer(server, "getSloConsumers", {"id": slo}, last="1h")
    assert [(one["name"], one["bad"], one["total"]) for one in consumers["operations"]] == [("POST /pay", 40, 60), ("GET /", 0, 60)]
    assert consumers["operations"][0]["share"] == 1
    assert (consumers["bad"], consumers["total"]) == (40, 120)
    assert [(one["version"], one["bad"], one["total"]) for one in consumers["versions"]] == [("1.2", 40, 120)]
    assert {"span.bank", "span.http.route"} & {one["field"] for one in consumers["differences"] if one["selection"] > one["baseline"]}
    logs = make(server, sli={"kind": "events", "source": "logs", "good": {"query": "{ severity < error }"}, "total": {"query": ""}})
    assert answer(server, "getSloConsumers", {"id": logs})["not_available_because"]


def test_a_preview_counts_without_keeping_anything(make_server: Callable[..., Server]) -> None:
    server = make_server(config=CONFIG).start()
    send(server, good=97, bad=3, minutes_ago=90)
    server.wait_for_rows(100, "otel_traces")
    body = {"document": DOCUMENT}
    shown = call(server, "POST", "/slos/preview", body, last="6h", step="1h")
    assert shown.status_code == 200, shown.text
    assert (shown.json()["good"], shown.json()["total"]) == (97, 100)
    assert shown.json()["budget_remaining"] == pytest.approx(1 - 0.03 / 0.005)
    steps = shown.json()["history"]["total"]
    assert sum(steps) == 100 and len(steps) in (6, 7)
    of_window = call(server, "POST", "/slos/preview", body).json()
    assert of_window["sli"] == 0.97 and len(of_window["history"]["total"]) >= 30, "of 30 days"
    assert answer(server, "listSlos")["slos"] == []


QUERIES: list[tuple[str, dict[str, Any], tuple[int, int]]] = [
    ("spans", {"kind": "events", "source": "traceql", "good": {"query": '{ resource.service.name = "shop" && status != error }'},
               "total": {"query": '{ resource.service.name = "shop" }'}}, (90, 100)),
    ("records", {"kind": "events", "source": "logs", "good": {"query": '{ resource.service.name = "shop" && severity < error }'},
                 "total": {"query": '{ resource.service.name = "shop" }'}}, (6, 8)),
    ("points", {"kind": "events", "source": "metrics", "good": {"metric": "jobs", "aggregation": "increase", "query": '{ .kind = "good" }'},
                "total": {"metric": "jobs", "aggregation": "increase"}}, (30, 40)),
    ("rows", {"kind": "events", "source": "sql",
              "good": {"query": "SELECT toStartOfMinute(Timestamp) AS time, countIf(StatusCode != 'Error') FROM otel_traces WHERE Timestamp >= $from AND Timestamp < $to GROUP BY time"},
              "total": {"query": "SELECT toStartOfMinute(Timestamp) AS time, count() FROM otel_traces WHERE Timestamp >= $from AND Timestamp < $to GROUP BY time"}}, (90, 100)),
    ("slices", {"kind": "time_slices", "source": "traceql", "query": {"query": "{ } | quantile_over_time(duration, .99)"}, "slice": "1m", "op": "below",
                "threshold": 0.1}, (1, 2)),
]  # fmt: skip


def test_every_source_counts_what_it_was_sent(make_server: Callable[..., Server]) -> None:
    server = make_server(config=CONFIG).start()
    send(server, good=50, bad=5, minutes_ago=10)
    send(server, good=40, bad=5, minutes_ago=20, milliseconds=400)
    past = time.time_ns() - 15 * 60 * 10**9
    records = [otlp.log("x", time_unix_nano=past, severity_number=17 if i < 2 else 9) for i in range(8)]
    assert server.export_http("logs", otlp.logs(SERVICE, records)).status_code == 200
    jobs = [otlp.point(30, past, kind="good"), otlp.point(10, past, kind="bad")]
    assert server.export_http("metrics", counter("jobs", jobs, past - 10**9)).status_code == 200
    server.wait_for_rows(8, "otel_logs")
    server.wait_for_rows(2, "otel_metrics_sum")
    made = {name: make(server, name=name, sli=sli) for name, sli, _ in QUERIES}
    for name, _, (good, total) in QUERIES:
        wait_for_counts(server, made[name], good, total)
    both = make(server, name="both", sli={"kind": "composite", "of": [made["spans"], made["records"]], "weights": [3, 1]})
    assert status(server, both)["sli"] == pytest.approx((3 * 0.9 + 0.75) / 4)
