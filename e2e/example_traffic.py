"""Sends the telemetry of a small, believable recommender service to an OTLP/HTTP address, as JSON.

Each request is one search: GET /search -> query_parser.parse, search_index.search (-> SELECT), a GET to Wikipedia that
fails now and then, recommendation_engine -> model.predict in a second service, which a release broke twelve minutes ago,
so that there is something to find. Logs carry the trace's ids; counters and a histogram count the searches. Needs
nothing but Python's standard library, so `./dev run` can use it anywhere.

Prints the id of the trace that is most worth a look (a failed one, if there is one) when all is sent.
"""

import argparse
import json
import random
import sys
import time
import urllib.request
from typing import Any, Callable

QUERIES = ["neural networks", "jazz history", "espresso", "volcanoes of iceland", "graph databases", "tide tables", "rust"]
EXPORT_SECONDS_MAX = 10
EXPORT_INTERVAL_NANOS = 15 * 10**9
SPAN_KIND = {"internal": 1, "server": 2, "client": 3}
ERROR = {"code": 2}
RELEASED_NANOS = time.time_ns() - 12 * 60 * 10**9  # of the model that fails now and then


def value(item: Any) -> dict[str, Any]:
    if isinstance(item, bool):
        return {"boolValue": item}
    if isinstance(item, int):
        return {"intValue": str(item)}
    if isinstance(item, float):
        return {"doubleValue": item}
    if isinstance(item, list):
        return {"arrayValue": {"values": [value(element) for element in item]}}
    return {"stringValue": str(item)}


def attributes(items: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(item)} for key, item in items.items()]


