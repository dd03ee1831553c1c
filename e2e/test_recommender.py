"""The demo's programs, started as a user would: the recommender with a stand-in for Wikipedia, and the traffic."""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import requests
from sightline import BIN_DIR, Server, clean_environment, wait_until

CALM = {"model_failure_rate": 0, "slow_search_rate": 0, "external_api_timeout_rate": 0, "external_api_failure_rate": 0}
START_SECONDS_MAX = 30.0


class Program:
    """One of the demo's servers, on a free port."""

    def __init__(self, log: Path, name: str, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [str(BIN_DIR / name), "--port", "0", *arguments],
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=clean_environment() | (env or {}),
            )  # fmt: skip
        wait_until(lambda: "\n" in log.read_text() or self.process.poll() is not None, START_SECONDS_MAX, "its address")
        self.url = "http://" + json.loads(log.read_text().splitlines()[0])["address"]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(10)


@pytest.fixture
def start(directory: Path) -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []

    def start_one(name: str, *arguments: str, **options: Any) -> Program:
        programs.append(Program(directory / f"{len(programs)}.log", name, *arguments, **options))
        return programs[-1]

    yield start_one
    for program in programs:
        program.process.kill()
        program.process.wait()


@pytest.fixture
def stand_in(start: Callable[..., Program]) -> Program:
    return start("wikipedia-stand-in")


@pytest.fixture
def recommender(start: Callable[..., Program], stand_in: Program) -> Program:
    """Without chaos, and impatient."""
    program = start("recommender", "--wikipedia", stand_in.url + "/api/rest_v1", "--wikipedia-timeout-ms", "300")
    requests.post(program.url + "/chaos/config", json=CALM, timeout=10).raise_for_status()
    return program


def search(recommender: Program, q: str, user_id: str = "anna", **more: Any) -> dict[str, Any]:
    answer = requests.get(recommender.url + "/search", params={"q": q, "user_id": user_id, **more}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fault(stand_in: Program, name: str) -> None:
    requests.post(stand_in.url + "/faults", params={"fault": name}, timeout=10).raise_for_status()


def test_a_search_is_answered_by_all_parts(recommender: Program) -> None:
    answer = search(recommender, "sourdough bread", limit=5)
    assert len(answer["results"]) == 5
    assert answer["failures"] == []
    assert answer["external_signal"]["title"] == "Sourdough bread"
    assert "Sourdough bread" in answer["results"][0]["title"]
    scores = [result["final_score"] for result in answer["results"]]
    assert scores == sorted(scores, reverse=True)
    for result in answer["results"]:
        parts = 0.5 * result["search_score"] + 0.3 * result["recommendation_score"] + 0.2 * result["external_score"]
        assert result["final_score"] == pytest.approx(parts)


@pytest.mark.parametrize("name, error", [
    ("slow=2000", "TimeoutError"), ("429", "HTTPError"), ("500", "HTTPError"), ("malformed", "JSONDecodeError"),
])  # fmt: skip
def test_a_broken_wikipedia_is_a_silent_error(recommender: Program, stand_in: Program, name: str, error: str) -> None:
    fault(stand_in, name)
    answer = search(recommender, "sourdough bread")
    assert answer["failures"] == [f"wikipedia_client: {error}"]
    assert answer["external_signal"] is None
    assert answer["result_count"] == 10
    fault(stand_in, "none")
    assert search(recommender, "sourdough bread")["failures"] == [], "a failure is not remembered"


def test_a_wikipedia_that_is_not_there(recommender: Program, stand_in: Program) -> None:
    stand_in.stop()
    assert search(recommender, "jazz")["failures"] == ["wikipedia_client: ConnectError"]


def test_a_missing_article_is_no_failure(recommender: Program, stand_in: Program) -> None:
    fault(stand_in, "404")
    answer = search(recommender, "sourdough bread")
    assert answer["failures"] == [] and answer["external_signal"] is None


def test_redirects_are_followed(recommender: Program) -> None:
    assert search(recommender, "flour")["external_signal"]["title"] == "Sourdough bread"


def test_invalid_requests_get_a_reason(recommender: Program) -> None:
    for params in ({"user_id": "a"}, {"q": "x"}, {"q": "x" * 501, "user_id": "a"}, {"q": "x", "user_id": "a", "limit": 0}):
        answer = requests.get(recommender.url + "/search", params=params, timeout=10)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["msg"]


def test_a_slow_search_holds_up_nobody_else(recommender: Program) -> None:
    requests.post(recommender.url + "/chaos/config", json={"slow_search_rate": 1, "slow_search_ms": 1500}, timeout=10)
    with ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(search, recommender, "jazz") for _ in range(8)]
        begin = time.monotonic()
        assert requests.get(recommender.url + "/health", timeout=10).json() == {"status": "healthy"}
        assert time.monotonic() - begin < 1.0
        assert all(future.result()["latency_ms"] >= 1500 for future in slow)


