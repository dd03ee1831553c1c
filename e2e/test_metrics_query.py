"""Several metrics in one question, over the API of the running program, with what real SDKs sent and what it counts itself."""

from typing import Any

import pytest
import requests

import otlp
from sightline import Server, wait_until
from test_openapi import OPERATIONS, check


def ask(server: Server, question: dict[str, Any]) -> requests.Response:
    return requests.post(f"{server.http}/api/v1/metrics/query", json=question, timeout=30)


def answered(server: Server, question: dict[str, Any]) -> dict[str, Any]:
    response = ask(server, question)
    assert response.status_code == 200, response.text
    value = response.json()
    check(OPERATIONS["queryMetrics"][2]["responses"]["200"]["content"]["application/json"]["schema"], value)
    return value


@pytest.fixture(scope="module")
def filled(shared_server: Server) -> Server:
    points = [otlp.point(10 * (i + 1), shop=f"s{i}", kind="even" if i % 2 == 0 else "odd") for i in range(4)]
    assert shared_server.export_http("metrics", otlp.metrics("till", points, "queue.length")).ok
    spans = [otlp.span(f"GET /{i % 2}", bytes([9] * 15 + [i]), kind=2, milliseconds=5) for i in range(10)]
    assert shared_server.export_http("traces", otlp.traces("till", spans)).ok
    shared_server.wait_for_rows(4, "otel_metrics_gauge", "ServiceName = 'till'")
    shared_server.wait_for_rows(10, "otel_traces", "ServiceName = 'till'")
    return shared_server


def last_values(result: dict[str, Any]) -> dict[tuple[str, ...], float]:
    return {tuple(one["labels"].values()): [value for value in one["values"] if value is not None][-1] for one in result["series"]}


def test_filters_groups_and_formulas_are_answered_together(filled: Server) -> None:
    value = answered(filled, {
        "last": "5m",
        "queries": [
            {"name": "A", "metric": "queue.length", "aggregation": "sum", "group_by": ["kind"], "hidden": True},
            {"name": "B", "metric": "queue.length", "aggregation": "sum"},
            {"name": "C", "metric": "queue.length", "over_time": "max", "over_series": "p50"},
            {"name": "D", "metric": "queue.length", "aggregation": "sum", "filter": '{ .shop =~ "s[01]" && resource.service.name = "till" }'},
            {"name": "E", "metric": "queue.length", "group_by": ["shop"], "bottom": 2},
        ],
        "formulas": [{"name": "Share", "expression": "100 * A / B", "unit": "%"}],
    })  # fmt: skip
    results = {result["name"]: result for result in value["results"]}
    assert list(results) == ["B", "C", "D", "E", "Share"]
    assert last_values(results["B"]) == {(): 100}
    assert last_values(results["C"]) == {(): 25}
    assert last_values(results["D"]) == {(): 30}
    assert last_values(results["E"]) == {("s0",): 10, ("s1",): 20} and results["E"]["series_total"] == 4
    assert last_values(results["Share"]) == {("even",): 40, ("odd",): 60}


def test_calls_that_are_counted_from_spans_are_filtered_too(filled: Server) -> None:
    question = {
        "last": "5m",
        "queries": [
            {"name": "A", "metric": "traces.span.metrics.calls", "aggregation": "increase", "group_by": ["span.name"],
             "filter": '{ resource.service.name = "till" && .span.kind = "SPAN_KIND_SERVER" }'},
        ],
    }  # fmt: skip

    def names() -> set[tuple[str, ...]]:
        return {tuple(one["labels"].values()) for one in answered(filled, question)["results"][0]["series"]}

    wait_until(lambda: names() == {("GET /0",), ("GET /1",)}, what="calls by name")


@pytest.mark.parametrize("change, where, message", [
    ({"queries": []}, "queries", "one"),
    ({"queries": [{"name": "A"}]}, "queries[0]", "metric"),
    ({"queries": [{"name": "A", "metric": "queue.length", "filter": "{ .x = }"}]}, "queries[0].filter", "column"),
    ({"queries": [{"name": "A", "metric": "queue.length", "aggregation": "p95"}]}, "queries[0].aggregation", "does not fit"),
    ({"queries": [{"name": "A", "metric": "queue.length", "over_time": "max"}]}, "queries[0]", "go together"),
    ({"queries": [{"name": "A", "metric": "queue.length", "group": ["x"]}]}, "queries[0]", "group"),
    ({"formulas": [{"name": "F", "expression": "A +"}]}, "formulas[0].expression", "column 4"),
    ({"formulas": [{"name": "F", "expression": "A / Z"}]}, "formulas[0].expression", "Z"),
    ({"last": "yesterday"}, "last", "yesterday"),
    ({"step": "1500ms"}, "step", "multiple"),
])  # fmt: skip
def test_what_is_wrong_is_named(filled: Server, change: dict[str, Any], where: str, message: str) -> None:
    response = ask(filled, {"last": "5m", "queries": [{"name": "A", "metric": "queue.length"}], **change})
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["where"] == where and message in error["message"] + (error.get("hint") or ""), error


def test_a_metric_that_is_not_there_yet_has_no_series(filled: Server) -> None:
    value = answered(filled, {"queries": [{"name": "A", "metric": "comes.later"}, {"name": "B", "metric": "queue.length"}], "formulas": [{"name": "F", "expression": "or(A, 0) + B"}]})
    assert [len(result["series"]) for result in value["results"]] == [0, 1, 1]


def test_series_of_one_resource_lie_together(filled: Server) -> None:
    """Tables are ordered by the id, which begins with the resource: what one exporter sends has one clock."""
    other = otlp.metrics("other till", [otlp.point(1, shop="s0")], "queue.length")
    assert filled.export_http("metrics", other).ok
    filled.wait_for_rows(1, "otel_metrics_gauge", "ServiceName = 'other till'")
    rows = filled.sql(
        "SELECT ServiceName, uniqExact(SeriesId), groupUniqArray(bitShiftRight(SeriesId, 48)) FROM otel_metrics_gauge "
        "WHERE MetricName = 'queue.length' AND ServiceName LIKE '%till' GROUP BY ServiceName ORDER BY ServiceName"
    )
    assert [(row[0], int(row[1]), len(row[2])) for row in rows] == [("other till", 1, 1), ("till", 4, 1)]
    assert rows[0][2] != rows[1][2]


def test_time_series_functions_of_sql_take_the_points(filled: Server) -> None:
    """The columns are what ClickHouse's functions for PromQL ask for."""
    found = filled.sql(
        "SELECT SeriesId, timeSeriesResampleToGridWithStaleness(toDateTime(intDiv(toUnixTimestamp(now()), 60) * 60 - 300), "
        "toDateTime(intDiv(toUnixTimestamp(now()), 60) * 60 + 60), 60, 600)(TimeUnix, Value) AS grid "
        "FROM otel_metrics_gauge WHERE MetricName = 'queue.length' AND ServiceName = 'till' GROUP BY SeriesId"
    )
    assert len(found) == 4
    assert {[value for value in grid if value is not None][-1] for _, grid in found} == {10, 20, 30, 40}