class Search:
    """One trace: spans and logs by service. Times are made up backwards from its end, by default now, so that nothing lies
    in the future."""

    def __init__(self, rng: random.Random, end: int | None = None) -> None:
        self.rng = rng
        self.trace_id = f"{rng.getrandbits(128) or 1:032x}"
        self.spans: dict[str, list[dict[str, Any]]] = {"recommender": [], "model-server": []}
        self.logs: list[dict[str, Any]] = []
        self.failed = False
        self.end = time.time_ns() if end is None else end
        self.now = self.end
        self._search()
        self._move_to_the_past(self.now - self.end)

    def _spend(self, median_ms: float) -> None:
        self.now += int(self.rng.lognormvariate(0, 0.5) * median_ms * 1e6)

    def _span(self, name: str, kind: str, parent: str, work: Callable[[str, dict[str, Any]], None],
              service: str = "recommender", scope_attributes: dict[str, Any] | None = None) -> None:  # fmt: skip
        """Runs `work(span id, span)` inside a new span."""
        span: dict[str, Any] = {
            "traceId": self.trace_id, "spanId": f"{self.rng.getrandbits(64) or 1:016x}", "parentSpanId": parent,
            "name": name, "kind": SPAN_KIND[kind], "startTimeUnixNano": self.now, "attributes": {}, "events": [],
            "status": {}, "flags": 257,
        }  # fmt: skip
        span["attributes"].update(scope_attributes or {})
        work(span["spanId"], span)
        span["endTimeUnixNano"] = self.now
        self.spans[service].append(span)

    def _log(self, span_id: str, severity: int, body: str, **items: Any) -> None:
        self.logs.append({
            "timeUnixNano": self.now, "observedTimeUnixNano": self.now, "severityNumber": severity,
            "severityText": {9: "INFO", 13: "WARN", 17: "ERROR"}[severity], "body": {"stringValue": body},
            "attributes": attributes(items), "traceId": self.trace_id, "spanId": span_id, "flags": 1,
        })  # fmt: skip

    def _search(self) -> None:
        query = self.rng.choice(QUERIES)
        self._span("GET /search", "server", "", lambda span_id, span: self._handle(span_id, span, query),
                   scope_attributes={"http.request.method": "GET", "http.route": "/search", "url.path": "/search",
                                     "url.query": f"q={query}", "user.id": f"user-{self.rng.randrange(500)}"})  # fmt: skip

    def _handle(self, root: str, span: dict[str, Any], query: str) -> None:
        self._log(root, 9, f"search for {query!r}", query=query)
        self._span("query_parser.parse", "internal", root, self._parse, scope_attributes={"query.original": query})
        self._span("search_index.search", "internal", root, self._index)
        self._span("wikipedia_client.get_signal", "internal", root,
                   lambda span_id, child: self._wikipedia(span_id, child, query))  # fmt: skip
        self._span("recommendation_engine.rank", "client", root, self._recommend,
                   scope_attributes={"rpc.system": "grpc", "rpc.service": "Model", "rpc.method": "Predict"})  # fmt: skip
        span["attributes"]["http.response.status_code"] = 500 if self.failed else 200
        if self.failed:
            span["status"] = ERROR
        self._spend(1)

    def _parse(self, span_id: str, span: dict[str, Any]) -> None:
        self._spend(0.8)
        span["attributes"]["query.intent"] = self.rng.choice(["discovery", "lookup"])

    def _index(self, span_id: str, span: dict[str, Any]) -> None:
        self._spend(0.5)
        self._span("SELECT articles", "client", span_id, lambda *_: self._spend(9), scope_attributes={
            "db.system.name": "sqlite", "db.namespace": "articles",
            "db.query.text": "SELECT id, title FROM articles WHERE articles MATCH ? LIMIT 50"})  # fmt: skip
        span["attributes"]["search.results"] = self.rng.randrange(3, 50)

    def _wikipedia(self, span_id: str, span: dict[str, Any], query: str) -> None:
        fails = self.rng.random() < 0.12

        def get(_: str, child: dict[str, Any]) -> None:
            self._spend(120 if fails else 25)
            child["attributes"]["http.response.status_code"] = 503 if fails else 200
            if fails:
                child["status"] = {**ERROR, "message": "503 Service Unavailable"}

        self._span("GET", "client", span_id, get, scope_attributes={
            "http.request.method": "GET", "server.address": "en.wikipedia.org",
            "url.full": f"https://en.wikipedia.org/w/api.php?search={query.replace(' ', '+')}"})  # fmt: skip
        if fails:
            self._log(span_id, 13, "Wikipedia did not answer; ranking without it", attempts=1)

    def _recommend(self, span_id: str, span: dict[str, Any]) -> None:
        self._spend(0.6)
        self._span("model.predict", "server", span_id, self._predict, service="model-server", scope_attributes={
            "rpc.system": "grpc", "model.name": "ranker",
            "model.version": "2026-11-20" if self.end >= RELEASED_NANOS else "2026-10-01"})  # fmt: skip
        if self.failed:
            span["status"] = ERROR

    def _predict(self, span_id: str, span: dict[str, Any]) -> None:
        self._spend(400 if self.rng.random() < 0.05 else 14)
        if self.rng.random() < (0.08 if self.end >= RELEASED_NANOS else 0.001):
            self.failed = True
            span["status"] = {**ERROR, "message": "feature vector has 127 values, the model wants 128"}
            span["events"].append({"timeUnixNano": self.now, "name": "exception", "attributes": attributes({
                "exception.type": "ValueError", "exception.message": span["status"]["message"],
                "exception.stacktrace": 'File "ranker.py", line 88, in predict\n    raise ValueError(...)'})})  # fmt: skip
            self._log(span_id, 17, "prediction failed", model="ranker")
        else:
            span["attributes"] |= {"model.score": round(self.rng.uniform(0.4, 0.99), 4), "model.features": 128}

    def _move_to_the_past(self, nanoseconds: int) -> None:
        """Ends now, and gives the times and attributes their JSON form."""
        for span in (span for spans in self.spans.values() for span in spans):
            for key in ("startTimeUnixNano", "endTimeUnixNano"):
                span[key] = str(span[key] - nanoseconds)
            span["attributes"] = attributes(span["attributes"])
            for event in span["events"]:
                event["timeUnixNano"] = str(event["timeUnixNano"] - nanoseconds)
        for record in self.logs:
            for key in ("timeUnixNano", "observedTimeUnixNano"):
                record[key] = str(record[key] - nanoseconds)
        self.duration_ms = nanoseconds / 1e6


def resource(service: str) -> dict[str, Any]:
    return {"attributes": attributes({
        "service.name": service, "service.version": "1.4.2", "deployment.environment.name": "example",
        "service.instance.id": f"{service}-0", "telemetry.sdk.language": "python"})}  # fmt: skip


SCOPE = {"name": "example.traffic", "version": "1"}
BOUNDS_MS = [5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0]


class Totals:
    """Cumulative metrics over all searches of this run."""

    def __init__(self, begin: int) -> None:
        self.begin = begin
        self.searches = {"ok": 0, "error": 0}
        self.buckets = [0] * (len(BOUNDS_MS) + 1)
        self.sum_ms = 0.0

    def add(self, search: Search) -> None:
        self.searches["error" if search.failed else "ok"] += 1
        self.buckets[sum(search.duration_ms > bound for bound in BOUNDS_MS)] += 1
        self.sum_ms += search.duration_ms

    def metrics(self, now: int, in_flight: int) -> list[dict[str, Any]]:
        times = {"startTimeUnixNano": str(self.begin), "timeUnixNano": str(now)}
        counts = [
            {**times, "attributes": attributes({"outcome": outcome}), "asInt": str(count)}
            for outcome, count in self.searches.items()
        ]
        histogram = {
            **times, "count": str(sum(self.buckets)), "sum": self.sum_ms, "explicitBounds": BOUNDS_MS,
            "bucketCounts": [str(bucket) for bucket in self.buckets], "attributes": attributes({"http.route": "/search"}),
        }  # fmt: skip
        return [
            {"name": "recommender.searches", "unit": "{search}",
             "sum": {"dataPoints": counts, "aggregationTemporality": 2, "isMonotonic": True}},
            {"name": "http.server.request.duration", "unit": "ms",
             "histogram": {"dataPoints": [histogram], "aggregationTemporality": 2}},
            {"name": "recommender.in_flight", "unit": "{search}",
             "gauge": {"dataPoints": [{**times, "asInt": str(in_flight)}]}},
        ]  # fmt: skip


