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


@pytest.mark.parametrize("sort", ["newest", "slowest"])
def test_a_list_of_spans_has_each_once_with_chosen_columns(shop: Server, sort: str) -> None:
    query = {"q": '{ resource.service.name = "shop" } | select(.cart)', "select": "span.model.version,status", "sort": sort, "last": "15m"}
    spans: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = get(shop, "query/spans", **query, limit=7, **({"cursor": cursor} if cursor else {}))
        assert page["fields"] == ["span.model.version", "span:status", ".cart"]
        spans += page["spans"]
        cursor = page["next_cursor"]
    assert len({span["span_id"] for span in spans}) == len(spans) == 2 * TRACES
    key = "start_unix_nano" if sort == "newest" else "duration_nano"
    assert [int(span[key]) for span in spans] == sorted((int(span[key]) for span in spans), reverse=True)
    roots = [span for span in spans if span["name"] == "GET /"]
    assert sorted(int(span["literals"][2]) for span in roots) == list(range(TRACES))
    assert all(span["literals"][:2] == ["nil", "unset"] for span in roots)


def test_a_list_of_spans_of_whole_traces(shop: Server) -> None:
    page = get(shop, "query/spans", q='{ } > { status = error }', select="span.model.version", last="15m", limit=1000)
    assert [span["literals"] for span in page["spans"]] == [['"v2"']] * 10


def test_an_explanation_finds_what_failures_have_in_common(shop: Server) -> None:
    query = {"q": '{ name = "model.predict" && resource.service.name = "shop" }', "last": "15m"}
    answer = get(shop, "query/explain", **query, selection="{ status = error }")
    assert (answer["selection"]["spans"], answer["baseline"]["spans"]) == (10, 30)
    fields = {attribute["field"]: attribute for attribute in answer["attributes"]}
    assert set(fields) == {"span.model.version", "span:duration"}
    assert fields["span.model.version"]["condition"] == 'span.model.version = "v2"'
    assert fields["span.model.version"]["values"][0] | {"p_value": 0} == {
        "literal": '"v2"', "selection": 1, "baseline": 0, "p_value": 0, "differs": True, "condition": 'span.model.version = "v2"',
    }  # fmt: skip
    # The same as a box of durations, and what has nothing to do with it.
    box = get(shop, "query/explain", **query, min_duration="500ms")
    assert [attribute["field"] for attribute in box["attributes"]][0] in ("span.model.version", "span:status")
    response = requests.get(f"{shop.http}/api/v1/query/explain", params=query, timeout=60)
    assert response.status_code == 400 and "nothing is selected" in response.json()["error"]["message"]


def test_what_stands_in_bodies_of_json_is_asked_by_path(shared_server: Server) -> None:
    bodies = [{"order": {"id": 482133 + i, "user": f"user-{i % 3}"}, "ok": i % 2 == 0} for i in range(9)]
    records = [otlp.log(body if i % 3 else json.dumps(body)) for i, body in enumerate(bodies)]
    assert shared_server.export_http("logs", otlp.logs("json", [*records, otlp.log("no JSON: user-1")])).status_code == 200
    shared_server.wait_for_rows(10, "otel_logs", "ServiceName = 'json'")

    def found(condition: str) -> list[int]:
        answer = get(shared_server, "logs", service="json", q="{ " + condition + " }", last="15m", sort="oldest")
        read = [json.loads(record["body"]) if isinstance(record["body"], str) else record["body"] for record in answer["logs"]]
        return sorted(body["order"]["id"] - 482133 for body in read)

    assert found("body.order.id = 482137") == [4]
    assert found("body.order.id >= 482139 && body.ok = true") == [6, 8]
    assert found('body.order.user = "user-1"') == [1, 4, 7]
    assert found('body.order.user =~ "user-[12]" && body.ok != true') == [1, 5, 7]
    assert found("body.order != nil && body.order.none = nil") == list(range(9))
    query = {"signal": "logs", "last": "15m"}
    facets = get(shared_server, "facets", q='{ resource.service.name = "json" && body.ok = true }', **query)
    assert {facet["field"]: facet["items"] for facet in facets["facets"]}["body.order.user"] == 5
    assert values(facets, "body.ok") == {True: 5, False: 4}
    fields = get(shared_server, "fields", text="body.order", **query)["fields"]
    assert [(field["field"], field["items"]) for field in fields] == [("body.order.id", 9), ("body.order.user", 9)]
    literals = get(shared_server, "fields/values", field="body.order.user", **query)["values"]
    assert {value["literal"]: value["items"] for value in literals} == {f'"user-{i}"': 3 for i in range(3)}


