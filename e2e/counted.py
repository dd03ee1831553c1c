"""Whether the calls that are counted by minute, the API's numbers made of them, and what sampling is said to have kept are
those of the spans that are stored.

What is counted comes from the program's own code; what it is compared with is computed from the spans by SQL.
"""

from typing import Any

import requests

from sightline import Server

# Work came in from outside the service: the kinds, no parent, or one that the flags call remote.
# A server's error counts whatever its span says.
STATUS = "if(toUInt16OrZero(SpanAttributes['http.response.status_code']) >= 500 OR toUInt16OrZero(SpanAttributes['http.status_code']) >= 500, 'Error', StatusCode)"
ENTRY = "(SpanKind IN ('Server', 'Consumer') OR ParentSpanId = '' OR bitAnd(Flags, 768) = 768)"
FROM_SPANS = f"""
    SELECT ServiceName, SpanName, SpanKind, {STATUS} AS Status, {ENTRY} AS IsEntry, toString(toStartOfMinute(Timestamp, 'UTC')) AS At,
      if(Duration = 0, 0, toUInt32(floor(log2(Duration) * 8))) AS Width, toFloat64(count()), toFloat64(sum(Duration)), toFloat64(max(Duration)),
      toString(toDateTime(max(Timestamp), 'UTC'))
    FROM otel_traces GROUP BY ServiceName, SpanName, SpanKind, Status, IsEntry, At, Width"""
FROM_COUNTS = """
    SELECT ServiceName, SpanName, SpanKind, StatusCode, Entry, toString(toTimeZone(Minute, 'UTC')) AS At, Bucket, sum(Calls), sum(DurationSum),
      toFloat64(max(DurationMax)), toString(toTimeZone(max(LastSeen), 'UTC'))
    FROM span_metrics GROUP BY ServiceName, SpanName, SpanKind, StatusCode, Entry, At, Bucket"""
ALL_TIMES = {"from": "1", "to": str(2**62)}


def what_was_sent(question: str) -> str:
    """Without what these views show of the calls that the program counts."""
    return question + (" AND MetricName NOT LIKE 'traces.span.metrics.%'" if "FROM otel_metrics_" in question else "")


def by_key(rows: list[list[Any]]) -> dict[tuple[Any, ...], list[Any]]:
    return {(*row[:4], bool(row[4]), row[5], int(row[6])): row[7:] for row in rows}


def differences(server: Server) -> list[str]:
    """Keys whose counts are not those of the stored spans: at rest none."""
    spans, counts = by_key(server.sql(FROM_SPANS)), by_key(server.sql(FROM_COUNTS))
    return [f"{key}: spans {spans.get(key)}, counted {counts.get(key)}" for key in sorted(spans.keys() | counts.keys(), key=str)
            if spans.get(key) != counts.get(key)]  # fmt: skip


def calls_by(server: Server, seconds: int, unit: str) -> list[list[Any]]:
    return server.sql(
        f"SELECT toString({unit}(Time, 'UTC')) AS At, ServiceName, SpanName, SpanKind, StatusCode, Entry, Bucket, sum(Calls), sum(DurationSum), "
        f"max(DurationMax), max(LastSeen) FROM span_metric_rollups WHERE Block = 0 AND Seconds = {seconds} GROUP BY ALL ORDER BY ALL"
    )


def assert_calls_are_the_spans(server: Server) -> None:
    different = differences(server)
    assert not different, f"{len(different)} differ:\n" + "\n".join(different[:10])
    by_minute = calls_by(server, 60, "toStartOfMinute")
    assert calls_by(server, 10, "toStartOfMinute") == by_minute
    by_hour = calls_by(server, 60, "toStartOfHour")
    assert calls_by(server, 3600, "toStartOfHour") == by_hour
    assert_kept_sums_are_the_spans(server)


def assert_kept_sums_are_the_spans(server: Server) -> None:
    """Sums by service and policy, at each resolution; traces are exact as long as they are few."""
    key = "ServiceName, SamplingPolicy, At"
    for unit, seconds in (("toStartOfMinute", 60), ("toStartOfHour", 3600)):
        stored = server.sql(f"SELECT {key}, toUInt32(count()), sum(AdjustedCount), toUInt32(uniqExact(TraceId)) FROM (SELECT *, toString({unit}(Timestamp, 'UTC')) AS At "
                            f"FROM otel_traces) GROUP BY {key} ORDER BY {key}")  # fmt: skip
        summed = server.sql(f"SELECT ServiceName, SamplingPolicy, toString(toTimeZone(Time, 'UTC')) AS At, toUInt32(sum(Spans)), sum(StandFor), "
                            f"toUInt32(uniqCombinedMerge(14)(Traces)) FROM kept_span_rollups WHERE Block = 0 AND Seconds = {seconds} GROUP BY {key} ORDER BY {key}")  # fmt: skip
        assert [row[:5] for row in summed] == [row[:5] for row in stored]
        for traces, exact in ((summed_row[5], row[5]) for summed_row, row in zip(summed, stored, strict=True)):
            assert traces == exact if exact <= 64 else abs(traces - exact) <= 0.1 * exact, (traces, exact)


def all_pages(server: Server, path: str, items: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = requests.get(f"{server.http}/api/v1{path}", params=query, timeout=60)
        assert answer.status_code == 200, answer.text
        found += answer.json()[items]
        query["cursor"] = answer.json()["next_cursor"]
        if query["cursor"] is None:
            return found


def assert_api_says_the_spans(server: Server, service: str) -> None:
    """Of a service whose name needs no escaping."""
    entries, entry_errors, longest = server.sql(
        f"SELECT toFloat64(count()), toFloat64(countIf({STATUS} = 'Error')), toFloat64(max(Duration)) FROM otel_traces "
        f"WHERE ServiceName = '{service}' AND {ENTRY}"
    )[0]
    listed = all_pages(server, "/services", "services", limit=2, step="30d", **ALL_TIMES)
    assert len(listed) == len({one["service"] for one in listed})
    found = next(one for one in listed if one["service"] == service)
    assert (found["calls"], found["errors"], found["max_nano"]) == (entries, entry_errors, longest)
    assert (sum(found["series"]["calls"]), sum(found["series"]["errors"])) == (entries, entry_errors)
    expected = server.sql(
        f"SELECT SpanName, SpanKind, {ENTRY} AS IsEntry, toFloat64(count()), toFloat64(countIf({STATUS} = 'Error')) FROM otel_traces "
        f"WHERE ServiceName = '{service}' GROUP BY SpanName, SpanKind, IsEntry"
    )
    operations = all_pages(server, f"/services/{service}/operations", "operations", limit=300, **ALL_TIMES)
    assert sorted((one["name"], one["kind"], one["entry"], one["calls"], one["errors"]) for one in operations) == sorted(
        (name, kind, bool(entry), calls, errors) for name, kind, entry, calls, errors in expected
    )
