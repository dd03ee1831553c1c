"""The HTTP API keeps its own word: every answer of the running program is what the OpenAPI description that it serves says.

The data are the recordings of official SDKs and traces made for the purpose; the schemas allow no field that they do not
name, so that a field that is new, gone or of another type fails here.
"""

import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
import yaml
from jsonschema import Draft202012Validator

import otlp
from sightline import Server, wait_until
from test_samples import SAMPLES

DESCRIPTION_FILE = Path(__file__).resolve().parent.parent / "src/serve/openapi.yaml"
DESCRIPTION: dict[str, Any] = yaml.safe_load(DESCRIPTION_FILE.read_text())
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
}
TRACE_ID = bytes.fromhex("a0" * 16)
LONG_TRACE_ID = bytes.fromhex("b1" * 16)
LONG_TRACE_SPANS = 20_000
ODD_SERVICE = "odd/service name?&#%"
ODD_METRIC = "jobs/done per.run"
DAY_NANOS = 24 * 3600 * 10**9
# The recordings are of other days.
ALL_TIMES = {"from": "1", "to": str(2**62)}


def failing_trace() -> bytes:
    root = otlp.span("GET /search", TRACE_ID, milliseconds=900, kind=2, attributes={"http.route": "/search", "n": 1})
    child = otlp.span(
        "GET", TRACE_ID, root.span_id, milliseconds=700, kind=3,
        attributes={"raw": b"\x00\x01", "d": 5.0, "yes": True, "server.address": "en.wikipedia.org"},
        status={"code": 2, "message": "connection refused"},
        events=[{"name": "exception", "time_unix_nano": root.start_time_unix_nano + 1}],
        links=[{"trace_id": LONG_TRACE_ID, "span_id": b"\x01" * 8}],
    )  # fmt: skip
    return otlp.traces(ODD_SERVICE, [root, child])


def long_trace() -> bytes:
    root = otlp.span("long", LONG_TRACE_ID, milliseconds=5000, kind=2)
    children = (otlp.span(f"step {i % 50}", LONG_TRACE_ID, root.span_id, attributes={"i": i}) for i in range(LONG_TRACE_SPANS - 1))
    return otlp.traces("long", [root, *children])


def log_records() -> bytes:
    with_trace = [otlp.log(f"line {i} of the search", trace_id=TRACE_ID, span_id=b"\x02" * 8) for i in range(5)]
    others = [otlp.log(f"Line {i}", severity_number=1 + i % 24, attributes={"i": i}) for i in range(200)]
    return otlp.logs(ODD_SERVICE, with_trace + others)


@pytest.fixture(scope="module")
def filled(shared_server: Server) -> Server:
    server = shared_server
    for sample in SAMPLES:
        sample.send(server)
    for signal, body in (("traces", failing_trace()), ("traces", long_trace()), ("logs", log_records()),
                         ("metrics", otlp.metrics(ODD_SERVICE, [otlp.point(i, place=f"p{i}") for i in range(30)], ODD_METRIC))):  # fmt: skip
        assert server.export_http(signal, body).status_code == 200
    server.wait_for_rows(LONG_TRACE_SPANS, "otel_traces", "ServiceName = 'long'")
    server.wait_for_rows(2, "otel_traces", f"ServiceName = '{ODD_SERVICE}'")
    server.wait_for_rows(205, "otel_logs", f"ServiceName = '{ODD_SERVICE}'")
    server.wait_for_rows(30, "otel_metrics_gauge", f"ServiceName = '{ODD_SERVICE}'")
    return server


def call(server: Server, operation_id: str, path: dict[str, str] | None = None, **query: Any) -> requests.Response:
    method, template, _ = OPERATIONS[operation_id]
    for name, value in (path or {}).items():
        template = template.replace("{" + name + "}", quote(value, safe=""))
    assert "{" not in template, "a part of the path is missing"
    return requests.request(method, f"{server.http}/api/v1{template}", params=query, timeout=60)


