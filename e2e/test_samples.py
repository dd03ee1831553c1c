"""Replays recorded requests of official SDKs over the transport that they used, and checks through SQL what a right
decoder must reproduce. The facts stand in manifest.json beside the recordings; an independent decoder computed them."""

import base64
import gzip
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from conftest import shared_dir
from sightline import SIGNALS, Server

REPOSITORY_SAMPLES = Path(__file__).resolve().parent.parent / "src/otlp/testdata"

KINDS = {"UNSPECIFIED": "Unspecified", "INTERNAL": "Internal", "SERVER": "Server", "CLIENT": "Client",
         "PRODUCER": "Producer", "CONSUMER": "Consumer"}  # fmt: skip
STATUSES = {"UNSET": "Unset", "OK": "Ok", "ERROR": "Error"}
TEMPORALITIES = {"DELTA": 1, "CUMULATIVE": 2}
METRIC_TABLES = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
# telemetrygen sends the same metric several times in a request: what is said of one of them is not what all add up to.
REPEATS_METRICS = "telemetrygen-metrics"


@dataclass(frozen=True)
class Sample:
    path: Path
    entry: dict[str, Any]  # of the manifest

    @property
    def name(self) -> str:
        return self.entry["file"]

    @property
    def facts(self) -> dict[str, Any]:
        return self.entry["facts"]

    def send(self, server: Server) -> None:
        body, signal = self.path.read_bytes(), self.entry["signal"]
        zipped = self.entry["encoding"] == "gzip"
        if self.entry["transport"] == "OTLP/grpc":
            compression = grpc.Compression.Gzip if zipped else None
            answer = server.export_grpc(signal, gzip.decompress(body) if zipped else body, compression)
            assert answer == b"", "nothing may be refused"
            return
        headers = {"content_type": self.entry["content_type"], "user_agent": self.entry["user_agent"] or "none"}
        if zipped:
            headers["content_encoding"] = "gzip"
        answer = server.export_http(signal, pieces(body) if self.entry["http_chunked"] else body, **headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].split(";")[0] == self.entry["content_type"]
        assert answer.content in (b"", b"{}"), "nothing may be refused"


def pieces(body: bytes) -> Iterator[bytes]:
    for begin in range(0, len(body), 1000):
        yield body[begin : begin + 1000]


def find_samples() -> list[Sample]:
    """All recordings: those beside the checkout, or else those in the repository."""
    for folder in [shared_dir() / "otlp-samples", *(path.parent for path in REPOSITORY_SAMPLES.rglob("manifest.json"))]:
        if (folder / "manifest.json").exists():
            entries = json.loads((folder / "manifest.json").read_text())["files"]
            samples = [Sample(folder / entry["file"], entry) for entry in entries]
            return [sample for sample in samples if sample.path.exists()]
    return []


SAMPLES = find_samples()

# What is compared of every row, as (name -> SQL); times in nanoseconds, so that none is lost.
COLUMNS = {
    "otel_traces": {
        "trace": "TraceId", "span": "SpanId", "parent": "ParentSpanId", "service": "ServiceName", "status": "StatusCode",
        "kind": "SpanKind", "scope": "ScopeName", "name": "SpanName", "duration": "Duration", "state": "TraceState",
        "events": "length(Events.Name)", "links": "length(Links.TraceId)",
        "dropped_attributes": "DroppedAttributesCount", "dropped_events": "DroppedEventsCount",
        "dropped_links": "DroppedLinksCount",
    },
    "otel_logs": {
        "time": "toUnixTimestamp64Nano(Timestamp)", "observed": "toUnixTimestamp64Nano(ObservedTimestamp)",
        "service": "ServiceName", "scope": "ScopeName", "severity": "SeverityNumber", "severity_text": "SeverityText",
        "trace": "TraceId", "span": "SpanId", "event_name": "EventName", "body": "Body", "body_type": "BodyType",
        "flags": "TraceFlags", "attributes": "LogAttributes",
    },
}  # fmt: skip
METRIC_COLUMNS = {
    "service": "ServiceName", "scope": "ScopeName", "name": "MetricName", "unit": "MetricUnit",
    "time": "toUnixTimestamp64Nano(TimeUnix)", "attributes": "Attributes",
}  # fmt: skip
EXEMPLARS = {"exemplars": "arrayZip(Exemplars.TraceId, Exemplars.SpanId, arrayMap(v -> toString(v), Exemplars.Value))"}
NUMBER = {"value": "toString(Value)", **EXEMPLARS}
DISTRIBUTION = {"count": "Count", "sum": "toString(Sum)", "min": "Min", "max": "Max", "temporality": "AggregationTemporality",
                **EXEMPLARS}  # fmt: skip
