"""Questions in TraceQL that count over many items: facets, groups, heatmaps, lists of spans, explanations, exports."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

import otlp
from sightline import Server

TRACES = 40


@pytest.fixture(scope="module")
def shop(shared_server: Server) -> Iterator[Server]:
    """Traces of two spans; every fourth fails, and those are the ones with version v2."""
    for i in range(TRACES):
        trace_id = bytes([7, i]) * 8
        version = "v2" if i % 4 == 0 else "v1"
        root = otlp.span("GET /", trace_id, milliseconds=100 + i, kind=2, attributes={"http.method": "GET", "cart": i})
        child = otlp.span(
            "model.predict", trace_id, root.span_id, milliseconds=900 if i % 4 == 0 else 20,
            attributes={"model.version": version}, status={"code": 2} if i % 4 == 0 else None,
        )  # fmt: skip
        assert shared_server.export_http("traces", otlp.traces("shop", [root, child])).status_code == 200
    shared_server.wait_for_rows(2 * TRACES, "otel_traces", "ServiceName = 'shop'")
    yield shared_server


def get(server: Server, path: str, **query: Any) -> dict[str, Any]:
    response = requests.get(f"{server.http}/api/v1/{path}", params=query, timeout=60)
    assert response.status_code == 200, response.text
    return response.json()


def values(answer: dict[str, Any], field: str) -> dict[str, float]:
    facets = {facet["field"]: facet["values"] for facet in answer["facets"]}
    return {json.loads(value["literal"]): value["items"] for value in facets[field]}


def test_facets_count_what_the_query_finds(shop: Server) -> None:
    answer = get(shop, "facets", q='{ resource.service.name = "shop" }')
    assert answer["items"] == 2 * TRACES
    assert values(answer, "span.model.version") == {"v1": 30, "v2": 10}
    assert values(answer, "span.http.request.method") == {"GET": 40}  # recorded as http.method
    failed = get(shop, "facets", q="{ } >> { status = error }", fields="span.model.version")
    assert values(failed, "span.model.version") == {"v2": 10}


def test_groups_have_counts_errors_and_durations(shop: Server) -> None:
    query = {"q": '{ resource.service.name = "shop" }', "by": "span.model.version,status", "sort": "errors", "last": "15m"}
    first = get(shop, "query/groups", **query, limit=2)
    assert [group["literals"] for group in first["groups"]] == [['"v2"', "error"], ["nil", "unset"]]
    assert first["groups"][0]["errors"] == first["groups"][0]["spans"] == sum(first["groups"][0]["sparkline"]) == 10
    assert abs(first["groups"][0]["p99_nano"] - 900e6) < 9e6
    assert (first["spans"], first["errors"], first["group_count"]) == (2 * TRACES, 10, 3)
    second = get(shop, "query/groups", **query, limit=2, cursor=first["next_cursor"])
    assert [group["literals"] for group in second["groups"]] == [['"v1"', "unset"]]
    assert second["next_cursor"] is None


def test_a_heatmap_has_each_span_once(shop: Server) -> None:
    answer = get(shop, "query/heatmap", q='{ resource.service.name = "shop" && name = "model.predict" }', last="15m", columns=5)
    assert answer["spans"] == sum(cell[2] for cell in answer["cells"]) == TRACES
    slow = [cell for cell in answer["cells"] if 2 ** ((cell[1] + 1) / answer["buckets_per_doubling"]) > 800e6]
    assert sum(cell[3] for cell in slow) == answer["errors"] == 10