def test_users_keep_their_model(recommender: Program) -> None:
    requests.post(recommender.url + "/chaos/config", json={"canary_share": 0.5}, timeout=10)
    first = {user: search(recommender, "jazz", user)["model_version"] for user in map(str, range(20))}
    again = {user: search(recommender, "espresso", user)["model_version"] for user in map(str, range(20))}
    assert first == again
    assert set(first.values()) == {"v1", "v2"}


def test_the_page_and_its_feedback(recommender: Program) -> None:
    page = requests.get(recommender.url + "/", timeout=10)
    assert page.headers["Content-Type"].startswith("text/html") and "<form>" in page.text
    prediction = search(recommender, "jazz")["results"][2]["prediction_id"]
    for body, status in (
        ({"prediction_id": prediction, "kind": "click"}, 202),
        ({"prediction_id": prediction, "kind": "dwell", "seconds": 3.5}, 202),
        ({"prediction_id": prediction, "kind": "applause"}, 422),
        ({"prediction_id": "0" * 16, "kind": "click"}, 404),
    ):
        assert requests.post(recommender.url + "/feedback", json=body, timeout=10).status_code == status


def traffic(target: str, *arguments: str) -> dict[str, Any]:
    command = [str(BIN_DIR / "traffic"), "--target", target, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=clean_environment(), check=True)
    return json.loads(ended.stdout)


def test_traffic_searches_and_gives_feedback(recommender: Program) -> None:
    report = traffic(recommender.url, "--rate", "60", "--seconds", "5")
    assert 200 < report["searches"] < 400
    assert report["answers"] == {"200": report["searches"]}
    assert report["feedback_sent"] > 20 and report["feedback_refused"] == 0
    assert sum(report["clicks_by_model"].values()) > 50


def test_a_scenario_leaves_the_chaos_as_it_was(recommender: Program, stand_in: Program) -> None:
    report = traffic(recommender.url, "--scenario", "wikipedia-broken", "--rate", "30", "--seconds", "1")
    assert report["answers"] == {"200": report["searches"]}, "the users saw nothing"
    assert requests.get(recommender.url + "/chaos/config", timeout=10).json()["external_api_bad_requests"] == 0


PARTS = {"query_parser.parse", "search_index.search", "recommendation_engine", "wikipedia_client.get_signal", "ranker.rank"}