def check(schema: dict[str, Any], value: Any) -> None:
    validator = Draft202012Validator({**schema, "components": DESCRIPTION["components"]})
    problems = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in validator.iter_errors(value)]
    assert not problems, "\n".join(problems[:10])


def answer(server: Server, operation_id: str, path: dict[str, str] | None = None, **query: Any) -> dict[str, Any]:
    """The 200 answer, as its schema says it."""
    response = call(server, operation_id, path, **query)
    assert response.status_code == 200, response.text
    content = OPERATIONS[operation_id][2]["responses"]["200"]["content"]["application/json"]
    value = json.loads(response.content)
    check(content["schema"], value)
    return value


def error(server: Server, operation_id: str, http_status: int, path: dict[str, str] | None = None, **query: Any) -> dict[str, Any]:
    response = call(server, operation_id, path, **query)
    assert response.status_code == http_status, f"{response.status_code} {response.text}"
    value = json.loads(response.content)
    check({"$ref": "#/components/schemas/ErrorBody"}, value)
    return value["error"]


def test_the_description_that_is_served_is_the_one_of_the_source(filled: Server) -> None:
    response = call(filled, "getDescription")
    assert response.content == DESCRIPTION_FILE.read_bytes()
    assert response.headers["Content-Type"] == "application/yaml"


