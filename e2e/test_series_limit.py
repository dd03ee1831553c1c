"""limits.metric_series_max: what is beyond becomes one series, nothing is lost, and the attribute at fault is named."""

import json
import time
from typing import Any, Callable

import pytest
import requests
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint, Sum

import otlp
from conftest import KEEP_ALL
from sightline import Server, wait_until
from test_openapi import OPERATIONS, check

LIMIT = 50
USERS = 3 * LIMIT
CONFIG = KEEP_ALL | {"limits": {"metric_series_max": LIMIT}, "self_metrics": {"interval": "0s"}}
POINT_SERIES = (
    "SELECT p.Value AS Value, m.LimitedBy AS LimitedBy, m.ServiceName AS ServiceName, m.SeriesId AS SeriesId FROM metric_points AS p "
    "INNER JOIN (SELECT DISTINCT SeriesId, ServiceName, LimitedBy FROM metric_series) AS m ON p.SeriesId = m.SeriesId"
)
DELTA, CUMULATIVE = 1, 2
WARNING = "a metric has more series than limits.metric_series_max"


def orders(service: str, users: range, temporality: int = DELTA) -> bytes:
    """A point of each user, with its number as value."""
    now = time.time_ns()
    points = [
        NumberDataPoint(
            as_int=user, start_time_unix_nano=now - 10**9, time_unix_nano=now, attributes=otlp.attributes({"route": f"/{user % 3}", "user.id": f"u{user}"})
        )
        for user in users
    ]
    metric = Metric(name="shop.orders", sum=Sum(data_points=points, aggregation_temporality=temporality, is_monotonic=True))
    return otlp.metrics_with(service, [metric])


def send(server: Server, body: bytes) -> None:
    assert server.export_http("metrics", body).ok


def get(server: Server, path: str, operation: str, **params: str) -> dict[str, Any]:
    response = requests.get(f"{server.http}/api/v1{path}", params=params, timeout=30)
    assert response.status_code == 200, response.text
    check(OPERATIONS[operation][2]["responses"]["200"]["content"]["application/json"]["schema"], response.json())
    return response.json()


def overflowed(server: Server) -> float:
    return server.metrics().get("sightline_metric_points_overflowed_total", 0)


def warnings(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.output().splitlines() if WARNING in line]


@pytest.fixture
def limited(make_server: Callable[..., Server]) -> Server:
    """Three times the limit of one service, less than the limit of another."""
    server = make_server(config=CONFIG).start()
    send(server, orders("shop", range(USERS)))
    send(server, orders("cart", range(LIMIT)))
    server.wait_for_rows(USERS + LIMIT, "metric_points")
    return server


def test_all_points_are_stored_those_beyond_the_limit_in_one_series(limited: Server) -> None:
    assert limited.sql(f"SELECT ServiceName, LimitedBy, toUInt32(count()), toUInt32(uniqExact(SeriesId)), toUInt32(sum(Value)) FROM ({POINT_SERIES}) GROUP BY ALL ORDER BY ALL") == [
        ["cart", "", LIMIT, LIMIT, sum(range(LIMIT))],
        ["shop", "", LIMIT, LIMIT, sum(range(LIMIT))],
        ["shop", "point.user.id", USERS - LIMIT, 1, sum(range(LIMIT, USERS))],
    ]  # fmt: skip
    assert limited.sql("SELECT DISTINCT Attributes FROM otel_metrics_sum WHERE Value >= 50") == [[{"otel.metric.overflow": "true"}]]
    wait_until(lambda: overflowed(limited) == USERS - LIMIT, what="the points are counted")


def test_the_attribute_is_named_in_the_log_and_in_answers(limited: Server) -> None:
    (warning,) = wait_until(lambda: warnings(limited), what="the warning")
    assert {key: warning[key] for key in ("metric", "service", "attribute", "limit")} == {
        "metric": "shop.orders", "service": "shop", "attribute": "point.user.id", "limit": LIMIT,
    }  # fmt: skip
    named = {"service": "shop", "attribute": "user.id", "scope": "point", "series": LIMIT}
    (metric,) = get(limited, "/metrics", "listMetrics")["metrics"]
    assert metric["limited"] == [named]
    assert "otel.metric.overflow" not in metric["attribute_keys"]
    assert get(limited, "/metrics/shop.orders/cardinality", "getMetricCardinality", last="1h")["limited"] == [named]
    (of_cart,) = get(limited, "/metrics", "listMetrics", service="cart")["metrics"]
    assert "limited" not in of_cart
    # Once a day, however many come.
    send(limited, orders("shop", range(USERS, 2 * USERS)))
    limited.wait_for_rows(2 * USERS + LIMIT, "metric_points")
    assert len(warnings(limited)) == 1


