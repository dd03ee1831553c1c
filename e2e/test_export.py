"""What a query finds as a file: tables as they are shown, and telemetry as OTLP that can be sent again."""

import csv
import io
import json
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

import otlp
from sightline import Server, wait_until
from test_samples import SAMPLES

ALL_TIMES = {"from": "1", "to": str(2**62)}
MANY = 2500  # more than two pages
TABLES = {"traces": "otel_traces", "logs": "otel_logs"}
# What depends on when and how something came in, or was mended then.
NOT_COMPARED = {"Repairs", "AdjustedCount", "SamplingPolicy", "CriticalPathSelfTime"}


@pytest.fixture(scope="module")
def filled(shared_server: Server) -> Iterator[Server]:
    for sample in SAMPLES:
        if sample.entry["signal"] in TABLES:
            sample.send(shared_server)
    trace_id = secrets.token_bytes(16)
    root = otlp.span("root, with \"quotes\"\nand lines", trace_id, kind=2, attributes={"i": 2**62, "d": 5.0, "b": False, "raw": b"\x00\xff", "empty": ""},
                     trace_state="a=b", flags=257, events=[{"name": "e", "time_unix_nano": 7, "attributes": otlp.attributes({"n": 1})}],
                     links=[{"trace_id": b"\x01" * 16, "span_id": b"\x02" * 8, "flags": 1, "attributes": otlp.attributes({"l": 0.5})}])  # fmt: skip
    steps = [otlp.span(f"step {i}", trace_id, root.span_id, attributes={"i": i}) for i in range(MANY - 1)]
    assert shared_server.export_http("traces", otlp.traces("many", [root, *steps])).status_code == 200
    records = [otlp.log(f"line {i}", attributes={"i": i, "half": i / 2}) for i in range(MANY)]
    records[0].ClearField("time_unix_nano")
    records[0].observed_time_unix_nano = 5 * 10**9
    assert shared_server.export_http("logs", otlp.logs("many", records)).status_code == 200
    for table in TABLES.values():
        shared_server.wait_for_rows(MANY, table, "ServiceName = 'many'")
    yield shared_server


def export(server: Server, what: str, **query: Any) -> requests.Response:
    response = requests.get(f"{server.http}/api/v1/export/{what}", params=query, timeout=120)
    assert response.status_code == 200, response.text
    return response


def rows(server: Server, table: str, where: str) -> list[str]:
    """Every row of a view, without what does not count: attributes as (type, text) by name, whatever their order."""
    answer = requests.post(f"{server.http}/api/v1/sql", params={"format": "JSONEachRow"}, data=f"SELECT * FROM {table} WHERE {where}", timeout=60)
    assert answer.status_code == 200, answer.text

    def typed(attributes: Any, types: Any) -> Any:
        if isinstance(attributes, list):
            return [typed(one, letters) for one, letters in zip(attributes, types, strict=True)]
        return sorted((key, value, letter) for (key, value), letter in zip(attributes.items(), types, strict=True))

    found = []
    for line in answer.content.splitlines():
        row = {name: value for name, value in json.loads(line).items() if name not in NOT_COMPARED}
        for name in [name for name in row if name.endswith("AttributeTypes")]:
            of = name.removesuffix("Types") + "s"
            row[of] = typed(row[of], row.pop(name))
        found.append(json.dumps(row, sort_keys=True))
    return sorted(found)