def post(url: str, message: dict[str, Any]) -> None:
    request = urllib.request.Request(
        url, json.dumps(message).encode(), {"Content-Type": "application/json", "User-Agent": "example-traffic/1"}
    )
    with urllib.request.urlopen(request, timeout=EXPORT_SECONDS_MAX) as answer:
        partial = json.loads(answer.read() or b"{}").get("partialSuccess")
        if partial:
            raise RuntimeError(f"{url} refused a part: {partial}")


def send(endpoint: str, searches: list[Search], totals: Totals, now: int) -> None:
    spans: dict[str, list[dict[str, Any]]] = {}
    for search in searches:
        totals.add(search)
        for service, items in search.spans.items():
            spans.setdefault(service, []).extend(items)
    post(f"{endpoint}/v1/traces", {"resourceSpans": [
        {"resource": resource(service), "scopeSpans": [{"scope": SCOPE, "spans": items}]}
        for service, items in spans.items()]})  # fmt: skip
    records = [record for search in searches for record in search.logs]
    post(f"{endpoint}/v1/logs", {"resourceLogs": [
        {"resource": resource("recommender"), "scopeLogs": [{"scope": SCOPE, "logRecords": records}]}]})  # fmt: skip
    post(f"{endpoint}/v1/metrics", {"resourceMetrics": [
        {"resource": resource("recommender"),
         "scopeMetrics": [{"scope": SCOPE, "metrics": totals.metrics(now, len(searches))}]}]})  # fmt: skip


def wait_for(api: str, trace_id: str) -> None:
    """Until the trace can be asked for."""
    query = f"SELECT count() FROM otel_traces WHERE TraceId = '{trace_id}' FORMAT TabSeparated".encode()
    deadline = time.monotonic() + 20
    while True:
        with urllib.request.urlopen(f"{api}/api/v1/sql", query, timeout=EXPORT_SECONDS_MAX) as answer:
            if int(answer.read()) > 0:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"trace {trace_id} was accepted but cannot be seen")
        time.sleep(0.1)


def most_worth_a_look(searches: list[Search]) -> Search:
    return max(searches, key=lambda search: (search.failed, search.end))


def send_past(endpoint: str, count: int, minutes: float, rng: random.Random) -> list[Search]:
    """`count` searches that ended at random moments of the last minutes, exported as an SDK would have."""
    now = time.time_ns()
    begin = now - max(int(minutes * 60e9), 1)
    totals = Totals(begin)
    searches = [Search(rng, end) for end in sorted(rng.randrange(begin, now) for _ in range(count))]
    exports = range(begin + EXPORT_INTERVAL_NANOS, now + EXPORT_INTERVAL_NANOS, EXPORT_INTERVAL_NANOS)
    for at in exports:
        send(endpoint, [search for search in searches if at - EXPORT_INTERVAL_NANOS <= search.end < at], totals, min(at, now))
    return searches


def send_forever(endpoint: str, rate: float, rng: random.Random) -> None:
    totals = Totals(time.time_ns())
    while True:
        time.sleep(rng.expovariate(rate))
        try:
            send(endpoint, [Search(rng)], totals, time.time_ns())
        except OSError as error:
            print(f"not sent: {error}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--endpoint", default="http://127.0.0.1:4318", help="OTLP/HTTP address")
    parser.add_argument("--requests", type=int, default=20, help="searches to send at once")
    parser.add_argument("--past", type=float, default=0, metavar="MINUTES", help="spread them over the last minutes")
    parser.add_argument("--forever", action="store_true", help="send one now and then until stopped")
    parser.add_argument("--rate", type=float, default=1.0, help="searches a second, with --forever")
    parser.add_argument("--wait-for", metavar="URL", help="Sightline's HTTP address: wait until the trace can be seen")
    parser.add_argument("--seed", type=int, help="the same searches each time; by default others")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    if options.forever:
        send_forever(options.endpoint, options.rate, rng)
    try:
        searches = send_past(options.endpoint, options.requests, options.past, rng)
        trace_id = most_worth_a_look(searches).trace_id
        if options.wait_for:
            wait_for(options.wait_for, trace_id)
    except (OSError, RuntimeError) as error:
        print(f"example traffic: {error}", file=sys.stderr)
        return 1
    print(trace_id)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        pass