def check_the_libraries_spans(server: Server, trace: str) -> None:
    """What the instrumentation libraries tell of the request, its statements, and its question to Wikipedia."""

    def attributes(name: str, *keys: str) -> list[list[str]]:
        columns = ", ".join(f"SpanAttributes['{key}']" for key in keys)
        return server.sql(f"SELECT {columns} FROM otel_traces WHERE {trace} AND SpanName = '{name}'")

    keys = ("http.route", "url.path", "http.response.status_code", "network.protocol.version", "client.address")
    assert attributes("GET /search", *keys) == [["/search", "/search", "200", "1.1", "127.0.0.1"]]
    ((agent, query),) = attributes("GET /search", "user_agent.original", "url.query")
    assert agent.startswith("python-requests/") and "q=sourdough+bread" in query
    keys = ("db.system.name", "db.namespace", "db.operation.name", "db.response.returned_rows")
    for summary in ("SELECT SELECT documents_fts documents", "SELECT json_each model_inputs"):
        assert attributes(summary, *keys) == [["sqlite", "recommender", "SELECT", "3"]]
    ((text,),) = attributes("SELECT SELECT documents_fts documents", "db.query.text")
    assert "MATCH ?" in text and "3.0" not in text
    keys = ("url.template", "http.response.status_code", "error.type", "server.address")
    assert attributes("GET /page/summary/{title}", *keys) == [["/page/summary/{title}", "400", "400", "127.0.0.1"]]


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_sightline_sees_what_the_recommender_does(
    server: Server, start: Callable[..., Program], stand_in: Program, protocol: str
) -> None:
    endpoint = "http://" + server.otlp_grpc if protocol == "grpc" else server.otlp_http
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    recommender = start("recommender", "--wikipedia", stand_in.url + "/api/rest_v1", env=env)
    requests.post(recommender.url + "/chaos/config", json=CALM, timeout=10).raise_for_status()
    fault(stand_in, "400")
    answer = search(recommender, "sourdough bread", limit=3)
    assert answer["failures"] == ["wikipedia_client: HTTPError"]
    feedback = {"prediction_id": answer["results"][0]["prediction_id"], "kind": "thumbs_up"}
    assert requests.post(recommender.url + "/feedback", json=feedback, timeout=10).status_code == 202
    assert recommender.stop() == 0, "and what was not sent yet is"

    trace = f"TraceId = '{answer['trace_id']}'"
    server.wait_for_rows(6 + 3 + 2 + 1, "otel_traces", trace)  # predictions, statements, the request to Wikipedia
    spans = {name: (parent, status) for name, parent, status in server.sql(
        f"SELECT SpanName, ParentSpanId, StatusCode FROM otel_traces WHERE {trace}")}  # fmt: skip
    assert PARTS < spans.keys()
    ((root, kind, service),) = server.sql(
        f"SELECT SpanId, SpanKind, ServiceName FROM otel_traces WHERE {trace} AND SpanName = 'GET /search'")  # fmt: skip
    assert (kind, service) == ("Server", "recommender")
    assert all(spans[part][0] == root for part in PARTS)
    assert spans["wikipedia_client.get_signal"][1] == "Error" and spans["GET /search"][1] == "Unset", "a silent error"
    check_the_libraries_spans(server, trace)
    silent = requests.get(f"{server.http}/api/v1/silent-failures", params={"service": "recommender"}, timeout=60).json()["failures"]
    assert any(one["requests"] == 1 and answer["trace_id"] in [sample["trace_id"] for sample in one["samples"]] for one in silent)
    predictions = server.sql(
        "SELECT SpanAttributes['doc_id'], toFloat64(SpanAttributes['model.score']), SpanAttributes['model.rank'] "
        f"FROM otel_traces WHERE {trace} AND SpanName = 'model.predict'")  # fmt: skip
    scores = {result["doc_id"]: result["recommendation_score"] for result in answer["results"]}
    assert {doc: score for doc, score, _ in predictions} == pytest.approx(scores)
    assert sorted(rank for _, _, rank in predictions) == ["1", "2", "3"]

    server.wait_for_rows(1, "otel_traces", f"SpanName = 'POST /feedback' AND Links.TraceId[1] = '{answer['trace_id']}'")
    server.wait_for_rows(2, "otel_logs", trace)
    wide = server.sql(f"SELECT LogAttributes['query'], SpanId FROM otel_logs WHERE {trace} AND Body = 'Search request completed'")
    assert wide == [["sourdough bread", root]]
    server.wait_for_rows(1, "otel_metrics_sum", "MetricName = 'external.api.calls.total' AND Attributes['status'] = 'failure'")
    server.wait_for_rows(5, "otel_metrics_histogram", "MetricName = 'component.duration'")
    for metric, where in (
        ("http.server.request.duration", "Attributes['http.route'] = '/search' AND ExplicitBounds[1] = 0.005"),
        ("http.client.request.duration", "Attributes['error.type'] = '400'"),
        ("db.client.operation.duration", "Attributes['db.query.summary'] = 'SELECT json_each model_inputs'"),
    ):
        server.wait_for_rows(1, "otel_metrics_histogram", f"MetricName = '{metric}' AND MetricUnit = 's' AND {where}")
    server.wait_for_rows(1, "otel_metrics_sum", "MetricName = 'http.server.active_requests' AND Value = 0")


def test_sigterm_ends_the_programs_in_order(recommender: Program, stand_in: Program) -> None:
    search(recommender, "jazz")
    assert recommender.stop() == 0
    assert stand_in.stop() == 0