def test_deltas_add_up_with_the_overflow(limited: Server) -> None:
    answer = get(limited, "/metrics/shop.orders/series", "getMetricSeries", service="shop", aggregation="increase", last="1h", step="5m")
    total = sum(value for value in answer["series"][0]["values"] if value is not None)
    assert total == pytest.approx(sum(range(USERS)))
    assert answer["limited"] == [{"service": "shop", "attribute": "user.id", "scope": "point"}]


def test_cumulative_streams_of_the_overflow_are_left_out_and_said_to_be(make_server: Callable[..., Server]) -> None:
    server = make_server(config=CONFIG).start()
    for _ in range(2):
        send(server, orders("shop", range(USERS), CUMULATIVE))
    server.wait_for_rows(2 * USERS, "metric_points")
    answer = get(server, "/metrics/shop.orders/series", "getMetricSeries", aggregation="max", last="1h", step="5m")
    assert max(value for value in answer["series"][0]["values"] if value is not None) == LIMIT - 1
    assert answer["limited"] == [{"service": "shop", "attribute": "user.id", "scope": "point", "is_left_out": True}]
    question = {"last": "1h", "queries": [{"name": "A", "metric": "shop.orders"}]}
    results = requests.post(f"{server.http}/api/v1/metrics/query", json=question, timeout=30).json()["results"]
    assert results[0]["limited"][0]["is_left_out"] is True


def test_without_a_limit_all_have_their_own(make_server: Callable[..., Server]) -> None:
    server = make_server(config=CONFIG | {"limits": {"metric_series_max": 0}}).start()
    send(server, orders("shop", range(USERS)))
    server.wait_for_rows(USERS, "metric_points")
    assert server.number("SELECT uniqExact(SeriesId) FROM metric_points") == USERS
    assert "limited" not in get(server, "/metrics", "listMetrics")["metrics"][0]


@pytest.mark.parametrize("step", ["journal.frame.end", "journal.manifest.end", "store.insert.begin", "store.insert.end", "journal.done.begin", ""])
def test_a_kill_loses_nothing_and_the_decisions_stay(limited: Server, step: str) -> None:
    """At each step of a block that holds known, overflowed and new series; then once more in another order."""
    before = dict(limited.sql(f"SELECT Value, SeriesId FROM ({POINT_SERIES}) WHERE ServiceName = 'shop'"))
    # The inserts of a block are its resources (none here, they are known), series (of the new service), points.
    limited.restart(fault=f"{step}=kill:1" if step else "")
    if step:
        process = limited.process
        try:
            send(limited, orders("shop", range(USERS)))
        except requests.ConnectionError:
            pass  # it was killed before it answered: nothing was promised, but it is in the journal
        assert wait_until(lambda: process.poll() is not None, what="the program is killed") and process.returncode == -9
    else:
        send(limited, orders("shop", range(USERS)))
        limited.kill()
    limited.restart()
    limited.wait_for_rows(2 * USERS + LIMIT, "metric_points")
    send(limited, orders("shop", range(USERS - 1, -1, -1)))
    limited.wait_for_rows(3 * USERS + LIMIT, "metric_points")
    after = limited.sql(f"SELECT Value, groupUniqArray(SeriesId), toUInt32(count()) FROM ({POINT_SERIES}) WHERE ServiceName = 'shop' GROUP BY Value")
    assert {value: series for value, series, _ in after} == {value: [series] for value, series in before.items()}
    assert {count for _, _, count in after} == {3}
    assert limited.number("SELECT count() FROM metric_series FINAL WHERE ServiceName = 'shop'") == LIMIT + 1
    wait_until(lambda: overflowed(limited) % (USERS - LIMIT) == 0 and overflowed(limited) > 0, what="the points are counted")
    assert warnings(limited) == [], "it was told before the kill"
