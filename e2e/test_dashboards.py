"""Dashboards: kept by the server, from files, ready for what the data has, shared by links."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

import otlp
from sightline import Server, wait_until
from test_openapi import ALL_TIMES, answer
from test_samples import SAMPLES

DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "title": "Shop",
    "panels": [
        {
            "id": "rate",
            "grid": {"x": 0, "y": 0, "w": 12, "h": 8},
            "display": "line",
            "queries": [{"name": "A", "source": "traceql", "query": "{ resource.service.name =~ $service } | rate()"}],
        }
    ],
}
# Of the demo service, unmodified, these panels have to show something without a click: by ready dashboard.
DEMO_SERVICE = "search-recommendation-service"
DEMO_SHOWS = {
    "ready-service-overview": {"Request rate", "Duration, p95", "Requests by service", "Duration of requests", "Requests by operation",
                               "Failed spans", "Log records by severity"},
    "ready-http-server": {"Request rate", "Duration, p95", "Requests by route", "Requests by status", "Calls by endpoint and status",
                          "Duration percentiles"},
    "ready-http-client": {"Calls", "Failed calls", "Failures by message", "By service, name and status"},
    "ready-databases": {"Calls", "Calls by system", "Statements"},
    "ready-custom-metrics": {"search.queries.total", "model.predictions.total", "external.api.calls.total"},
}  # fmt: skip


def call(server: Server, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
    return requests.request(method, f"{server.http}/api/v1{path}", json=body, params=query, timeout=30)


def make(server: Server, **changes: Any) -> dict[str, Any]:
    made = call(server, "POST", "/dashboards", {"document": {**DOCUMENT, **changes}})
    assert made.status_code == 201, made.text
    return made.json()


def titles(server: Server, origin: str = "own") -> list[str]:
    return [one["title"] for one in answer(server, "listDashboards")["dashboards"] if one["origin"] == origin]


def test_is_made_changed_copied_and_deleted(make_server: Callable[..., Server]) -> None:
    server = make_server().start()
    made = make(server)
    assert made["version"] == 1 and made["document"] == DOCUMENT
    changed = {**DOCUMENT, "title": "Shop, changed"}
    put = call(server, "PUT", f"/dashboards/{made['id']}", {"version": 1, "document": changed})
    assert put.status_code == 200 and put.json()["version"] == 2
    assert call(server, "PUT", f"/dashboards/{made['id']}", {"version": 1, "document": DOCUMENT}).status_code == 412
    make(server, title="Copy of shop")
    assert titles(server) == ["Copy of shop", "Shop, changed"]
    server.kill()
    server.start()
    assert titles(server) == ["Copy of shop", "Shop, changed"], "what was answered is there after a kill"
    assert answer(server, "getDashboard", {"id": made["id"]})["document"] == changed
    assert call(server, "DELETE", f"/dashboards/{made['id']}", version=2).status_code == 204
    assert call(server, "GET", f"/dashboards/{made['id']}").status_code == 404
    assert titles(server) == ["Copy of shop"]


@pytest.mark.parametrize("change, where, message", [
    ({"panels": [{**DOCUMENT["panels"][0], "display": "pies"}]}, "panels[0].display", "none of"),
    ({"panels": [{**DOCUMENT["panels"][0], "queries": [{"name": "A", "source": "traceql", "query": "{ status = }"}]}]},
     "panels[0].queries[0].query", "unexpected"),
    ({"panels": [{**DOCUMENT["panels"][0], "queries": [*DOCUMENT["panels"][0]["queries"], {"name": "B", "source": "sql", "query": "SELECT 1"}]}]},
     "panels[0].queries[1]", "all have the same"),
    ({"colour": "red"}, "document", "colour"),
    ({"panels": [DOCUMENT["panels"][0], DOCUMENT["panels"][0]]}, "panels[1].id", "another"),
])  # fmt: skip
def test_a_wrong_document_says_what_is_wrong_and_where(shared_server: Server, change: dict[str, Any], where: str, message: str) -> None:
    before = titles(shared_server)
    refused = call(shared_server, "POST", "/dashboards", {"document": {**DOCUMENT, **change}})
    assert refused.status_code == 400
    assert refused.json()["error"]["where"] == where and message in refused.json()["error"]["message"]
    assert titles(shared_server) == before


def test_files_appear_change_and_are_named_when_broken(make_server: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text(json.dumps(DOCUMENT))
    (tmp_path / "broken.json").write_text("{")
    server = make_server(config={"dashboards": {"directory": str(tmp_path)}}).start()
    listed = answer(server, "listDashboards")
    assert [one["id"] for one in listed["dashboards"] if one["origin"] == "file"] == ["file-shop"]
    assert [one["file"] for one in listed["broken"]] == ["broken.json"]
    assert answer(server, "getDashboard", {"id": "file-shop"})["document"] == DOCUMENT
    refused = call(server, "PUT", "/dashboards/file-shop", {"version": 1, "document": DOCUMENT})
    assert refused.status_code == 409 and "copy" in refused.json()["error"]["hint"]
    (tmp_path / "shop.json").write_text(json.dumps({**DOCUMENT, "title": "Changed in the file"}))
    assert titles(server, "file") == ["Changed in the file"]
    (tmp_path / "shop.json").unlink()
    assert titles(server, "file") == []


def test_without_their_directory_the_other_dashboards_are_listed(make_server: Callable[..., Server], tmp_path: Path) -> None:
    directory = tmp_path / "dashboards"
    directory.mkdir()
    server = make_server(config={"dashboards": {"directory": str(directory)}}).start()
    make(server)
    directory.rmdir()
    listed = answer(server, "listDashboards")
    assert titles(server) == ["Shop"]
    assert [one["file"] for one in listed["broken"]] == ["dashboards.directory"]


def test_a_share_link_shows_the_dashboard_until_it_is_ended(make_server: Callable[..., Server]) -> None:
    server = make_server().start()
    made = make(server)
    state = "last=6h&var-service=shop"
    share = call(server, "POST", f"/dashboards/{made['id']}/shares", {"state": state}).json()
    assert re.fullmatch("[0-9a-f]{32}", share["token"])
    shared = answer(server, "getSharedDashboard", {"token": share["token"]})
    assert shared == {"state": state, "document": DOCUMENT}
    ready = call(server, "POST", "/dashboards/ready-service-overview/shares", {"state": ""}).json()
    assert answer(server, "getSharedDashboard", {"token": ready["token"]})["document"]["title"] == "Service overview"
    assert [one["token"] for one in answer(server, "listDashboardShares", {"id": made["id"]})["shares"]] == [share["token"]]
    assert call(server, "DELETE", f"/shared-dashboards/{share['token']}").status_code == 204
    assert call(server, "GET", f"/shared-dashboards/{share['token']}").status_code == 404
    assert call(server, "POST", "/dashboards/999/shares", {"state": ""}).status_code == 404


def test_a_deleted_dashboard_comes_back_under_its_id_with_its_links(make_server: Callable[..., Server]) -> None:
    server = make_server().start()
    made = make(server)
    token = call(server, "POST", f"/dashboards/{made['id']}/shares", {"state": ""}).json()["token"]
    assert call(server, "DELETE", f"/dashboards/{made['id']}", version=1).status_code == 204
    assert call(server, "GET", f"/shared-dashboards/{token}").status_code == 404
    server.kill()
    server.start()
    restored = call(server, "POST", f"/dashboards/{made['id']}/restore")
    assert restored.status_code == 200 and restored.json() == made
    assert answer(server, "getSharedDashboard", {"token": token})["document"] == DOCUMENT
    assert call(server, "POST", "/dashboards/999/restore").status_code == 404
    assert call(server, "POST", "/dashboards/ready-http-server/restore").status_code == 409


@pytest.mark.parametrize("name", ["", "x" * 3000, "\u00e4" * 600, 'quo"te\n'], ids=["none", "long", "wide", "odd"])
def test_whatever_metrics_are_called_dashboards_are_listed(make_server: Callable[..., Server], name: str) -> None:
    server = make_server().start()
    assert server.export_http("metrics", otlp.metrics("till", [otlp.point(1, shop="a")], name)).ok
    assert server.export_http("metrics", otlp.metrics("till", [otlp.point(1, shop="a")], "queue.length")).ok
    server.wait_for_rows(1, "otel_metrics_gauge", "MetricName = 'queue.length'")
    panels = answer(server, "getDashboard", {"id": "ready-custom-metrics"})["document"]["panels"]
    assert "queue.length" in [panel["title"] for panel in panels]
    assert "Custom metrics" in titles(server, "ready")


@pytest.mark.parametrize("source, query", [
    ("traceql", "{ kind = $kind && status = ${status} && duration > $least }"),
    ("traceql", "{ span.http.response.status_code = $code } | quantile_over_time(duration, $q) by ($field)"),
    ("logs", "{ severity >= $level } $word"),
])  # fmt: skip
def test_variables_stand_for_values_of_any_type(shared_server: Server, source: str, query: str) -> None:
    panel = {**DOCUMENT["panels"][0], "queries": [{"name": "A", "source": source, "query": query}]}
    assert call(shared_server, "POST", "/dashboards", {"document": {**DOCUMENT, "panels": [panel]}}).status_code == 201


def substituted(text: str) -> str:
    return text.replace("$service", '".*"')


def has_values(series: list[dict[str, Any]]) -> bool:
    return any(value not in (None, 0) for one in series for value in one["values"])


def ask_panel(server: Server, panel: dict[str, Any], times: dict[str, str]) -> bool:
    """Asks what the panel asks, for all services; whether there is something to show."""
    found = False
    spans = {key: value for key, value in times.items() if key != "step"}
    queries = panel.get("queries", [])
    metrics = [query for query in queries if query["source"] == "metrics"]
    if metrics:
        question = {
            **times,
            "queries": [
                {"filter" if key == "query" else key: substituted(value) if key == "query" else value
                 for key, value in query.items() if key not in ("source", "legend")}
                for query in metrics
            ],
            "formulas": panel.get("formulas", []),
        }  # fmt: skip
        response = call(server, "POST", "/metrics/query", question)
        assert response.status_code == 200, (panel["title"], response.text)
        found |= any(has_values(result["series"]) for result in response.json()["results"])
    for query in queries:
        text = substituted(query.get("query", ""))
        by = ",".join(query.get("group_by", []))
        if query["source"] == "logs":
            if panel["display"] == "logs":
                found |= bool(answer(server, "searchLogs", q=text, **spans)["logs"])
            elif by:
                found |= bool(answer(server, "groupLogs", q=text, by=by, **spans)["groups"])
            else:
                found |= bool(answer(server, "logVolume", q=text, **times)["series"])
        elif query["source"] == "traceql":
            if re.search(r"\|\s*\w+\(", text):
                found |= has_values(answer(server, "querySeries", q=text, **times)["series"])
            elif panel["display"] == "heatmap":
                found |= bool(answer(server, "queryHeatmap", q=text, **spans)["cells"])
            elif panel["display"] == "traces":
                found |= bool(answer(server, "searchTraces", q=text, **spans)["traces"])
            else:
                found |= bool(answer(server, "queryGroups", q=text, by=by, **spans)["groups"])
    return found


def ready(server: Server) -> list[dict[str, Any]]:
    return [one for one in answer(server, "listDashboards")["dashboards"] if one["origin"] == "ready"]


def test_ready_ones_ask_what_can_be_asked_and_have_no_data_at_first(make_server: Callable[..., Server]) -> None:
    server = make_server(config={"self_metrics": {"interval": "0s"}}).start()
    listed = ready(server)
    assert len(listed) >= 15
    assert [one["id"] for one in listed if one["has_data"]] == []
    for one in listed:
        for panel in answer(server, "getDashboard", {"id": one["id"]})["document"]["panels"]:
            assert not ask_panel(server, panel, {"last": "1h"}), panel["title"]


def sample_times() -> dict[str, str]:
    """A range around what the recordings of the demo have, with steps that its cumulative metrics fill."""
    marks = [int(match) for sample in SAMPLES if sample.name.startswith("python-demo")
             for match in re.findall(r"\b1\d{18}\b", json.dumps(sample.entry))]  # fmt: skip
    return {"from": str(min(marks) - 10**9), "to": str(max(marks) + 10**9), "step": "10s"}


def test_the_demo_service_is_shown_without_a_click(make_server: Callable[..., Server]) -> None:
    samples = [sample for sample in SAMPLES if sample.name.startswith("python-demo-")]
    if not samples:
        pytest.skip("the recordings are not beside the checkout")
    server = make_server().start()
    for sample in samples:
        sample.send(server)
    server.wait_for_rows(1, "otel_traces", f"ServiceName = '{DEMO_SERVICE}'")
    server.wait_for_rows(1, "otel_metrics_sum", f"ServiceName = '{DEMO_SERVICE}'")
    server.wait_for_rows(1, "otel_logs", f"ServiceName = '{DEMO_SERVICE}'")
    def without_data() -> set[str]:
        return set(DEMO_SHOWS) - {one["id"] for one in ready(server) if one["has_data"]}

    wait_until(lambda: not without_data(), what=f"data of {without_data()}")
    times = sample_times()
    missing = []
    for name, shown in DEMO_SHOWS.items():
        panels = answer(server, "getDashboard", {"id": name})["document"]["panels"]
        assert shown <= {panel["title"] for panel in panels}, name
        for panel in panels:
            if not ask_panel(server, panel, times) and panel["title"] in shown:
                missing.append((name, panel["title"]))
    assert missing == []