ANSWERS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("listServices", {}, ALL_TIMES | {"step": "7d"}),
    ("listServices", {}, {"last": "15m", "step": "1m"}),
    ("listServices", {}, {"last": "15m", "service": ODD_SERVICE}),
    ("listOperations", {"service": ODD_SERVICE}, {"last": "15m"}),
    ("listOperations", {"service": "nobody"}, {}),
    ("listDatabaseCalls", {"service": ODD_SERVICE}, {"last": "15m"}),
    ("listDatabaseCalls", {"service": "nobody"}, {"limit": 1000}),
    ("listDeployments", {"service": ODD_SERVICE}, {"last": "15m"}),
    ("listDeployments", {"service": "nobody"}, ALL_TIMES),
    ("listExceptions", {}, ALL_TIMES),
    ("listExceptions", {}, {"service": ODD_SERVICE, "limit": 3}),
    ("listExceptions", {}, ALL_TIMES | {"state": ["open", "regressed"]}),
    ("getServiceGraph", {}, ALL_TIMES | {"limit": 1000}),
    ("getServiceGraph", {}, {"service": ODD_SERVICE}),
    ("listSilentFailures", {}, ALL_TIMES | {"limit": 500}),
    ("listSilentFailures", {}, {"service": ODD_SERVICE, "last": "15m", "first_seen": "false"}),
    ("countSilentFailures", {}, ALL_TIMES),
    ("countSilentFailures", {}, {"service": "nobody"}),
    ("searchTraces", {}, ALL_TIMES | {"limit": 1000}),
    ("searchTraces", {}, {"service": ODD_SERVICE, "status": "error", "min_duration": "1ms", "max_duration": "1h"}),
    ("searchTraces", {}, {"name": "GET /search", "attribute": ["http.route=/search", "n=1"], "sort": "slowest"}),
    ("searchTraces", {}, {"q": '{ resource.service.name = "long" && duration >= 0ns }', "limit": 7}),
    ("searchTraces", {}, {"q": "{ } >> { status = error } | count() > 0", "last": "15m"}),
    ("scatterSpans", {}, {"q": "{ status = error } || { .i = 7 }", "last": "15m"}),
    ("listFields", {}, {"last": "15m", "text": "http"}),
    ("listFields", {}, {"signal": "logs"}),
    ("listFieldValues", {}, {"field": "resource.service.name"}),
    ("listFieldValues", {}, {"field": "log.i", "signal": "logs", "text": "7"}),
    ("getFacets", {}, {"last": "15m"}),
    ("getFacets", {}, {"q": "{ status = error } << { }", "fields": "resource.service.name,span.http.route", "limit": 3}),
    ("getFacets", {}, {"signal": "logs", "q": "{ severity >= info }"}),
    ("queryGroups", {}, {"by": "resource.service.name,name", "last": "15m", "sort": "p99", "limit": 2}),
    ("queryGroups", {}, {"q": "{ status = error } << { }", "by": ".http.route", "last": "15m"}),
    ("queryHeatmap", {}, {"q": "{ kind = server }", "last": "15m", "columns": 7, "buckets": 8}),
    ("querySpans", {}, {"q": "{ } | select(.http.route, duration)", "select": "resource.service.name,kind", "last": "15m"}),
    ("querySpans", {}, {"q": "{ status = error } << { }", "sort": "slowest", "last": "15m", "limit": 2}),
    ("explainSelection", {}, {"selection": '{ name = "step 7" }', "q": '{ resource.service.name = "long" }', "last": "15m"}),
    ("explainSelection", {}, {"min_duration": "1s", "last": "15m"}),
    ("getSpansSql", {}, {"q": '{ .http.route = "/search" || span.n > 0 }', "sort": "slowest"}),
    ("getTracesSql", {}, {"service": ODD_SERVICE, "attribute": "n=1", "min_duration": "1ms"}),
    ("getLogsSql", {}, {"q": '{ severity >= info } "of the search"', "attribute": "i=7"}),
    ("listViews", {}, {"signal": "traces"}),
    ("tailSpans", {}, {"q": "{ status = error }", "select": "name"}),
    ("tailLogs", {}, {"limit": 7}),
    ("querySeries", {}, {"q": "{ } | rate() by (resource.service.name, .http.route, kind)", "last": "15m"}),
    ("querySeries", {}, {"q": "{ status = error } << { } | rate() by (name)", "last": "15m"}),
    ("querySeries", {}, {"q": "{ } | compare({ status = error })", "last": "15m"}),
    ("querySeries", {}, {"q": "{ } | quantile_over_time(duration, .5, .99)", "last": "15m", "step": "60s"}),
    ("scatterSpans", {}, ALL_TIMES | {"limit": 5000}),
    ("scatterSpans", {}, {"service": "long", "limit": 100}),
    ("getTrace", {"trace_id": TRACE_ID.hex()}, {}),
    ("getTrace", {"trace_id": LONG_TRACE_ID.hex()}, {}),
    ("getTraceOutline", {"trace_id": TRACE_ID.hex()}, {}),
    ("getTraceOutline", {"trace_id": LONG_TRACE_ID.hex()[:8]}, {}),
    ("searchLogs", {}, ALL_TIMES | {"limit": 1000}),
    ("searchLogs", {}, {"service": ODD_SERVICE, "severity": "error", "text": "LINE", "sort": "oldest"}),
    ("searchLogs", {}, {"trace_id": TRACE_ID.hex()}),
    ("searchLogs", {}, {"attribute": "i=7"}),
    ("searchLogs", {}, {"q": '{ severity >= info } "of the search"'}),
    ("searchLogs", {}, {"q": "{ body.a.b = nil }", "instance_of": "00"}),
    ("groupLogs", {}, {"by": "severity,log.i", "last": "15m"}),
    ("logVolume", {}, {"q": "line !nothing", "last": "10m"}),
    ("logVolume", {}, ALL_TIMES | {"step": "30d"}),
    ("logVolume", {}, {"service": ODD_SERVICE, "text": "line", "last": "10m"}),
    ("listMetrics", {}, {"limit": 1000}),
    ("listMetrics", {}, {"text": "JOBS", "service": ODD_SERVICE}),
    ("listMetrics", {}, {"service": ""}),
    ("getMetricCardinality", {"name": ODD_METRIC}, {"last": "15m"}),
    ("getMetricHeatmap", {"name": "latency"}, ALL_TIMES | {"step": "30d"}),
    ("getMetricHeatmap", {"name": "exp.latency"}, ALL_TIMES | {"step": "30d", "filter": '{ resource.service.name = "go-sample" }'}),
    ("listDashboards", {}, {}),
    ("listSlos", {}, {}),
    ("getDashboard", {"id": "ready-http-server"}, {}),
    ("listDashboardShares", {"id": "ready-http-server"}, {}),
    ("listAlerts", {}, {"state": ["firing", "pending"]}),
    ("listAlertTransitions", {}, ALL_TIMES),
    ("listAlertRules", {}, {}),
    ("getMetricSeries", {"name": ODD_METRIC}, {"last": "15m", "group_by": ["place", "service.name"], "limit": 7}),
    ("getMetricExemplars", {"name": ODD_METRIC}, {"last": "15m", "attribute": "place=p1", "limit": 7}),
    ("getMetricExemplars", {"name": "traces.span.metrics.duration"}, {"last": "15m", "type": "histogram"}),
    ("getSampling", {}, {}),
    ("getSamplingTotals", {}, {"last": "15m"}),
    ("getSamplingTotals", {}, ALL_TIMES | {"to": str(4 * 10**18)}),
    ("getSamplingHistory", {}, {"last": "15m", "step": "10s"}),
    ("getStatus", {}, {}),
    ("listChannels", {}, {}),
    ("getRouting", {}, {}),
    ("listSilences", {}, {}),
    ("listDeliveries", {}, {"limit": 7}),
]  # fmt: skip