COLUMNS |= {
    f"otel_metrics_{kind}": METRIC_COLUMNS | extra
    for kind, extra in {
        "gauge": NUMBER,
        "sum": NUMBER | {"temporality": "AggregationTemporality", "monotonic": "IsMonotonic"},
        "histogram": DISTRIBUTION | {"bounds": "ExplicitBounds", "buckets": "BucketCounts"},
        "exponential_histogram": DISTRIBUTION | {
            "scale": "Scale", "zero_count": "ZeroCount", "positive_offset": "PositiveOffset",
            "positive": "PositiveBucketCounts", "negative_offset": "NegativeOffset", "negative": "NegativeBucketCounts"},
        "summary": {"count": "Count", "sum": "toString(Sum)"},
    }.items()
}  # fmt: skip


def tables(signal: str) -> list[str]:
    return [f"otel_metrics_{kind}" for kind in METRIC_TABLES] if signal == "metrics" else [f"otel_{signal}"]


Row = dict[str, Any]


class Tables:
    """Tells which rows are new since the last look."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.seen: dict[str, Counter[str]] = {table: Counter() for table in COLUMNS}

    def new_rows(self, table: str) -> list[Row]:
        columns = COLUMNS[table]
        # What the program says about itself, and what it counts of spans, is no part of the recordings.
        where = "ServiceName != 'sightline'"
        if table.startswith("otel_metrics_"):
            where += " AND MetricName NOT LIKE 'traces.span.metrics.%'"
        rows = self.server.sql(f"SELECT {', '.join(columns.values())} FROM {table} WHERE {where}")
        now = Counter(json.dumps(row) for row in rows)
        new = now - self.seen[table]
        assert not self.seen[table] - now, "rows have gone"
        self.seen[table] = now
        return [dict(zip(columns, json.loads(row))) for row in new.elements()]


@dataclass
class Replayed:
    server: Server
    rows: dict[str, dict[str, list[Row]]]  # by file, then table


@pytest.fixture(scope="module")
def replayed(shared_server: Server) -> Replayed:
    """Sends all of them once, in rounds of one request a signal."""
    state, rows, counts = Tables(shared_server), {}, Counter()
    queues = {signal: [sample for sample in SAMPLES if sample.entry["signal"] == signal] for signal in SIGNALS}
    for position in range(max(map(len, queues.values()))):
        together = [queue[position] for queue in queues.values() if position < len(queue)]
        for sample in together:
            sample.send(shared_server)
            counts[sample.entry["signal"]] += sample.entry["count"]
        for sample in together:
            wait_for_count(shared_server, sample.entry["signal"], counts[sample.entry["signal"]])
            rows[sample.name] = {table: state.new_rows(table) for table in tables(sample.entry["signal"])}
    return Replayed(shared_server, rows)


def wait_for_count(server: Server, signal: str, count: int) -> None:
    union = " UNION ALL ".join(f"SELECT ServiceName FROM {table}" for table in tables(signal))
    server.wait_for_rows(count, f"({union})", "ServiceName != 'sightline'")


def named(*signals: str) -> Any:
    samples = [sample for sample in SAMPLES if sample.entry["signal"] in signals]
    return pytest.mark.parametrize("sample", samples, ids=lambda sample: sample.name)


def text_matches(text: str, value: Any) -> bool:
    """Whether an attribute's text is what the OTel Collector makes of the value."""
    match value:
        case None:
            return text == ""
        case bool():
            return text == ("true" if value else "false")
        case int():
            return text == str(value)
        case float():
            return float(text) == value
        case str():
            return text == value
        case {"bytes_hex": hexadecimal} if len(value) == 1:
            return text == base64.b64encode(bytes.fromhex(hexadecimal)).decode()
        case _:
            return json.loads(text) == plain(value)


def plain(value: Any) -> Any:
    """A nested value as its JSON has it: bytes as base64."""
    if isinstance(value, dict):
        if list(value) == ["bytes_hex"]:
            return base64.b64encode(bytes.fromhex(value["bytes_hex"])).decode()
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def assert_attributes(have: dict[str, str], some: dict[str, Any]) -> None:
    for key, value in some.items():
        assert key in have
        assert text_matches(have[key], value), f"{key}: {have[key]!r} is not {value!r}"


def counted(rows: list[Row], *keys: str) -> dict[str, int]:
    return dict(Counter("/".join(str(row[key]) for key in keys) for row in rows))


def total(rows: list[Row], key: str) -> int:
    return sum(int(row[key]) for row in rows)


