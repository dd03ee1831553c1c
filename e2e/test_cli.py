"""The command line, as a user types it."""

import csv
import io
import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

import otlp
from sightline import Server, run_cli

TRACE_ID = secrets.token_bytes(16)


@pytest.fixture(scope="module")
def traced(shared_server: Server) -> Server:
    """A slow failed trace of two services, and a quick good one."""
    root = otlp.span("GET /search", TRACE_ID, milliseconds=900, kind=Span.SPAN_KIND_SERVER,
                     status=Status(code=Status.STATUS_CODE_ERROR, message="no model"))  # fmt: skip
    child = otlp.span("model.predict", TRACE_ID, root.span_id, milliseconds=700, attributes={"model.name": "ranker"},
                      status=Status(code=Status.STATUS_CODE_ERROR, message="127 values"))  # fmt: skip
    for service, span in {"shop": root, "model-server": child, "shop-quick": otlp.span("GET /quick")}.items():
        assert shared_server.export_http("traces", otlp.traces(service, [span])).status_code == 200
    shared_server.wait_for_rows(3, "otel_traces")
    return shared_server


def test_version_and_help() -> None:
    version = run_cli("--version")
    assert version.returncode == 0 and version.stdout.strip()[-1].isdigit()
    usage = run_cli("--help")
    assert usage.returncode == 0
    assert all(command in usage.stdout for command in ("serve", "sql", "traces", "trace", "query", "tail", "export", "config"))


@pytest.mark.parametrize("arguments", [["nosuch"], ["serve", "--nosuch"], ["trace"], []])
def test_wrong_use_is_exit_code_2(arguments: list[str]) -> None:
    assert run_cli(*arguments).returncode == 2


def test_no_server_is_exit_code_1() -> None:
    done = run_cli("traces", "--server", "http://127.0.0.1:1")
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr


def test_sql_prints_the_answer_in_the_format_asked_for(traced: Server) -> None:
    done = traced.cli("sql", "SELECT ServiceName, count() FROM otel_traces GROUP BY ALL ORDER BY ALL", "--format", "CSV")
    assert (done.returncode, done.stdout) == (0, '"model-server",1\n"shop",1\n"shop-quick",1\n')


def test_a_wrong_query_is_wrong_use_and_goes_to_stderr(traced: Server) -> None:
    done = traced.cli("sql", "SELECT nosuchcolumn")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nosuchcolumn" in done.stderr


def test_traces_lists_and_filters(traced: Server) -> None:
    everything = traced.cli("traces", "--last", "1h")
    assert everything.returncode == 0, everything.stderr
    assert TRACE_ID.hex() in everything.stdout and "GET /quick" in everything.stdout
    for filters in (["--errors"], ["--slower-than", "500ms"], ["--service", "shop"]):
        done = traced.cli("traces", "--last", "1h", *filters)
        assert TRACE_ID.hex() in done.stdout and "GET /quick" not in done.stdout, filters
    assert TRACE_ID.hex() not in traced.cli("traces", "--slower-than", "2s").stdout


def test_trace_draws_the_tree(traced: Server) -> None:
    done = traced.cli("trace", TRACE_ID.hex())
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    root, child = (next(i for i, line in enumerate(lines) if name in line) for name in ("GET /search", "model.predict"))
    assert root < child, "a child stands below its parent"
    assert lines[child].index("model.predict") > lines[root].index("GET /search"), "and further in"
    assert "900" in lines[root] and "700" in lines[child], "durations"
    assert "ranker" in done.stdout and "127 values" in done.stdout


def test_traces_and_trace_as_json(traced: Server) -> None:
    assert TRACE_ID.hex() in json.dumps(json.loads(traced.cli("traces", "--last", "1h", "--json").stdout))
    trace = json.loads(traced.cli("trace", TRACE_ID.hex(), "--json").stdout)
    assert "model.predict" in json.dumps(trace)


def test_query_prints_traces_or_numbers(traced: Server) -> None:
    found = traced.cli("query", '{ resource.service.name = "shop" } >> { span.model.name = "ranker" }')
    assert found.returncode == 0, found.stderr
    assert TRACE_ID.hex() in found.stdout and "GET /quick" not in found.stdout
    counted = traced.cli("query", "{ status = error } | count_over_time() by (resource.service.name)")
    assert counted.returncode == 0, counted.stderr
    assert '"model-server"' in counted.stdout and "shop-quick" not in counted.stdout
    series = json.loads(traced.cli("query", "{ } | count_over_time()", "--step", "60s", "--json").stdout)["series"]
    assert [sum(one["values"]) for one in series] == [3]