@pytest.mark.parametrize("operation, path, query", ANSWERS, ids=lambda value: value if isinstance(value, str) else "")
def test_answers_are_what_the_description_says(
    filled: Server, operation: str, path: dict[str, str], query: dict[str, Any]
) -> None:
    answer(filled, operation, path, **query)


def test_every_recorded_trace_span_and_metric_fits_the_description(filled: Server) -> None:
    traces = answer(filled, "searchTraces", **ALL_TIMES, limit=1000)["traces"]
    assert len(traces) > 50
    for summary in traces:
        path = {"trace_id": summary["trace_id"]}
        trace = answer(filled, "getTrace", path)
        outline = answer(filled, "getTraceOutline", path)
        assert [span["span_id"] for span in trace["spans"]] == [span["span_id"] for span in outline["spans"]]
        starts = [int(span["start_unix_nano"]) for span in trace["spans"]]
        if max(starts) - min(starts) < DAY_NANOS:  # recordings share fixed ids; a summary looks a day around
            assert len(trace["spans"]) == summary["span_count"]
        span = trace["spans"][-1]
        detail = answer(filled, "getSpan", path | {"span_id": span["span_id"]})
        if len({span["span_id"] for span in trace["spans"]}) == len(trace["spans"]):
            # Of one span it is not known what the rest of its trace waited for.
            assert detail["span"] | {"critical_path_nano": span["critical_path_nano"]} == span
        assert [one["critical_path_nano"] for one in trace["spans"]] == [one.get("critical_path_nano", 0) for one in outline["spans"]]
    metrics = answer(filled, "listMetrics", limit=1000)["metrics"]
    assert {metric["type"] for metric in metrics} >= {"gauge", "sum", "histogram", "exponential_histogram"}
    with_exemplars = 0
    for metric in metrics:
        series = answer(filled, "getMetricSeries", {"name": metric["name"]}, type=metric["type"], **ALL_TIMES, step="30d")
        steps = (int(series["to_unix_nano"]) - int(series["from_unix_nano"])) // (series["step_seconds"] * 10**9)
        assert all(len(one["values"]) == steps for one in series["series"])
        found = answer(filled, "getMetricExemplars", {"name": metric["name"]}, type=metric["type"], **ALL_TIMES, step="30d")
        with_exemplars += len(found["exemplars"]) > 0
    assert with_exemplars > 3, "recordings have some"


# test_notifications.py asks these, and looks at each answer as this file does.
NOTIFICATION_CHANGES = {"createChannel", "getChannel", "updateChannel", "deleteChannel", "testChannel", "setRouting", "createSilence", "updateSilence", "deleteSilence", "acknowledgeAlert", "withdrawAcknowledgement"}


