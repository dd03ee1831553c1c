"""POST /api/v1/sql: any format, read-only, one statement, nothing but the telemetry."""

import pytest
import requests

import otlp
from sightline import Server


@pytest.fixture(scope="module")
def server_with_data(shared_server: Server) -> Server:
    span = otlp.span("sql", attributes={"count": 7, "ratio": 0.5, "yes": True, "quote": "it's \"so\" \\ \t ✓"})
    assert shared_server.export_http("traces", otlp.traces("sql", [span])).status_code == 200
    shared_server.wait_for_rows(1, "otel_traces", "ServiceName = 'sql'")
    return shared_server


def ask(server: Server, sql: str, **parameters: str) -> requests.Response:
    return requests.post(f"{server.http}/api/v1/sql", params=parameters, data=sql.encode(), timeout=30)


def test_json_is_the_default(server_with_data: Server) -> None:
    answer = ask(server_with_data, "SELECT SpanName, SpanAttributes FROM otel_traces WHERE ServiceName = 'sql'")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    (row,) = answer.json()["data"]
    assert row["SpanAttributes"] == {"count": "7", "ratio": "0.5", "yes": "true", "quote": "it's \"so\" \\ \t ✓"}


@pytest.mark.parametrize(("format_name", "text"), [("CSV", "1,2\n"), ("TabSeparated", "1\t2\n"), ("JSONCompactEachRow", "[1, 2]\n")])
def test_any_format_by_parameter_or_clause(server_with_data: Server, format_name: str, text: str) -> None:
    assert ask(server_with_data, "SELECT 1, 2", format=format_name).text.replace(",2", ", 2") == text.replace(",2", ", 2")
    assert ask(server_with_data, f"SELECT 1, 2 FORMAT {format_name}").text.replace(",2", ", 2") == text.replace(",2", ", 2")


def test_errors_are_json_with_clickhouses_code(server_with_data: Server) -> None:
    answer = ask(server_with_data, "SELECT nosuchcolumn FROM otel_traces")
    assert answer.status_code == 400
    error = answer.json()
    assert 47 in flatten(error), error  # UNKNOWN_IDENTIFIER
    assert "nosuchcolumn" in str(error)


def flatten(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in flatten(item)]
    return [value]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "INSERT INTO otel_traces (SpanName) VALUES ('x')",
        "DROP TABLE sightline.spans",
        "ALTER TABLE sightline.spans DELETE WHERE 1",
        "CREATE TABLE t (a Int8) ENGINE = Memory",
        "SYSTEM SHUTDOWN",
        "SET max_execution_time = 0",
        "KILL QUERY WHERE 1",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'a String')",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "SELECT * FROM executable('id', 'TSV', 'a String')",
        "SELECT file('/etc/passwd')",
        "SELECT * FROM system.users",
        "SELECT * FROM (SELECT * FROM file('/etc/passwd', 'LineAsString'))",
        "WITH (SELECT count() FROM url('http://127.0.0.1:1/', 'LineAsString', 'a String')) AS x SELECT x",
        "SELECT 1 INTO OUTFILE '/dev/null'",
        "SELECT 1 SETTINGS max_memory_usage = 0",
        "SELECT getSetting('max_memory_usage') FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
        "SELECT sleepEachRow(3) FROM numbers(1000)",
        "EXPLAIN SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "DESCRIBE TABLE file('/etc/passwd', 'LineAsString')",
        "/* comment */ DROP DATABASE sightline",
        "SELECT dictGet('a', 'b', 1)",
        "",
    ],
)
def test_what_is_no_harmless_question_is_refused(server_with_data: Server, sql: str) -> None:
    answer = ask(server_with_data, sql)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    assert "root:" not in answer.text
    assert server_with_data.number("SELECT count() FROM otel_traces WHERE ServiceName = 'sql'") == 1


def test_a_question_without_end_is_ended(server_with_data: Server) -> None:
    answer = requests.post(
        f"{server_with_data.http}/api/v1/sql", data="SELECT sum(number * number) FROM numbers(1000000000000)", timeout=120
    )
    assert answer.status_code >= 400 or "exception" in answer.text.lower()
    assert server_with_data.number("SELECT 1") == 1


def test_the_views_have_the_collectors_columns(server_with_data: Server) -> None:
    """Names and types of the OTel Collector's exporter come first, ours at the end."""
    described = {name: kind for name, kind, *_ in server_with_data.sql("DESCRIBE TABLE otel_traces")}
    text_map = "Map(LowCardinality(String), String)"
    assert list(described)[:14] == [
        "Timestamp", "TraceId", "SpanId", "ParentSpanId", "TraceState", "SpanName", "SpanKind", "ServiceName",
        "ResourceAttributes", "ScopeName", "ScopeVersion", "SpanAttributes", "Duration", "StatusCode",
    ]  # fmt: skip
    assert described["Timestamp"] == "DateTime64(9)"
    assert described["SpanAttributes"] == described["ResourceAttributes"] == text_map
    assert described["Duration"] == "UInt64"
    assert described["SpanName"] == described["StatusCode"] == "LowCardinality(String)"
    assert described["Events.Attributes"] == f"Array({text_map})"
    assert described["AdjustedCount"] == "Float64" and "SamplingPolicy" in described
    metrics = {name: kind for name, kind, *_ in server_with_data.sql("DESCRIBE TABLE otel_metrics_histogram")}
    assert metrics["BucketCounts"] == "Array(UInt64)" and metrics["ExplicitBounds"] == "Array(Float64)"
    assert metrics["Exemplars.TraceId"] == "Array(String)" and metrics["AggregationTemporality"] == "Int32"