def test_query_prints_spans_and_groups(traced: Server) -> None:
    spans = traced.cli("query", "{ duration > 600ms }", "--select", ".model.name", "--sort", "slowest")
    assert spans.returncode == 0, spans.stderr
    head, first, second = spans.stdout.splitlines()
    assert head.split()[-1] == ".model.name"
    assert "GET /search" in first and "900.0ms" in first and "nil" in first and "Error" in first
    assert "model.predict" in second and '"ranker"' in second
    assert "model.predict" in traced.cli("query", "{ duration > 600ms }", "--spans").stdout
    groups = traced.cli("query", "{ }", "--by", "resource.service.name,status", "--sort", "errors")
    assert groups.returncode == 0, groups.stderr
    rows = [line.split() for line in groups.stdout.splitlines()]
    assert rows[0][:4] == ["resource.service.name", "span:status", "SPANS", "ERRORS"]
    assert sorted(row[:2] for row in rows[1:]) == [['"model-server"', "error"], ['"shop"', "error"], ['"shop-quick"', "unset"]]
    assert ["1", "100.0%"] in [row[2:4] for row in rows[1:]]


def test_query_prints_for_programs(traced: Server) -> None:
    def table(*arguments: str) -> list[dict[str, str]]:
        done = traced.cli("query", *arguments, "--format", "csv")
        assert done.returncode == 0, done.stderr
        return list(csv.DictReader(io.StringIO(done.stdout)))

    assert [row["root_name"] for row in table("{ status = error }")] == ["GET /search"]
    assert {row[".model.name"] for row in table("{ status = error }", "--select", ".model.name")} == {"ranker", ""}
    groups = table("{ }", "--by", "resource.service.name")
    assert {row["resource.service.name"]: row["spans"] for row in groups} == {"shop": "1", "model-server": "1", "shop-quick": "1"}
    numbers = table("{ } | count_over_time() by (resource.service.name)", "--step", "60s")
    assert sum(float(row["value"]) for row in numbers) == 3 and {row["resource.service.name"] for row in numbers} == {"shop", "model-server", "shop-quick"}
    cut = traced.cli("query", "{ }", "--spans", "--format", "csv", "--limit", "1")
    assert cut.returncode == 0 and "more match" in cut.stderr
    lines = traced.cli("query", "{ }", "--spans", "--format", "jsonl").stdout.splitlines()
    assert {json.loads(line)["name"] for line in lines} == {"GET /search", "model.predict", "GET /quick"}
    assert json.loads(traced.cli("query", "{ }", "--by", "status", "--format", "json").stdout)["group_count"] == 2
    assert traced.cli("query", "{ } | rate()", "--format", "jsonl").returncode == 2


def test_a_wrong_traceql_query_is_wrong_use_and_says_where(traced: Server) -> None:
    done = traced.cli("query", "{ status == error }")
    assert (done.returncode, done.stdout) == (2, "") and "column" in done.stderr


def test_an_unknown_trace_is_exit_code_1(traced: Server) -> None:
    done = traced.cli("trace", "f" * 32)
    assert done.returncode == 1 and "f" * 32 in done.stderr


GOOD_CONFIG = "retention:\n  traces: 7d\n  logs: forever\ndurability: disk\n"


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("retention:\n  traces: 7d\n  lgos: 1d\n", 3, "lgos"),
        ("durability: sometimes\n", 1, "sometimes"),
        ("\n\nretention:\n  traces: soon\n", 4, "soon"),
        ("retention: [\n", 1, ""),
    ],
)
def test_config_check_names_the_line(directory: Path, text: str, line: int, word: str) -> None:
    file = directory / "sightline.yaml"
    file.write_text(text)
    done = run_cli("config", "check", str(file))
    assert done.returncode == 2
    assert word in done.stderr + done.stdout
    assert f":{line}" in done.stderr + done.stdout or f"line {line}" in done.stderr + done.stdout


def test_config_check_accepts_a_good_file(directory: Path) -> None:
    file = directory / "sightline.yaml"
    file.write_text(GOOD_CONFIG)
    assert run_cli("config", "check", str(file)).returncode == 0


def test_a_flag_wins_over_the_environment_and_that_over_the_file(make_server: Callable[..., Server]) -> None:
    """All three name the data directory; only the flag's is made."""
    server = make_server(env={"SIGHTLINE_DATA_DIR": "/nonexistent/by-environment"}, config={"data_dir": "/nonexistent/by-file"})
    server.start()
    assert server.data_dir.is_dir()
