"""Alerts: rules over real telemetry that fire and are resolved, by the real program; what a kill leaves of them, and what a
backtest says of the same time.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import otlp
from sightline import Server, wait_until
from test_openapi import answer, check

SECOND = 10**9
# What came in is visible about a second later.
TIMES = {"interval": "1s", "delay": "2s", "window": "10s"}
FAILED = {"code": 2}


def call(server: Server, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
    return requests.request(method, f"{server.http}/api/v1{path}", json=body, params=query, timeout=60)


def document(query: dict[str, Any], condition: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schema": 1, "name": "test", "queries": [{"name": "A", **query}], "condition": condition, **TIMES, **more}


def traceql(service: str) -> dict[str, Any]:
    return {"source": "traceql", "query": f'{{ resource.service.name = "{service}" && status = error }} | count_over_time()'}


def above(limit: float, **more: Any) -> dict[str, Any]:
    return {"kind": "threshold", "op": "above", "critical": limit, **more}


def make(server: Server, rule: dict[str, Any]) -> str:
    made = call(server, "POST", "/alerts/rules", {"document": rule})
    assert made.status_code == 201, made.text
    check({"$ref": "#/components/schemas/AlertRule"}, made.json())
    assert made.json()["document"] == rule
    return made.json()["id"]


def send_failures(server: Server, service: str, count: int = 10) -> None:
    spans = [otlp.span("GET /", kind=2, status=FAILED, attributes={"http.route": f"/{i % 2}"}) for i in range(count)]
    assert server.export_http("traces", otlp.traces(service, spans)).status_code == 200


def alerts(server: Server, rule: str, state: str | None = None) -> list[dict[str, Any]]:
    return answer(server, "listAlerts", rule=rule, **({"state": state} if state else {}))["alerts"]


def transitions(server: Server, rule: str) -> list[tuple[str, str]]:
    """From the oldest on."""
    found = answer(server, "listAlertTransitions", rule=rule, last="1h", limit=1000)["transitions"]
    return [(one["from"], one["to"]) for one in reversed(found)]


def wait_for_state(server: Server, rule: str, state: str) -> list[dict[str, Any]]:
    return wait_until(lambda: alerts(server, rule, state), 30, f"rule {rule} has an instance that is {state}")


def wait_until_quiet(server: Server, rule: str) -> None:
    wait_until(lambda: not alerts(server, rule), 30, f"rule {rule} has no instance that is not inactive")


def status(server: Server, rule: str) -> dict[str, Any]:
    return answer(server, "getAlertRule", {"id": rule})["status"]


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """Without the rules of the test before: each is asked every second."""
    yield shared_server
    for rule in answer(shared_server, "listAlertRules")["rules"]:
        assert call(shared_server, "DELETE", f"/alerts/rules/{rule['id']}", version=rule["version"]).status_code == 204


def test_fires_by_group_and_is_resolved(server: Server) -> None:
    rule = document(
        {"source": "traceql", "query": '{ resource.service.name = "by-group" && status = error } | count_over_time() by (span.http.route)'},
        above(4),
        labels={"team": "search"},
        annotations={"summary": "{{http.route}} fails {{value}} times"},
    )
    rule_id = make(server, rule)
    send_failures(server, "by-group", 11)  # six of /0, five of /1
    fired = wait_until(lambda: len(found := alerts(server, rule_id, "firing")) == 2 and found, 30)
    assert {(one["labels"]["http.route"], one["value"]) for one in fired} == {("/0", 6), ("/1", 5)}
    assert all(one["labels"]["team"] == "search" and one["severity"] == "critical" for one in fired)
    assert {one["annotations"]["summary"] for one in fired} == {"/0 fails 6 times", "/1 fails 5 times"}
    assert status(server, rule_id)["state"] == "firing" and status(server, rule_id)["firing"] == 2
    wait_until_quiet(server, rule_id)
    assert sorted(transitions(server, rule_id)) == [("firing", "inactive")] * 2 + [("inactive", "firing")] * 2


def test_is_pending_first_and_kept_firing(server: Server) -> None:
    rule_id = make(server, document(traceql("patient"), above(4), **{"for": "2s", "keep_firing_for": "4s"}))
    send_failures(server, "patient")
    wait_for_state(server, rule_id, "pending")
    wait_for_state(server, rule_id, "firing")
    wait_until_quiet(server, rule_id)
    history = answer(server, "listAlertTransitions", rule=rule_id, last="1h")["transitions"][::-1]
    assert [(one["from"], one["to"]) for one in history] == [
        ("inactive", "pending"), ("pending", "firing"), ("firing", "inactive")]  # fmt: skip
    began, fired, ended = (int(one["at_unix_nano"]) for one in history)
    assert fired - began == 2 * SECOND, "at each second there is an evaluation, and for counts from one to the other"
    # The window has the failures for 10 s, and it must be fine for 4 s.
    assert 13 * SECOND <= ended - began <= 15 * SECOND


def test_a_backtest_says_what_really_happened(server: Server) -> None:
    rule = document(traceql("tested"), above(4), **{"for": "2s"})
    rule_id = make(server, rule)
    begin = time.time_ns()
    send_failures(server, "tested")
    wait_for_state(server, rule_id, "firing")
    wait_until_quiet(server, rule_id)
    history = answer(server, "listAlertTransitions", rule=rule_id, last="1h")["transitions"][::-1]
    times = {one["to"]: one["at_unix_nano"] for one in history}
    question = {"document": rule, "from_unix_nano": str(begin - 10 * SECOND), "to_unix_nano": str(time.time_ns())}
    response = call(server, "POST", "/alerts/backtest", question)
    assert response.status_code == 200, response.text
    backtest = response.json()
    check({"$ref": "#/components/schemas/AlertBacktest"}, backtest)
    assert backtest["step_seconds"] == backtest["interval_seconds"] == 1
    (series,) = backtest["series"]
    assert series["labels"] == {}
    assert series["pending"] == [{"from_unix_nano": times["pending"], "to_unix_nano": times["firing"], "severity": "critical"}]
    assert series["firing"] == [{"from_unix_nano": times["firing"], "to_unix_nano": times["inactive"], "severity": "critical"}]
    assert backtest["summary"]["times_fired"] == 1 and backtest["summary"]["notifications"] == 2
    assert max(series["values"]) == 10


def test_a_kill_neither_forgets_nor_repeats(make_server: Callable[..., Server]) -> None:
    server = make_server().start()
    slow = make(server, document(traceql("shop"), above(4), **{"for": "8s", "window": "1m"}))
    quick = make(server, document(traceql("shop"), above(4), window="1m"))
    send_failures(server, "shop")
    fired = wait_for_state(server, quick, "firing")
    pending = wait_for_state(server, slow, "pending")
    server.kill()
    server.start()
    again = wait_for_state(server, quick, "firing")
    assert [(one["fingerprint"], one["since_unix_nano"]) for one in again] == [(one["fingerprint"], one["since_unix_nano"]) for one in fired]
    (late,) = wait_for_state(server, slow, "firing")
    waited = int(late["since_unix_nano"]) - int(pending[0]["since_unix_nano"])
    assert 8 * SECOND <= waited <= 12 * SECOND, "the time before the kill counts"
    assert transitions(server, slow) == [("inactive", "pending"), ("pending", "firing")]
    assert transitions(server, quick) == [("inactive", "firing")], "it fires once"


def test_a_failing_query_is_an_error_and_not_fine(server: Server) -> None:
    # The gate lets it through; it fails when it runs.
    query = {"source": "sql", "query": "SELECT toInt64('by intention') AS value"}
    rule_id = make(server, document(query, above(4)))
    (alert,) = wait_for_state(server, rule_id, "error")
    assert "by intention" in alert["message"]
    assert status(server, rule_id)["state"] == "error" and "by intention" in status(server, rule_id)["error"]
    assert transitions(server, rule_id) == [("inactive", "error")]
    changed = document({**query, "query": "SELECT 1 AS value"}, above(4))
    assert call(server, "PUT", f"/alerts/rules/{rule_id}", {"version": 1, "document": changed}).status_code == 200
    wait_until_quiet(server, rule_id)
    assert transitions(server, rule_id)[-1] == ("error", "inactive")


def test_log_records_by_group(server: Server) -> None:
    query = {"source": "logs", "query": '{ resource.service.name = "log-service" && severity >= error }', "group_by": ["log.place"]}
    rule_id = make(server, document(query, above(2)))
    records = [otlp.log("failed", severity_number=17, attributes={"place": place}) for place in ("a", "a", "a", "b")]
    assert server.export_http("logs", otlp.logs("log-service", records)).status_code == 200
    (alert,) = wait_for_state(server, rule_id, "firing")
    assert alert["labels"] == {"place": "a"} and alert["value"] == 3
    wait_until_quiet(server, rule_id)


def test_metrics_and_formulas(server: Server) -> None:
    queries = [{"name": name, "source": "metrics", "metric": f"alert.{name}", "aggregation": "last", "group_by": ["place"]} for name in ("used", "size")]
    rule = {**document({"source": "logs"}, above(0.8)), "queries": queries, "formulas": [{"name": "F", "expression": "used / size"}]}
    rule_id = make(server, rule)
    for name, values in {"used": {"a": 9, "b": 7}, "size": {"a": 10, "b": 10}}.items():
        points = [otlp.point(value, place=place) for place, value in values.items()]
        assert server.export_http("metrics", otlp.metrics("disk", points, f"alert.{name}")).status_code == 200
    (alert,) = wait_for_state(server, rule_id, "firing")
    assert alert["labels"] == {"place": "a"} and alert["value"] == pytest.approx(0.9)


def test_sql_by_group(server: Server) -> None:
    query = {"source": "sql", "query": "SELECT ServiceName, count() AS value FROM otel_traces WHERE Timestamp >= $from AND Timestamp < $to AND ServiceName LIKE 'sql-%' GROUP BY ServiceName"}
    rule_id = make(server, document(query, above(4), no_data="ok"))
    send_failures(server, "sql-many", 5)
    send_failures(server, "sql-few", 4)
    (alert,) = wait_for_state(server, rule_id, "firing")
    assert alert["labels"] == {"ServiceName": "sql-many"} and alert["value"] == 5
    wait_until_quiet(server, rule_id)


def test_silent_failures_by_service(server: Server) -> None:
    rule_id = make(server, document({"source": "silent_failures", "service": "silent"}, above(0.4), window="1m"))
    for fails in (True, False):
        root = otlp.span("GET /", kind=2)
        child = otlp.span("call", root.trace_id, root.span_id, kind=3, **({"status": FAILED} if fails else {}))
        assert server.export_http("traces", otlp.traces("silent", [root, child])).status_code == 200
    (alert,) = wait_for_state(server, rule_id, "firing")
    assert alert["labels"] == {"service.name": "silent"} and alert["value"] == pytest.approx(0.5)


def test_absence(server: Server) -> None:
    query = {"source": "traceql", "query": '{ resource.service.name = "absent" } | count_over_time()'}
    rule_id = make(server, document(query, {"kind": "absent"}))
    wait_for_state(server, rule_id, "firing")
    send_failures(server, "absent", 1)
    wait_until_quiet(server, rule_id)
    wait_for_state(server, rule_id, "firing")


def test_change_against_the_window_before(server: Server) -> None:
    condition = {"kind": "change", "against": "1m", "by": "absolute", "op": "above", "warning": 4}
    rule_id = make(server, document(traceql("changing"), condition))
    send_failures(server, "changing")
    (alert,) = wait_for_state(server, rule_id, "firing")
    assert alert["severity"] == "warning" and alert["value"] == 10


def test_an_anomaly_and_its_band(server: Server) -> None:
    now = time.time_ns()
    history = [otlp.point(100 + i % 3, now - i * 60 * SECOND) for i in range(1, 240)]
    assert server.export_http("metrics", otlp.metrics("usual", history, "alert.usual")).status_code == 200
    server.wait_for_rows(239, "otel_metrics_gauge", "MetricName = 'alert.usual'")
    condition = {"kind": "anomaly", "sensitivity": 4, "direction": "above", "history": "3h"}
    rule = document({"source": "metrics", "metric": "alert.usual", "aggregation": "max"}, condition, window="1m")
    rule_id = make(server, rule)
    wait_until(lambda: status(server, rule_id)["evaluated_unix_nano"], 30)
    assert alerts(server, rule_id) == []
    assert server.export_http("metrics", otlp.metrics("usual", [otlp.point(500)], "alert.usual")).status_code == 200
    (alert,) = wait_for_state(server, rule_id, "firing")
    assert alert["value"] == 500
    question = {"document": rule, "from_unix_nano": str(now - 60 * SECOND), "to_unix_nano": str(time.time_ns())}
    response = call(server, "POST", "/alerts/backtest", question)
    assert response.status_code == 200, response.text
    check({"$ref": "#/components/schemas/AlertBacktest"}, response.json())
    (series,) = response.json()["series"]
    assert series["firing"][0]["from_unix_nano"] == alert["since_unix_nano"]
    assert all(100 < upper < 200 for upper in series["band"]["upper"])


def test_rules_that_ask_the_same_share_the_answer(server: Server) -> None:
    before = server.metrics().get("sightline_alert_answers_shared_total", 0)
    for limit in range(3):
        make(server, document(traceql("shared"), above(limit)))
    wait_until(lambda: server.metrics()["sightline_alert_answers_shared_total"] >= before + 4, 30)


def test_a_changed_rule_goes_on_and_one_that_means_something_else_begins_anew(server: Server) -> None:
    rule = document(traceql("changed"), above(4), window="1m")
    rule_id = make(server, rule)
    send_failures(server, "changed")
    (fired,) = wait_for_state(server, rule_id, "firing")
    renamed = {**rule, "name": "another name"}
    assert call(server, "PUT", f"/alerts/rules/{rule_id}", {"version": 1, "document": renamed}).status_code == 200
    wait_until(lambda: alerts(server, rule_id)[0]["rule_name"] == "another name")
    assert alerts(server, rule_id)[0]["since_unix_nano"] == fired["since_unix_nano"]
    assert transitions(server, rule_id) == [("inactive", "firing")]
    assert call(server, "PUT", f"/alerts/rules/{rule_id}", {"version": 1, "document": rule}).status_code == 412
    other = {**renamed, "condition": above(100)}
    assert call(server, "PUT", f"/alerts/rules/{rule_id}", {"version": 2, "document": other}).status_code == 200
    wait_until_quiet(server, rule_id)
    assert transitions(server, rule_id) == [("inactive", "firing"), ("firing", "inactive")]
    assert call(server, "DELETE", f"/alerts/rules/{rule_id}", version=3).status_code == 204
    assert call(server, "GET", f"/alerts/rules/{rule_id}").status_code == 404


@pytest.mark.parametrize("change, where, message", [
    ({"condition": above("5")}, "condition.critical", "number"),  # type: ignore[arg-type]
    ({"queries": [{"name": "A", "source": "traceql", "query": "{ status = }"}]}, "queries[0].query", "unexpected"),
    ({"queries": [{"name": "A", "source": "sql", "query": "DROP TABLE otel_traces"}]}, "queries[0].query", ""),
    ({"window": "5"}, "window", ""),
    ({"colour": "red"}, "document", "colour"),
])  # fmt: skip
def test_a_wrong_document_says_what_is_wrong_and_where(server: Server, change: dict[str, Any], where: str, message: str) -> None:
    refused = call(server, "POST", "/alerts/rules", {"document": {**document(traceql("x"), above(4)), **change}})
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["where"] == where and message in refused.json()["error"]["message"]


YAML = """
schema: 1
name: From a file
queries:
  - {name: A, source: logs, query: '{ severity >= error }'}
condition: {kind: threshold, op: above, critical: 100}
interval: 1s
"""


def test_rules_from_files(make_server: Callable[..., Server], tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "shop.json").write_text(json.dumps(document(traceql("x"), above(4))))
    (folder / "logs.yaml").write_text(YAML)
    (folder / "broken.yaml").write_text(YAML.replace("critical: 100", "critical: many"))
    server = make_server(config={"alerts": {"directory": str(tmp_path)}}).start()
    listed = answer(server, "listAlertRules")
    assert [one["id"] for one in listed["rules"]] == ["file-logs", "file-shop"]
    (broken,) = listed["broken"]
    assert broken["file"] == "broken.yaml" and broken["error"].startswith("condition.critical: ")
    assert answer(server, "getAlertRule", {"id": "file-logs"})["document"]["condition"] == above(100)
    wait_until(lambda: status(server, "file-logs")["evaluated_unix_nano"] is not None, 30)
    refused = call(server, "PUT", "/alerts/rules/file-logs", {"version": 1, "document": document(traceql("x"), above(4))})
    assert refused.status_code == 409 and "copy" in refused.json()["error"]["hint"]
    (folder / "logs.yaml").unlink()
    assert call(server, "GET", "/alerts/rules/file-logs").status_code == 404
