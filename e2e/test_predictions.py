"""A record of every prediction, whatever sampling does with its span, and exactly once, whatever kills the program."""

import itertools
import os
import random
import threading
import time
from collections.abc import Callable

import grpc

import otlp
from sightline import Server, export_on, wait_until
from test_sampling import config, undecided

FULL = os.environ.get("SIGHTLINE_KILLS") == "full"
ONE_PERCENT = {"name": "one-percent", "type": "probabilistic", "probabilistic": {"sampling_percentage": 1}}
TRACES_PER_REQUEST = 20
# The first insert of a block of calls and predictions is that of the calls.
STEPS = ["store.insert.begin=kill:2", "store.insert.end=kill:2", "journal.manifest.end=kill:2", "journal.done.begin=kill:2", "journal.frame.end=kill:30", ""]


def prediction(trace_id: bytes, number: int) -> otlp.Span:
    return otlp.span(
        "model.predict", trace_id, milliseconds=3,
        attributes={"model.name": "ranker", "model.version": "v2" if number % 3 else "v1", "model.score": number / 1000,
                    "model.rank": 1 + number % 10, "prediction.id": f"p{number}", "features.price": number % 7, "features.kind": "bread"},
    )  # fmt: skip


def request(number: int, rng: random.Random) -> bytes:
    spans = []
    for at in range(TRACES_PER_REQUEST):
        trace_id = rng.randbytes(16)
        spans += [prediction(trace_id, number * TRACES_PER_REQUEST + at), otlp.span("GET /", trace_id)]
    return otlp.traces("shop", spans)


def send_until_dead(server: Server, numbers: "itertools.count[int]", acknowledged: set[int], sent: set[int], stop: threading.Event) -> None:
    rng = random.Random(next(numbers))
    with server.channel() as channel:
        while not stop.is_set():
            number = next(numbers)
            sent.add(number)
            try:
                export_on(channel, "traces", request(number, rng))
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.UNAVAILABLE and server.running:
                    continue
                return
            acknowledged.add(number)


def recorded(server: Server) -> dict[int, int]:
    """How many records each request has; none twice."""
    rows = server.sql("SELECT PredictionId, count(), uniqExact(SpanId) FROM sightline_predictions GROUP BY PredictionId")
    requests: dict[int, int] = {}
    for prediction_id, count, spans in rows:
        assert int(count) == int(spans) == 1, f"{prediction_id} is there {count} times"
        number = int(prediction_id[1:]) // TRACES_PER_REQUEST
        requests[number] = requests.get(number, 0) + 1
    return requests


def assert_all_recorded(server: Server, acknowledged: set[int], sent: set[int]) -> None:
    wait_until(lambda: len(recorded(server).keys() & acknowledged) == len(acknowledged), what="records of all requests")
    found = recorded(server)
    assert set(found.values()) == {TRACES_PER_REQUEST}, "a request is recorded in part"
    assert found.keys() <= sent


def run(server: Server) -> set[int]:
    numbers, acknowledged, sent = itertools.count(), set[int](), set[int]()
    for step in STEPS * (5 if FULL else 1):
        server.fault = step
        if not server.start_or_die():
            continue
        stop = threading.Event()
        sender = threading.Thread(target=send_until_dead, args=(server, numbers, acknowledged, sent, stop))
        sender.start()
        try:
            if step:
                assert server.process is not None
                assert server.process.wait(40) == -9, f"{step}\n{server.log_tail()}"
            else:
                time.sleep(1.5)
                server.kill()
        finally:
            stop.set()
            sender.join(30)
        server.restart()
        assert_all_recorded(server, acknowledged, sent)  # after every kill
        assert server.stop() == 0
    server.restart()
    assert_all_recorded(server, acknowledged, sent)
    assert len(acknowledged) > 50
    return acknowledged


def test_killed_while_one_percent_is_kept_all_predictions_are_there_once(make_server: Callable[..., Server]) -> None:
    server = make_server(config=config([ONE_PERCENT], "1s"))
    acknowledged = run(server)
    wait_until(lambda: undecided(server) == 0, 60, "all decided")
    spans = server.number("SELECT count() FROM otel_traces WHERE SpanName = 'model.predict'")
    assert spans < 0.05 * TRACES_PER_REQUEST * len(acknowledged), "most spans are sampled out"


def test_killed_while_everything_is_kept_all_predictions_are_there_once(make_server: Callable[..., Server]) -> None:
    server = make_server(config={"self_metrics": {"interval": "0s"}})
    run(server)
    differences = server.number(
        "SELECT count() FROM (SELECT SpanId FROM otel_traces WHERE SpanName = 'model.predict') AS s "
        "FULL OUTER JOIN (SELECT SpanId FROM sightline_predictions) AS p ON s.SpanId = p.SpanId WHERE s.SpanId = '' OR p.SpanId = ''"
    )
    assert differences == 0


def test_a_record_says_what_the_span_says(make_server: Callable[..., Server]) -> None:
    rules = [{"span_name": "rank *", "with_attribute": "shop.score", "model": "shop.model", "score": ["shop.score"], "features": "in."}]
    server = make_server(config={"predictions": rules}).start()
    trace_id = bytes(range(16))
    ranked = otlp.span("rank bread", trace_id, attributes={"shop.model": "m", "shop.score": 0.25, "in.age": 3, "in.name": "x"}, status={"code": 2})
    spans = [ranked, otlp.span("rank bread", trace_id), otlp.span("model.predict", trace_id)]
    assert server.export_http("traces", otlp.traces("shop", spans)).ok
    server.wait_for_rows(3, "otel_traces", "ServiceName = 'shop'")
    server.wait_for_rows(1, "sightline_predictions")  # a block's tables are inserted one after the other
    columns = "TraceId, SpanId, ServiceName, SpanName, StatusCode, Model, Version, PredictionId, Score, Confidence, Rank, Features, FeatureTypes, AdjustedCount"
    assert server.sql(f"SELECT {columns} FROM sightline_predictions") == [
        [trace_id.hex(), ranked.span_id.hex(), "shop", "rank bread", "Error", "m", "", "", 0.25, None, None, {"in.age": "3", "in.name": "x"}, "is", 1]
    ]