def test_every_operation_is_asked() -> None:
    asked = {operation for operation, _, _ in ANSWERS} | {"getSpan", "getDescription", "runSql", "setSamplingPolicies", "exportSpans", "exportTraces", "exportLogs", "decideException", "createView", "getView", "updateView", "deleteView", "queryMetrics", "createDashboard", "updateDashboard", "deleteDashboard", "restoreDashboard", "shareDashboard", "getSharedDashboard", "revokeDashboardShare", "createAlertRule", "getAlertRule", "updateAlertRule", "deleteAlertRule", "backtestAlertRule", "createSlo", "getSlo", "updateSlo", "deleteSlo", "getSloStatus", "getSloHistory", "listSloEvents", "getSloConsumers", "previewSlo"} | NOTIFICATION_CHANGES
    assert asked == set(OPERATIONS)


def test_values_keep_their_types_and_failures_name_their_cause(filled: Server) -> None:
    trace = answer(filled, "getTrace", {"trace_id": TRACE_ID.hex()})
    failed = next(span for span in trace["spans"] if span["status"]["code"] == "Error")
    assert failed["attributes"] == {"raw": {"bytes": "AAE="}, "d": 5.0, "yes": True, "server.address": "en.wikipedia.org"}
    assert isinstance(failed["attributes"]["d"], float)
    assert failed["links"][0]["trace_id"] == LONG_TRACE_ID.hex()
    assert [record["body"] for record in trace["logs"]] == [f"line {i} of the search" for i in range(5)]
    summary = answer(filled, "searchTraces", service=ODD_SERVICE)["traces"][0]
    assert summary["root_status"] == "Unset"
    causes = [(failure["name"], failure["target"], failure["message"]) for failure in summary["failures"]]
    assert causes == [("GET", "en.wikipedia.org", "connection refused")]


BAD: list[tuple[str, dict[str, str], dict[str, Any], str]] = [
    ("listServices", {}, {"last": "yesterday"}, "last"),
    ("listServices", {}, {"limit": 0}, "limit"),
    ("listServices", {}, {"step": "1s", "last": "30d"}, "step"),
    ("listExceptions", {}, {"state": "gone"}, "state"),
    ("listOperations", {"service": "a"}, {"from": "2", "to": "1"}, "from"),
    ("searchTraces", {}, {"status": "broken"}, "status"),
    ("searchTraces", {}, {"min_duration": "2s", "max_duration": "1s"}, "min_duration"),
    ("searchTraces", {}, {"attribute": "novalue"}, "attribute"),
    ("searchTraces", {}, {"cursor": "nonsense"}, "cursor"),
    ("searchTraces", {}, {"nosuch": "1"}, "nosuch"),
    ("searchTraces", {}, {"q": "{ span.a == 1 }"}, "q"),
    ("searchTraces", {}, {"q": "{ } | rate()"}, "q"),
    ("scatterSpans", {}, {"q": "{"}, "q"),
    ("searchLogs", {}, {"q": "{ severity >= loud }"}, "q"),
    ("querySeries", {}, {"q": "{ status = error }"}, "q"),
    ("querySeries", {}, {"q": "{ } | rate() by (rootName)"}, "q"),
    ("listFieldValues", {}, {"field": "a = b"}, "field"),
    ("listFieldValues", {}, {"field": "name", "signal": "metrics"}, "signal"),
    ("scatterSpans", {}, {"limit": 5001}, "limit"),
    ("getTrace", {"trace_id": "xyz"}, {}, "trace_id"),
    ("getTraceOutline", {"trace_id": "abc"}, {}, "trace_id"),
    ("getSpan", {"trace_id": "ab" * 16, "span_id": "12"}, {}, "span_id"),
    ("searchLogs", {}, {"severity": "loud"}, "severity"),
    ("searchLogs", {}, {"trace_id": "12"}, "trace_id"),
    ("logVolume", {}, {"step": "0s"}, "step"),
    ("listMetrics", {}, {"limit": "many"}, "limit"),
    ("getMetricSeries", {"name": ODD_METRIC}, {"aggregation": "p95"}, "aggregation"),
    ("getMetricSeries", {"name": ODD_METRIC}, {"group_by": ["a", "b", "c", "d"]}, "group_by"),
    ("getMetricSeries", {"name": ODD_METRIC}, {"type": "counter"}, "type"),
    ("getMetricExemplars", {"name": ODD_METRIC}, {"limit": 501}, "limit"),
    ("getMetricExemplars", {"name": ODD_METRIC}, {"filter": "{ .a = "}, "filter"),
    ("getMetricExemplars", {"name": ODD_METRIC}, {"type": "counter"}, "type"),
]  # fmt: skip


