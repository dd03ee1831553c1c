"""What the page of a service asks: versions and deployments, exceptions, database calls, apdex, from spans that were sent."""

import time
from typing import Any

import otlp
from sightline import Server, wait_until
from test_openapi import answer

CLIENT, SERVER = 3, 2
MINUTE = 60 * 10**9
STACK = 'Traceback (most recent call last):\n  File "/app/pay.py", line {line}, in pay\n    raise ValueError\nValueError: cart {line}\n'


def resource(**values: str) -> dict[str, Any]:
    return {"service.name": "shop"} | {key.replace("_", "."): value for key, value in values.items()}


def order(number: int, minutes_ago: int, failed: bool) -> list[Any]:
    """An order and its query to the database; where it fails, with an exception."""
    start = time.time_ns() - minutes_ago * MINUTE
    trace = number.to_bytes(16, "big")
    events = [{"name": "exception", "time_unix_nano": start + 5, "attributes": otlp.attributes({
        "exception.type": "ValueError", "exception.message": f"cart {number}", "exception.stacktrace": STACK.format(line=number)})}]  # fmt: skip
    root = otlp.span("POST /orders", trace, kind=SERVER, status={"code": 2 if failed else 0}, events=events if failed else [])
    root.start_time_unix_nano, root.end_time_unix_nano = start, start + 100_000_000
    query = otlp.span("SELECT", trace, root.span_id, kind=CLIENT,
                      attributes={"db.system.name": "postgresql", "db.namespace": "shop", "db.query.text": f"SELECT * FROM carts WHERE id = {number}"})  # fmt: skip
    query.start_time_unix_nano, query.end_time_unix_nano = start + 1, start + 10_000_001
    return [root, query]


def send(server: Server, version: str, instance: str, numbers: range, minutes_ago: int, failed: bool = False) -> None:
    spans = [span for number in numbers for span in order(number, minutes_ago, failed)]
    body = otlp.traces_of(resource(service_version=version, service_instance_id=instance), spans)
    assert server.export_http("traces", body).status_code == 200


def test_a_deployment_that_throws_is_found(server: Server) -> None:
    for minutes_ago in range(30, 10, -1):
        send(server, "1.0", "a", range(minutes_ago * 10, minutes_ago * 10 + 2), minutes_ago)
    for minutes_ago in range(11, 0, -1):
        send(server, "1.1", "b", range(minutes_ago * 10 + 5, minutes_ago * 10 + 7), minutes_ago, failed=True)
    server.wait_for_rows(2 * (40 + 22), "otel_traces")

    read = answer(server, "listDeployments", {"service": "shop"}, last="1h")
    assert [(one["version"], one["calls"], one["errors"], one["instances"]) for one in read["versions"]] == [("1.1", 22, 22, 1), ("1.0", 40, 0, 1)]
    assert [(one["instance"], one["version"], one["calls"]) for one in read["instances"]] == [("a", "1.0", 40), ("b", "1.1", 22)]
    assert not read["estimated"]
    (deployment,) = read["deployments"]
    assert (deployment["version"], deployment["previous"]) == ("1.1", "1.0")
    assert 10 * MINUTE < time.time_ns() - int(deployment["unix_nano"]) < 13 * MINUTE

    exceptions = answer(server, "listExceptions", last="15m")
    (group,) = exceptions["exceptions"]
    assert (group["service"], group["type"], group["count"], group["new"]) == ("shop", "ValueError", 22, True)
    assert group["frames"] == ["pay (app/pay.py)"], "lines differ, the place is one"
    assert group["versions"] == ["1.1"]
    assert sum(group["trend"]) == 22
    assert len(group["trace_ids"]) == 5
    newest = answer(server, "getTrace", {"trace_id": group["trace_ids"][0]})
    assert any(event["name"] == "exception" for span in newest["spans"] for event in span["events"])
    earlier = answer(server, "listExceptions", last="5m", service="shop")
    assert earlier["exceptions"][0]["new"] is False, "it was thrown in the five minutes before, too"
    assert earlier["exceptions"][0]["id"] == group["id"]
    assert answer(server, "listExceptions", service="nobody")["exceptions"] == []

    calls = answer(server, "listDatabaseCalls", {"service": "shop"}, last="1h")
    (statement,) = calls["calls"]
    assert (statement["system"], statement["database"], statement["calls"]) == ("postgresql", "shop", 62)
    assert statement["statement"] == "SELECT * FROM carts WHERE id = ?"
    assert abs(statement["p95_nano"] / 10e6 - 1) < 0.01

    def counted() -> bool:
        services = answer(server, "listServices", last="1h", service="shop")["services"]
        return bool(services) and services[0]["calls"] == 62

    wait_until(counted, what="all orders are counted")
    (shop,) = answer(server, "listServices", last="1h", service="shop")["services"]
    assert shop["apdex_threshold_nano"] == 500_000_000
    assert abs(shop["apdex"] - 40 / 62) < 1e-9, "who got an error was not satisfied"
    assert shop["p50_nano"] <= shop["p90_nano"] <= shop["p95_nano"]


def test_apdex_is_by_the_services_own_threshold(make_server: Any) -> None:
    thresholds = [{"service": "shop", "threshold": "50ms"}]
    server = make_server(config={"services": {"apdex_thresholds": thresholds}}).start()
    send(server, "1.0", "a", range(1, 11), 1)

    def counted() -> bool:
        return [one["calls"] for one in answer(server, "listServices", service="shop")["services"]] == [10]

    wait_until(counted, what="all orders are counted")
    (shop,) = answer(server, "listServices", service="shop")["services"]
    assert shop["apdex_threshold_nano"] == 50_000_000
    assert abs(shop["apdex"] - 0.5) < 1e-9, "100 ms are tolerated where 50 are wanted"