def test_recordings_are_there() -> None:
    demo = [sample for sample in SAMPLES if sample.name.startswith("python-demo")]
    assert SAMPLES, "there is no recording at all"
    if not demo:
        pytest.skip("the recordings of the demo service (python-demo*) are not here: set SIGHTLINE_SHARED_DIR")


@named("traces")
def test_spans(replayed: Replayed, sample: Sample) -> None:
    rows, facts = replayed.rows[sample.name]["otel_traces"], sample.facts
    assert len(rows) == sample.entry["count"]
    assert counted(rows, "service") == facts["spans_per_service"]
    assert counted(rows, "scope") == facts["spans_per_scope"]
    assert counted(rows, "status") == {STATUSES[name]: count for name, count in facts["status"].items()}
    assert counted(rows, "kind") == {KINDS[name]: count for name, count in facts["kinds"].items()}
    assert len({row["trace"] for row in rows}) == facts["traces"]
    assert sum(row["parent"] == "" for row in rows) == facts["root_spans"]
    assert total(rows, "events") == facts["events"]
    assert total(rows, "links") == facts["links"]
    assert {what: total(rows, f"dropped_{what}") for what in ("attributes", "events", "links")} == facts["dropped"]
    assert sum(row["state"] != "" for row in rows) == facts["spans_with_trace_state"]
    names = counted(rows, "name")
    assert {name: names.get(name) for name in facts["top_span_names"]} == facts["top_span_names"]
    longest = max(rows, key=lambda row: int(row["duration"]))
    assert int(longest["duration"]) == facts["longest_span"]["duration_ns"]
    assert any(row["span"] == facts["longest_span"]["span_id"] and row["duration"] == longest["duration"] for row in rows)


@named("traces")
def test_whole_spans(replayed: Replayed, sample: Sample) -> None:
    for fact in sample.facts["spans_to_check"]:
        rows = replayed.server.sql(
            "SELECT ParentSpanId, SpanName, SpanKind, StatusCode, StatusMessage, toUnixTimestamp64Nano(Timestamp), Duration,"
            " TraceState, SpanAttributes, length(Events.Name), length(Links.TraceId), Flags, ScopeName, Events.Name,"
            " arrayMap(t -> toUnixTimestamp64Nano(t), Events.Timestamp), arrayMap(a -> mapKeys(a), Events.Attributes)"
            f" FROM otel_traces WHERE TraceId = '{fact['trace_id']}' AND SpanId = '{fact['span_id']}'"
        )
        assert len(rows) == 1
        (parent, name, kind, status, message, start, duration, state, attributes, events, links, flags, scope, event_names,
         event_times, event_keys) = rows[0]  # fmt: skip
        assert (parent, name, message, state, scope) == (
            fact["parent_span_id"], fact["name"], fact["status_message"], fact["trace_state"], fact["scope"])  # fmt: skip
        assert (kind, status) == (KINDS[fact["kind"]], STATUSES[fact["status"]])
        assert int(start) == int(fact["start_time_unix_nano"])
        assert int(start) + int(duration) == int(fact["end_time_unix_nano"])
        assert (len(attributes), int(events), int(links), int(flags)) == (
            fact["attributes_count"], fact["events_count"], fact["links_count"], fact["flags"])  # fmt: skip
        assert_attributes(attributes, fact["attributes_some"])
        if "first_event" in fact:
            assert event_names[0] == fact["first_event"]["name"]
            assert int(event_times[0]) == int(fact["first_event"]["time_unix_nano"])
            assert sorted(event_keys[0]) == sorted(fact["first_event"]["attribute_keys"])


@named("logs")
def test_log_records(replayed: Replayed, sample: Sample) -> None:
    rows, facts = replayed.rows[sample.name]["otel_logs"], sample.facts
    assert len(rows) == sample.entry["count"]
    assert counted(rows, "service") == facts["records_per_service"]
    assert counted(rows, "scope") == facts["records_per_scope"]
    assert counted(rows, "severity", "severity_text") == facts["severity"]
    assert sum(row["trace"] != "" for row in rows) == facts["with_trace_id"]
    assert sum(int(row["observed"]) == 0 for row in rows) == facts["without_observed_time"]
    assert counted([row for row in rows if row["event_name"]], "event_name") == facts["event_names"]
    types = counted(rows, "body_type")
    assert types.get("s", 0) == facts["body_types"].get("string_value", 0)
    assert types.get("m", 0) == facts["body_types"].get("kvlist_value", 0)