@pytest.mark.parametrize("operation, path, query, where", BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_request_says_what_is_wrong_and_where(
    filled: Server, operation: str, path: dict[str, str], query: dict[str, Any], where: str
) -> None:
    found = error(filled, operation, 400, path, **query)
    assert (found["code"], found["where"]) == ("INVALID_ARGUMENT", where), found
    assert found["message"]


BROKEN_TEXTS = {"an escape without digits": "%zz", "half an escape": "%4", "a zero byte": "a%00b", "not UTF-8": "%ff%fe", "a lone surrogate": "%ed%a0%80"}


def query_parameters(operation: str) -> list[str]:
    parameters = [one if "name" in one else DESCRIPTION["components"]["parameters"][one["$ref"].rsplit("/", 1)[1]]
                  for one in OPERATIONS[operation][2].get("parameters", [])]  # fmt: skip
    return [one["name"] for one in parameters if one["in"] == "query"]


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if query_parameters(name)])
def test_a_parameter_that_is_no_text_is_refused(filled: Server, operation: str) -> None:
    """Every parameter of every request: one clear error that names it, whatever else the request lacks."""
    method, path, _ = OPERATIONS[operation]
    path = path.replace("{trace_id}", TRACE_ID.hex()).replace("{span_id}", "0" * 15 + "1").replace("{id}", "1").replace("{", "").replace("}", "")
    for name in query_parameters(operation):
        for what, text in BROKEN_TEXTS.items():
            # As it stands: `requests` would mend a broken escape.
            connection = http.client.HTTPConnection(filled.http.removeprefix("http://"), timeout=30)
            connection.request(method.upper(), f"/api/v1{path}?{name}={text}", body="SELECT 1" if method == "post" else None)
            answer = connection.getresponse()
            found = json.loads(answer.read())
            connection.close()
            assert answer.status == 400, (name, what, found)
            check({"$ref": "#/components/schemas/ErrorBody"}, found)
            assert (found["error"]["code"], found["error"]["where"]) == ("INVALID_ARGUMENT", name), (what, found)


def test_what_is_not_there_is_not_found(filled: Server) -> None:
    gone = {"trace_id": "ee" * 16}
    assert error(filled, "getTrace", 404, gone)["code"] == "NOT_FOUND"
    assert error(filled, "getTraceOutline", 404, gone)["code"] == "NOT_FOUND"
    no_span = error(filled, "getSpan", 404, {"trace_id": TRACE_ID.hex(), "span_id": "ee" * 8})
    assert (no_span["code"], no_span["where"]) == ("NOT_FOUND", "span_id")
    no_trace = error(filled, "getSpan", 404, {"trace_id": "eeee", "span_id": "ee" * 8})
    assert (no_trace["code"], no_trace["where"]) == ("NOT_FOUND", "trace_id")
    assert error(filled, "getMetricSeries", 404, {"name": "no.such.metric"})["code"] == "NOT_FOUND"