def sql_of(server: Server, what: str, **query: Any) -> str:
    return get(server, f"query/sql/{what}", **query)["sql"]


ODD = "it's \\ {x:String} \"quoted\" ) OR 1 --"


def test_a_search_as_sql_finds_what_the_search_finds(shop: Server) -> None:
    odd = otlp.span("odd", attributes={"odd": ODD})
    assert shop.export_http("traces", otlp.traces("odd", [odd])).status_code == 200
    assert shop.export_http("logs", otlp.logs("odd", [otlp.log(ODD), otlp.log("plain")])).status_code == 200
    shop.wait_for_rows(1, "otel_traces", "ServiceName = 'odd'")
    shop.wait_for_rows(2, "otel_logs", "ServiceName = 'odd'")
    literal = json.dumps(ODD)
    for query in ('{ resource.service.name = "shop" && .model.version = "v2" && duration > 500ms }', '{ .cart >= 30 && name =~ "GET.*" }',
                  f"{{ .odd = {literal} }}", "{ status = error || span.http.method != `GET` }", "{ }"):  # fmt: skip
        for sort in ("newest", "slowest"):
            spans = get(shop, "query/spans", q=query, sort=sort, limit=100)["spans"]
            rows = shop.sql(sql_of(shop, "spans", q=query, sort=sort))
            assert sorted(row[2] for row in rows) == sorted(span["span_id"] for span in spans) and rows, query
    traces = get(shop, "traces", q=f"{{ .odd = {literal} }}", service="odd", attribute=f"odd={ODD}")["traces"]
    assert [row[0] for row in shop.sql(sql_of(shop, "traces", q=f"{{ .odd = {literal} }}", service="odd", attribute=f"odd={ODD}"))] == [traces[0]["trace_id"]]
    logs = shop.sql(sql_of(shop, "logs", service="odd", text=ODD, q=f"{{ body = {literal} }}", attribute="service.name=odd"))
    assert [row[3] for row in logs] == [ODD]


def test_a_search_that_has_no_sql_says_why(shop: Server) -> None:
    response = requests.get(f"{shop.http}/api/v1/query/sql/traces", params={"q": "{ } >> { status = error }"}, timeout=60)
    assert response.status_code == 412 and "judged in memory" in response.json()["error"]["message"]


def test_numbers_over_time_of_whole_traces_and_comparisons(shop: Server) -> None:
    recent = {"last": "15m", "step": "60s"}
    failed = get(shop, "query/series", q='{ resource.service.name = "shop" } > { status = error } | count_over_time()', **recent)
    assert sum(failed["series"][0]["values"]) == 10 and failed["one_in"] == 1
    answer = get(shop, "query/series", q='{ name = "model.predict" && resource.service.name = "shop" } | compare({ status = error })', **recent)
    sums = {tuple(label["literal"] for label in one["labels"]): sum(one["values"]) for one in answer["series"]
            if one["labels"][1]["field"] == "span.model.version"}  # fmt: skip
    assert sums == {('"selection"', '"v2"'): 10, ('"baseline"', '"v1"'): 30, ('"selection_total"', "nil"): 10, ('"baseline_total"', "nil"): 30}