@named("logs")
def test_whole_log_records(replayed: Replayed, sample: Sample) -> None:
    rows = replayed.rows[sample.name]["otel_logs"]
    for fact in sample.facts["records_to_check"]:
        sent, observed = int(fact["time_unix_nano"]), int(fact["observed_time_unix_nano"])
        trace_id, span_id = (fact[key] if fact[key].strip("0") else "" for key in ("trace_id", "span_id"))
        found = [
            row for row in rows
            if int(row["time"]) == (sent or observed) and int(row["observed"]) == observed
            and (row["severity"], row["severity_text"]) == (fact["severity_number"], fact["severity_text"])
            and (row["trace"], row["span"], row["flags"]) == (trace_id, span_id, fact["flags"] & 0xFF)
            and row["event_name"] == fact["event_name"] and text_matches(row["body"], fact["body"])
        ]  # fmt: skip
        assert found, f"no record as {fact}"
        assert_attributes(found[0]["attributes"], fact["attributes_some"])


@named("metrics")
def test_metric_points(replayed: Replayed, sample: Sample) -> None:
    by_table, facts = replayed.rows[sample.name], sample.facts
    rows = [row for table_rows in by_table.values() for row in table_rows]
    assert len(rows) == sample.entry["count"]
    assert counted(rows, "service") == facts["points_per_service"]
    assert sorted({row["name"] for row in rows}) == facts["metric_names"]
    assert sum(len(row.get("exemplars", [])) for row in rows) == facts["exemplars"]
    if not sample.name.startswith(REPEATS_METRICS):
        metrics = {(kind, row["scope"], row["name"]) for kind, row in with_kind(by_table)}
        assert len(metrics) == facts["metrics"]
        assert dict(Counter(kind for kind, _, _ in metrics)) == facts["by_type"]


def with_kind(by_table: dict[str, list[Row]]) -> Iterator[tuple[str, Row]]:
    for table, rows in by_table.items():
        for row in rows:
            yield table.removeprefix("otel_metrics_"), row


@named("metrics")
def test_whole_metrics(replayed: Replayed, sample: Sample) -> None:
    by_table = replayed.rows[sample.name]
    for fact in sample.facts["metrics_to_check"]:
        rows = [row for row in by_table[f"otel_metrics_{fact['type']}"]
                if row["name"] == fact["name"] and row["scope"] == fact["scope"]]  # fmt: skip
        assert {row["unit"] for row in rows} == {fact["unit"]}
        if "temporality" in fact:
            assert {row["temporality"] for row in rows} == {TEMPORALITIES[fact["temporality"]]}
        if "monotonic" in fact:
            assert {bool(row["monotonic"]) for row in rows} == {fact["monotonic"]}
        if not sample.name.startswith(REPEATS_METRICS):
            assert_sums(rows, fact)
        if "largest_point" in fact:
            assert any(is_point(row, fact["largest_point"]) for row in rows), f"no point as {fact['largest_point']}"
        if "first_exemplar" in fact:
            first = fact["first_exemplar"]
            wanted = (first["trace_id"], first["span_id"], float(first["value"]))
            assert wanted in [(trace, span, float(value)) for row in rows for trace, span, value in row["exemplars"]]


def assert_sums(rows: list[Row], fact: dict[str, Any]) -> None:
    assert len(rows) == fact["points"]
    if "sum_of_values" in fact:
        assert math.isclose(sum(float(row["value"]) for row in rows), float(fact["sum_of_values"]), abs_tol=1e-12)
    if "sum_of_counts" in fact:
        assert total(rows, "count") == fact["sum_of_counts"]
        assert math.isclose(sum(float(row["sum"]) for row in rows), float(fact["sum_of_sums"]), abs_tol=1e-12)
    if "exemplars" in fact:
        assert sum(len(row["exemplars"]) for row in rows) == fact["exemplars"]


def is_point(row: Row, fact: dict[str, Any]) -> bool:
    same = int(row["count"]) == fact["count"] and float(row["sum"]) == float(fact["sum"])
    same &= all(fact[key] is None or float(row[key]) == float(fact[key]) for key in ("min", "max"))
    same &= set(row["attributes"]) == set(fact["attributes"])
    same = same and all(text_matches(row["attributes"][key], value) for key, value in fact["attributes"].items())
    if "bounds" in fact:
        return same and row["bounds"] == fact["bounds"] and list(map(int, row["buckets"])) == fact["bucket_counts"]
    for side in ("positive", "negative"):
        same &= list(map(int, row[side])) == fact[side]["bucket_counts"]
        same &= row[f"{side}_offset"] == fact[side]["offset"]
    return same and (row["scale"], int(row["zero_count"])) == (fact["scale"], fact["zero_count"])