def pages(server: Server, operation: str, items: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
    cursor = None
    while True:
        page = answer(server, operation, **query, **({"cursor": cursor} if cursor else {}))
        yield page[items]
        cursor = page["next_cursor"]
        if cursor is None:
            return


LISTS: list[tuple[str, str, dict[str, Any], str]] = [
    ("searchTraces", "traces", ALL_TIMES, "traces"),
    ("searchTraces", "traces", ALL_TIMES | {"sort": "slowest"}, "traces"),
    ("searchLogs", "logs", ALL_TIMES, "logs"),
    ("searchLogs", "logs", ALL_TIMES | {"sort": "oldest"}, "logs"),
    ("listServices", "services", ALL_TIMES | {"step": "30d"}, "traces"),
    ("listMetrics", "metrics", {}, "metrics"),
]


@pytest.mark.parametrize("operation, items, query, signal", LISTS, ids=lambda value: value if isinstance(value, str) else "")
def test_pages_neither_repeat_nor_skip_while_data_arrives(
    filled: Server, operation: str, items: str, query: dict[str, Any], signal: str
) -> None:
    def known(item: dict[str, Any]) -> str:
        if operation == "searchTraces":  # of a trace, more spans may arrive
            return item["trace_id"]
        if operation == "listServices":
            return item["service"]
        if operation == "listMetrics":
            return "|".join(str(item[key]) for key in ("name", "type", "unit", "temporality", "monotonic"))
        return json.dumps(item, sort_keys=True)

    whole = [known(item) for item in answer(filled, operation, **query, limit=1000)[items]]
    assert len(whole) > 6
    size = max(2, len(whole) // 6)
    paged: list[str] = []
    arrived = 0
    for page in pages(filled, operation, items, **query, limit=size):
        paged += map(known, page)
        service = f"between-{operation}-{query.get('sort')}-{arrived}"
        body = {
            "traces": lambda: otlp.traces(service, [otlp.span(kind=2), otlp.span(kind=2)]),
            "logs": lambda: otlp.logs(service, [otlp.log("new")]),
            "metrics": lambda: otlp.metrics(service, [otlp.point(1)], f"test.{service}"),
        }[signal]()
        assert filled.export_http(signal, body).status_code == 200
        table = {"traces": "otel_traces", "logs": "otel_logs", "metrics": "otel_metrics_gauge"}[signal]
        filled.wait_for_rows(1, table, f"ServiceName = '{service}'")
        arrived += 1
    assert arrived > 3
    assert len(paged) == len(set(paged)) or operation == "searchLogs", "an item came twice"
    missing = [item for item in whole if item not in set(paged)]
    assert not missing, missing[:3]
    if operation == "searchLogs":  # records have no id: the very same list must come
        assert paged[: len(whole)] == whole


@pytest.mark.parametrize("operation", ["getTrace", "getTraceOutline"])
def test_a_trace_is_paged_while_spans_arrive(filled: Server, operation: str) -> None:
    path = {"trace_id": LONG_TRACE_ID.hex()}
    before = [span["span_id"] for span in answer(filled, operation, path)["spans"]]
    assert len(before) >= LONG_TRACE_SPANS
    paged: list[str] = []
    cursor = {}
    number = 0
    while cursor is not None:
        page = answer(filled, operation, path, limit=len(before) // 4, **cursor)
        paged += [span["span_id"] for span in page["spans"]]
        cursor = page["next_cursor"] and {"cursor": page["next_cursor"]}
        late = otlp.span(f"late {operation} {number}", LONG_TRACE_ID)
        assert filled.export_http("traces", otlp.traces("long", [late])).status_code == 200
        filled.wait_for_rows(1, "otel_traces", f"SpanName = 'late {operation} {number}'")
        number += 1
    assert number > 3 and paged == before


def test_a_long_answer_comes_in_pieces_and_ends_when_its_client_leaves(filled: Server) -> None:
    """Reads the first bytes of a trace's answer, which takes the server some MB, and goes."""
    counter = "sightline_api_cancelled_total"
    before = filled.metrics().get(counter, 0)
    host, port = filled.addresses["http"].rsplit(":", 1)

    def leave_early() -> bool:
        connection = socket.create_connection((host, int(port)), timeout=30)
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(f"GET /api/v1/traces/{LONG_TRACE_ID.hex()} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            head = connection.recv(1000)
            assert head.startswith(b"HTTP/1.1 200") and b"Transfer-Encoding: chunked" in head, head
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if filled.metrics().get(counter, 0) > before:
                return True
            time.sleep(0.02)
        return False

    wait_until(leave_early, 30, "a cancelled answer is counted")


def test_what_names_no_service_can_be_asked_for(filled: Server) -> None:
    trace_id = bytes.fromhex("c2" * 16)
    assert filled.export_http("traces", otlp.traces(None, [otlp.span("nameless", trace_id, kind=2)])).status_code == 200
    assert filled.export_http("logs", otlp.logs(None, [otlp.log("nameless line")])).status_code == 200
    filled.wait_for_rows(1, "otel_traces", "SpanName = 'nameless'")
    filled.wait_for_rows(1, "otel_logs", "Body = 'nameless line'")
    recent = {"last": "15m", "service": ""}
    traces = answer(filled, "searchTraces", **recent)["traces"]
    assert trace_id.hex() in [trace["trace_id"] for trace in traces]
    assert {trace["matched"]["service"] for trace in traces} == {""}
    assert trace_id.hex() in [point["trace_id"] for point in answer(filled, "scatterSpans", **recent)["points"]]
    logs = answer(filled, "searchLogs", **recent)["logs"]
    assert "nameless line" in [record["body"] for record in logs] and {record["service"] for record in logs} == {""}
    assert answer(filled, "logVolume", **recent)["total"] == len(logs)
    services = answer(filled, "listServices", **recent)["services"]
    assert [service["service"] for service in services] == [""]
    one = answer(filled, "listServices", last="15m", service=ODD_SERVICE)["services"]
    assert [service["service"] for service in one] == [ODD_SERVICE]


def test_clients_elsewhere_get_the_same_answers_compressed(filled: Server) -> None:
    url = f"{filled.http}/api/v1/traces/{LONG_TRACE_ID.hex()}/outline"
    elsewhere = {"Accept-Encoding": "gzip", "X-Forwarded-For": "192.0.2.7"}
    plain = requests.get(url, headers={"Accept-Encoding": "gzip"}, timeout=60)
    assert "Content-Encoding" not in plain.headers and plain.headers["Vary"] == "Accept-Encoding"
    packed = requests.get(url, headers=elsewhere, timeout=60, stream=True)
    assert packed.headers["Content-Encoding"] == "gzip" and packed.headers["Vary"] == "Accept-Encoding"
    body = packed.raw.read()
    assert len(body) * 4 < len(plain.content)
    whole = json.loads(gzip.decompress(body))
    assert whole["spans"] == plain.json()["spans"] and len(whole["spans"]) >= LONG_TRACE_SPANS
    head = requests.head(url, headers=elsewhere, timeout=60)
    assert head.headers["Content-Encoding"] == "gzip" and not head.content


def test_answers_say_what_they_cost(filled: Server) -> None:
    scanned = answer(filled, "searchLogs", text="line", last="1h")["scanned"]
    assert scanned["rows"] > 0 and scanned["bytes"] > 0 and scanned["elapsed_seconds"] > 0


def test_head_options_and_other_methods(filled: Server) -> None:
    url = f"{filled.http}/api/v1/status"
    head = requests.head(url, timeout=30)
    assert head.status_code == 200 and not head.content
    wrong = requests.delete(url, timeout=30)
    assert wrong.status_code == 405 and "GET" in wrong.headers["Allow"]
    check({"$ref": "#/components/schemas/ErrorBody"}, wrong.json())
    missing = requests.get(f"{filled.http}/api/v1/nothing", timeout=30)
    assert missing.status_code == 404
    check({"$ref": "#/components/schemas/ErrorBody"}, missing.json())