FORMATS: dict[str, tuple[str, Callable[[bytes], list[bytes]]]] = {
    "otlp-proto": ("application/x-protobuf", lambda body: [body]),
    "otlp-json": ("application/json", lambda body: [body]),
    "otlp-jsonl": ("application/json", lambda body: body.splitlines()),
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("what", ["spans", "traces", "logs"])
def test_otlp_that_is_sent_again_is_what_was_there(filled: Server, make_server: Callable[..., Server], what: str, format: str) -> None:
    signal = "logs" if what == "logs" else "traces"
    # Recordings share the ids of traces, and a trace is looked for in the days around what matches.
    query, where = ({"q": '{ resource.service.name = "many" && kind = server }'}, "ServiceName = 'many'") if what == "traces" else ({}, "1")
    content_type, requests_of = FORMATS[format]
    file = export(filled, what, format=format, **query, **ALL_TIMES)
    assert file.headers["Content-Type"] == (content_type if format != "otlp-jsonl" else "application/x-ndjson")
    again = make_server(config=filled.config).start()
    for body in requests_of(file.content):
        response = again.export_http(signal, body, content_type=content_type)
        assert response.status_code == 200 and response.content in (b"", b"{}"), response.text
    table = TABLES[signal]
    there = rows(filled, table, where)
    again.wait_for_rows(len(there), table)
    assert rows(again, table, "1") == there


def test_protobuf_in_pieces_is_one_message(filled: Server) -> None:
    data = TracesData.FromString(export(filled, "spans", format="otlp-proto", q='{ resource.service.name = "many" }').content)
    names = [span.name for resource in data.resource_spans for scope in resource.scope_spans for span in scope.spans]
    assert sorted(names) == sorted(['root, with "quotes"\nand lines', *(f"step {i}" for i in range(MANY - 1))])
    data = LogsData.FromString(export(filled, "logs", format="otlp-proto", q="{ log.i >= 10 }").content)
    assert sum(len(scope.log_records) for resource in data.resource_logs for scope in resource.scope_logs) == MANY - 10


def test_csv_and_json_lines_have_the_rows_of_the_list(filled: Server) -> None:
    query = {"q": '{ resource.service.name = "many" && .i >= 5 }', "select": "span.i,kind,resource.service.name"}
    table = list(csv.DictReader(io.StringIO(export(filled, "spans", format="csv", **query).content.decode())))
    lines = [json.loads(line) for line in export(filled, "spans", **query).content.splitlines()]
    assert len(table) == len(lines) == MANY - 5
    for row, line in zip(table, lines, strict=True):
        assert row["span_id"] == line["span_id"] and int(row["span.i"]) == line["fields"]["span.i"]
        assert line["fields"]["resource.service.name"] == row["resource.service.name"] == "many"
    root = next(row for row in table if row["span.i"] == str(2**62))
    assert root["name"] == 'root, with "quotes"\nand lines' and root["span:kind"] == "server"
    starts = [int(row["start_unix_nano"]) for row in table]
    assert starts == sorted(starts, reverse=True)


def test_a_search_of_whole_traces_is_exported_too(filled: Server) -> None:
    query = {"q": '{ kind = server && resource.service.name = "many" } > { .i = 7 }'}
    spans = [json.loads(line) for line in export(filled, "spans", **query).content.splitlines()]
    assert [span["name"] for span in spans] == ["step 7"]
    traces = [json.loads(line) for line in export(filled, "traces", **query).content.splitlines()]
    assert [trace["span_count"] for trace in traces] == [MANY]
    whole = TracesData.FromString(export(filled, "traces", format="otlp-proto", **query).content)
    assert sum(len(scope.spans) for resource in whole.resource_spans for scope in resource.scope_spans) == MANY


def test_log_records_stand_alone(filled: Server) -> None:
    lines = [json.loads(line) for line in export(filled, "logs", service="many", sort="oldest").content.splitlines()]
    assert [line["body"] for line in lines] == [f"line {i}" for i in range(1, MANY)]  # the first is of 1970
    assert lines[0]["resource_attributes"] == {"service.name": "many"} and lines[0]["attributes"] == {"i": 1, "half": 0.5}
    table = list(csv.DictReader(io.StringIO(export(filled, "logs", service="many", format="csv", select="log.i,resource.service.name").content.decode())))
    assert table[0]["log.i"] == str(MANY - 1) and table[0]["resource.service.name"] == "many"
    assert json.loads(table[0]["attributes"]) == {"i": MANY - 1, "half": (MANY - 1) / 2}


def trailers(server: Server, path: str) -> tuple[dict[str, str], int]:
    """The fields behind the last chunk, and how many lines came before: `requests` does not show them."""
    host, port = server.addresses["http"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    _, rest = answer.split(b"\r\n\r\n", 1)
    body = b""
    while True:
        size, rest = rest.split(b"\r\n", 1)
        if int(size, 16) == 0:
            break
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    fields = dict(line.split(": ", 1) for line in rest.decode().strip().split("\r\n"))
    return fields, len(body.splitlines())


@pytest.mark.parametrize("limit, items, complete", [(1, 1, "false"), (2000, 2000, "false"), (2001, 2001, "false"), (MANY, MANY, "true"), (5000, MANY, "true")])
def test_a_limit_is_kept_and_said(filled: Server, limit: int, items: int, complete: str) -> None:
    query = "q=%7B%20resource.service.name%20%3D%20%22many%22%20%7D"
    fields, lines = trailers(filled, f"/api/v1/export/spans?{query}&limit={limit}")
    assert (fields, lines) == ({"X-Sightline-Items": str(items), "X-Sightline-Complete": complete}, items)


def test_more_spans_of_a_judged_trace_than_are_listed_make_a_file_incomplete(filled: Server) -> None:
    query = quote('{ kind = server && resource.service.name = "many" } > { }')
    assert trailers(filled, f"/api/v1/export/spans?q={query}") == ({"X-Sightline-Items": "100", "X-Sightline-Complete": "false"}, 100)


def test_whole_spans_of_many_judged_traces_are_exported(server: Server) -> None:
    """More than a statement could name."""
    for first in range(0, 130, 10):
        spans = []
        for i in range(first, first + 10):
            trace_id = bytes([1, i]) * 8
            root = otlp.span("root", trace_id, kind=2)
            spans += [root, *(otlp.span("step", trace_id, root.span_id) for _ in range(100))]
        assert server.export_http("traces", otlp.traces("many", spans)).status_code == 200
    server.wait_for_rows(130 * 101, "otel_traces")
    lines = export(server, "spans", q="{ kind = server } > { name = `step` }", format="otlp-jsonl", limit=20000).content.splitlines()
    data = [json.loads(line) for line in lines]
    ids = {span["spanId"] for one in data for resource in one["resourceSpans"] for scope in resource["scopeSpans"] for span in scope["spans"]}
    assert len(ids) == 130 * 100


def test_fields_of_json_bodies_are_columns(server: Server) -> None:
    assert server.export_http("logs", otlp.logs("json", [otlp.log('{"user": {"id": 7}, "ok": true}', attributes={"user": "u"})])).status_code == 200
    server.wait_for_rows(1, "otel_logs")
    (row,) = csv.DictReader(io.StringIO(export(server, "logs", format="csv", select="body.user.id,body.ok,body.none,.user").content.decode()))
    assert [row["body.user.id"], row["body.ok"], row["body.none"], row[".user"]] == ["7", "true", "", "u"]


def test_nothing_found_is_a_file_without_items(filled: Server) -> None:
    nothing = {"q": '{ name = "there is none" }'}
    assert export(filled, "spans", format="csv", **nothing).content.decode().splitlines() == ["start_unix_nano,service,name,status,duration_nano,trace_id,span_id"]
    assert export(filled, "spans", format="otlp-json", **nothing).json() == {"resourceSpans": []}
    assert export(filled, "logs", format="otlp-proto", text="there is none").content == b""
    head = requests.head(f"{filled.http}/api/v1/export/spans", timeout=30)
    assert head.status_code == 200 and "attachment" in head.headers["Content-Disposition"]


@pytest.mark.parametrize("path, where", [("spans?q=%7B", "q"), ("spans?format=xml", "format"), ("spans?select=event.x", "select"),
                                         ("logs?select=severity%20%3E%201", "select"), ("traces?limit=100001", "limit"), ("logs?limit=0", "limit")])  # fmt: skip
def test_wrong_questions_get_no_file(filled: Server, path: str, where: str) -> None:
    response = requests.get(f"{filled.http}/api/v1/export/{path}", timeout=30)
    assert response.status_code == 400 and response.json()["error"]["where"] == where, response.text


def test_an_export_ends_when_its_client_leaves(filled: Server) -> None:
    before = filled.metrics().get("sightline_api_cancelled_total", 0)
    host, port = filled.addresses["http"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /api/v1/export/spans?format=otlp-json&from=1&to=4611686018427387904 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(500).startswith(b"HTTP/1.1 200")
    wait_until(lambda: filled.metrics().get("sightline_api_cancelled_total", 0) > before, what="a cancelled export is counted")
    wait_until(lambda: filled.metrics()["sightline_api_running"] == 0, what="no export runs")


# -- in a terminal


def test_the_terminal_writes_a_file_and_says_what_is_in_it(filled: Server, tmp_path: Path) -> None:
    file = tmp_path / "spans.csv"
    done = filled.cli("export", "spans", '{ resource.service.name = "many" }', "--format", "csv", "--limit", "2100", "--output", str(file))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "2100 spans" in done.stderr and "more match" in done.stderr
    assert len(list(csv.reader(io.StringIO(file.read_bytes().decode())))) == 2101
    done = filled.cli("export", "logs", "{ log.i < 3 }", "--select", "log.i")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2, done.stderr
    done = filled.cli("export", "traces", "{ name == 1 }", "--output", str(tmp_path / "none"))
    assert done.returncode == 2 and "==" in done.stderr and not (tmp_path / "none").exists()
