#!/usr/bin/env python3
"""The end-to-end benchmark: drives the real program over loopback and prints what it costs.

    bench/measure.py [--bin build/bin] [--spans 5000000] [--points 3000000] [--only start,ingest,...] [--json FILE]

Sections: start, ingest, disk, query, services, logs, metrics, idle, rest. Each figure is printed beside its target; a missed one is
marked and the exit code stays 0, since a shared machine says little about speed. bench/budgets.md holds the figures that were taken
with care. Only Python's standard library; everything it starts is ended.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from urllib.parse import quote
from pathlib import Path

READY_SECONDS_MAX = 60
results = []


def report(section, name, value, unit, target=None, better="lower"):
    """One line; `target` is a bound that the value must stay below ("lower") or above ("higher")."""
    missed = target is not None and (value > target if better == "lower" else value < target)
    results.append({"section": section, "name": name, "value": value, "unit": unit, "target": target, "missed": missed})
    bound = "" if target is None else f"   {'<' if better == 'lower' else '>'} {target:g}{'   MISSED' if missed else ''}"
    print(f"{section:8} {name:46} {value:>12,.2f} {unit}{bound}", flush=True)


class Server:
    """`program`: another build of sightline than that in `bin_dir`."""
    def __init__(self, bin_dir, data_dir, command="serve", arguments=(), program=None):
        self.bin_dir, self.data_dir = bin_dir, data_dir
        self.command = [program or bin_dir / "sightline", command, *arguments]

    def __enter__(self):
        started = time.monotonic()
        self.process = subprocess.Popen(
            [*self.command, "--data-dir", self.data_dir, "--otlp-grpc", "127.0.0.1:0", "--otlp-http",
             "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-format", "json"],
            stdout=subprocess.PIPE, stderr=open(self.data_dir.parent / "server.log", "a"), text=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the server did not start: {(self.data_dir.parent / 'server.log').read_text()[-2000:]}")
        self.addresses = json.loads(line)
        self.ready_seconds = time.monotonic() - started
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def pid(self):
        return self.process.pid

    def memory_mb(self):
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return {key: int(fields[key].split()[0]) / 1024 for key in ("VmHWM", "VmRSS", "RssAnon")}

    def forget_peak(self):
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # VmHWM begins anew: proc(5)

    def cpu_seconds(self):
        words = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.addresses['http']}{path}", timeout=120) as answer:
            return answer.read()

    def sql(self, text):
        request = urllib.request.Request(f"http://{self.addresses['http']}/api/v1/sql?format=TabSeparated",
                                         data=text.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=300) as answer:
            return [line.split("\t") for line in answer.read().decode().splitlines()]

    def load(self, *options, protocol="grpc"):
        address = self.addresses["otlp_grpc" if protocol == "grpc" else "otlp_http"]
        command = [self.bin_dir / "loadgen", "--protocol", protocol, "--address", address, "--pid", str(self.pid), *map(str, options)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
        if done.returncode != 0:
            sys.exit(f"loadgen failed: {done.stdout}{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def wait_stored(self, count, table="otel_traces"):
        deadline = time.monotonic() + 120
        while int(self.sql(f"SELECT count() FROM {table}")[0][0]) < count:
            if time.monotonic() > deadline:
                sys.exit(f"{table} does not reach {count} rows")
            time.sleep(0.2)


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


def measure_start(bin_dir, work):
    times = []
    for run in range(5):
        with Server(bin_dir, work / f"empty-{run}" / "data") as server:
            times.append(server.ready_seconds)
    report("start", "empty directory, median of 5", quantile(times, 0.5), "s", 1)


def measure_ingest(server, spans):
    kinds = [
        ("spans, gRPC, whole traces", ["--items", spans], "grpc", 150_000),
        ("spans, gRPC, shuffled over requests", ["--items", spans // 2, "--shuffled"], "grpc", 150_000),
        ("spans, gRPC, gzip", ["--items", spans // 4, "--gzip"], "grpc", None),
        ("spans, HTTP", ["--items", spans // 4], "http", None),
        ("log records, gRPC", ["--items", 1_000_000, "--signal", "logs"], "grpc", 100_000),
        ("points, gRPC", ["--items", 3_000_000, "--signal", "metrics"], "grpc", 300_000),
    ]
    sent = 0
    for name, options, protocol, target in kinds:
        server.forget_peak()
        answer = server.load(*options, "--settle", 8, protocol=protocol)
        sent += answer["accepted"] if answer["signal"] == "traces" else 0
        report("ingest", f"{name}, per CPU-second", answer["per_cpu_second"], "/CPU-s", target, "higher")
        report("ingest", f"{name}, accepted a second", answer["per_second"], "/s")
        report("ingest", f"{name}, peak memory", server.memory_mb()["VmHWM"], "MB", 700)
    server.wait_stored(sent)
    report("ingest", "spans stored - spans accepted", int(server.sql("SELECT count() FROM otel_traces")[0][0]) - sent, "spans", 0)
    return sent


def milliseconds(server, paths, enough, cpu_of=None):
    """How long each path takes; `enough` says whether its answer is one that was meant. `cpu_of` names a figure of the server's CPU a
    question, which other programs on the machine disturb least."""
    times, cpu = [], server.cpu_seconds()
    for path in paths:
        started = time.monotonic()
        answer = json.loads(server.get(f"/api/v1/{path}"))
        times.append(1000 * (time.monotonic() - started))
        assert enough(answer), path
    if cpu_of is not None:
        report("query", f"{cpu_of}, CPU a question", 1000 * (server.cpu_seconds() - cpu) / len(paths), "ms")
    return times


def report_latency(section, name, times, target):
    report(section, f"{name}, p50", quantile(times, 0.5), "ms")
    report(section, f"{name}, p95", quantile(times, 0.95), "ms", target)


def send_larger_traces(server, traces, spans):
    """Traces of `spans` spans each, a root and its children, among those of the load. Their ids."""
    ids = [f"{number + 1:032x}" for number in range(traces)]
    for trace_id in ids:
        now = time.time_ns()
        items = [{"traceId": trace_id, "spanId": f"{place + 1:016x}", "parentSpanId": f"{1:016x}" if place else "", "name": f"step {place}",
                  "kind": 1, "startTimeUnixNano": str(now - 10**9 + place * 10**6), "endTimeUnixNano": str(now),
                  "attributes": [{"key": f"key.{k}", "value": {"stringValue": f"{trace_id[-4:]}-{place}-{k}"}} for k in range(10)]}
                 for place in range(spans)]
        body = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "larger"}}]},
                                   "scopeSpans": [{"spans": items}]}]}
        urllib.request.urlopen(urllib.request.Request(f"http://{server.addresses['otlp_http']}/v1/traces", json.dumps(body).encode(),
                                                      {"Content-Type": "application/json"}), timeout=30).read()
    return ids


LARGER_TRACES, LARGER_SPANS = 120, 50


def fill(server, spans, records):
    """Spans and log records in one store, over an hour that is filled evenly. The ids of larger traces among them."""
    if spans > 0:
        server.load("--items", spans, "--history", 3500, "--settle", 15)
        larger = send_larger_traces(server, LARGER_TRACES, LARGER_SPANS)
        server.wait_stored(spans + LARGER_TRACES * LARGER_SPANS)
    if records > 0:
        server.load("--items", records, "--signal", "logs", "--varied-bodies", "--history", 3500, "--settle", 15)
        server.wait_stored(records, "otel_logs")
    return larger if spans > 0 else []


def measure_queries(server, spans_total, larger):
    """What the list of traces and the page of one ask for."""
    ids = [row[0] for row in server.sql("SELECT DISTINCT lower(hex(TraceId)) FROM spans WHERE rand() % 1000 = 0 AND ServiceName != 'larger' LIMIT 300")]
    random.Random(1).shuffle(ids)
    milliseconds(server, [f"traces/{trace_id}" for trace_id in ids[:20]], lambda trace: True)  # the engine warms up
    some = lambda trace: len(trace["spans"]) >= 1
    millions = f"{spans_total / 1e6:.1f}M spans"
    report_latency("query", f"trace by id, {millions}", milliseconds(server, [f"traces/{i}" for i in ids[20:220]], some, "trace by id"), 20)
    report_latency("query", "outline of a trace by id", milliseconds(server, [f"traces/{i}/outline" for i in ids[20:220]], some, "outline"), 20)
    report_latency("query", "trace of 50 spans", milliseconds(server, [f"traces/{i}" for i in larger[20:]], lambda trace: len(trace["spans"]) == 50, "trace of 50 spans"), 30)
    # The bound differs from run to run, so that no cache of answers can help.
    full = lambda page: len(page["traces"]) == 50
    for name, filters in (("newest 50 traces of a service", "service=model-server"),
                          ("newest 50 failed ones of a service", "service=model-server&status=error"),
                          ("newest 50 of a service and an attribute", "service=recommender-api&attribute=http.route%3D/search")):
        paths = [f"traces?{filters}&last=1h&limit=50&min_duration={run + 1}us" for run in range(110)]
        report_latency("query", name, milliseconds(server, paths, full, name)[10:], 100)


def measure_services(server, spans):
    """The list of services as its page asks for it."""
    times, calls = [], 0
    for _ in range(220):
        started = time.monotonic()
        answer = json.loads(server.get("/api/v1/services?last=1h"))
        times.append(1000 * (time.monotonic() - started))
        calls = sum(service["calls"] for service in answer["services"])
    assert calls > 0
    report("services", f"list, last hour, {spans / 1e6:.1f}M spans, p50", quantile(times[20:], 0.5), "ms")
    report("services", "list, last hour, p95", quantile(times[20:], 0.95), "ms", 100)
    report("services", "rows read", answer["scanned"]["rows"], "rows")


def measure_logs(server, records):
    """Searches as the page of log records asks for them. All records lie within the last hour, with texts that are mostly numbers and ids."""
    ids = [row[0] for row in server.sql("SELECT extract(Body, 'request_id=([-0-9a-f]+)') AS id FROM otel_logs WHERE Timestamp > now() - 2400 AND id != '' AND rand() % 1000 = 0 LIMIT 100")]
    traces = [row[0] for row in server.sql("SELECT TraceId FROM otel_logs WHERE rand() % 10000 = 0 LIMIT 100")]
    words = ["deadlock", "segfault", "permission denied", "disk full", "certificate expired", "unauthorized", "stack overflow", "panic:"]
    service = "service=recommender-api"
    # Texts or limits differ from run to run, so that no cache of answers can help. The last number: records that must come at least.
    questions = [
        ("newest 50", lambda run: f"logs?last=1h&limit={50 + run % 5}", 200, 50),
        ("a frequent text", lambda run: f"logs?last=1h&text=Request&limit={50 + run % 5}", 200, 50),
        ("a frequent text of a service", lambda run: f"logs?last=1h&text=request&{service}&limit={50 + run % 5}", 200, 50),
        ("a rare text", lambda run: f"logs?last=1h&text={ids[run % len(ids)]}", 200, 1),
        ("a rare text of a service", lambda run: f"logs?last=1h&text={ids[-1 - run % len(ids)]}&{service}", 200, 1),
        ("a text that does not occur", lambda run: f"logs?last=1h&text={quote(words[run % len(words)])}", 200, 0),
        ("logs of one trace", lambda run: f"logs?trace_id={traces[run % len(traces)]}", 200, 1),
        ("volume", lambda run: f"logs/volume?last=1h&step={30 + run}s", 200, None),
        ("volume of a frequent text", lambda run: f"logs/volume?last=1h&text=request&step={30 + run}s", None, None),
    ]
    for name, path, target, least in questions:
        times = []
        for run in range(45):
            started = time.monotonic()
            answer = json.loads(server.get("/api/v1/" + path(run)))
            times.append(1000 * (time.monotonic() - started))
            assert answer["total"] > 0 if least is None else len(answer["logs"]) >= least
        report("logs", f"{name}, last hour, {records / 1e6:.1f}M, p50", quantile(times[5:], 0.5), "ms")
        report("logs", f"{name}, p95", quantile(times[5:], 0.95), "ms", target)


def measure_metrics(server, points):
    """The list of metrics, and one of them as series, as their page asks for them, over an hour that is filled evenly."""
    accepted = server.load("--items", points, "--signal", "metrics", "--history", 3600)["accepted"]
    server.wait_stored(accepted, "(SELECT SeriesId FROM metric_points UNION ALL SELECT SeriesId FROM metric_histograms)")
    metrics = json.loads(server.get("/api/v1/metrics?text=app.metric&limit=1000"))["metrics"]
    names = {kind: next(metric["name"] for metric in metrics if metric["type"] == kind) for kind in ("sum", "histogram")}
    questions = [
        ("list", "/api/v1/metrics?limit=50"),
        ("rate of a counter by route", f"/api/v1/metrics/{names['sum']}/series?aggregation=rate&group_by=http.route&last=1h"),
        ("p95 of a histogram by route", f"/api/v1/metrics/{names['histogram']}/series?aggregation=p95&group_by=http.route&last=1h"),
    ]
    for name, path in questions:
        times = []
        for _ in range(110):
            started = time.monotonic()
            answer = json.loads(server.get(path))
            times.append(1000 * (time.monotonic() - started))
        assert answer["metrics"] if "metrics" in answer else any(answer["series"][0]["values"])
        report("metrics", f"{name}, {points / 1e6:.1f}M points, p50", quantile(times[10:], 0.5), "ms")
        report("metrics", f"{name}, p95", quantile(times[10:], 0.95), "ms", 200)
        report("metrics", f"{name}, rows read", answer["scanned"]["rows"], "rows")


def measure_idle(server):
    """100 spans, 100 records and 100 points a second, as a small service sends them, into a store of its own: merges of an
    earlier load are not its cost."""
    loads = []
    before, started = server.cpu_seconds(), time.monotonic()
    for kind in ("traces", "logs", "metrics"):
        command = [server.bin_dir / "loadgen", "--address", server.addresses["otlp_grpc"], "--signal", kind, "--rate", "100",
                   "--per-request", "40", "--connections", "1", "--seconds", "40"]
        loads.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    for load in loads:
        load.wait(120)
    share = 100 * (server.cpu_seconds() - before) / (time.monotonic() - started)
    report("idle", "CPU at 100 spans/s with logs and metrics", share, "% of a core", 5)


def ask_all_kinds(server):
    """A few hundred questions of all kinds, as somebody at the pages asks them after a load."""
    ids = [row[0] for row in server.sql("SELECT DISTINCT lower(hex(TraceId)) FROM spans WHERE rand() % 1000 = 0 LIMIT 100")]
    paths = [f"traces/{trace_id}" for trace_id in ids]
    for run in range(100):
        paths += [f"traces?service=model-server&last=1h&limit=50&min_duration={run + 1}us", f"logs?last=1h&text=request{run}",
                  f"logs/volume?last=1h&step={30 + run}s", "services?last=1h"]
    milliseconds(server, paths, lambda answer: True)


def measure_rest(server):
    for name, burst in (("after the load", lambda server: None), ("after questions", ask_all_kinds)):
        burst(server)
        time.sleep(75)  # memory goes back within a minute after the last burst
        memory = server.memory_mb()
        report("rest", f"memory {name}", memory["VmRSS"], "MB", 300)
        report("rest", "of it anonymous", memory["RssAnon"], "MB", 120)


def measure_disk(bin_dir, data_dir, work):
    """Asks ClickHouse itself, through sightline-clickhouse on the stopped server's directory; merges go on in it until they rest."""
    process = subprocess.Popen([bin_dir / "sightline-clickhouse", "--path", data_dir / "clickhouse", "--listen", "127.0.0.1:0"],
                               stdout=subprocess.PIPE, stderr=open(work / "server.log", "a"), text=True)
    try:
        answer = json.loads(process.stdout.readline())
        address = next(value for value in answer.values() if isinstance(value, str) and ":" in value)

        def ask(text):
            request = urllib.request.Request(f"http://{address.removeprefix('http://')}/", data=text.encode(), method="POST")
            return [line.split("\t") for line in urllib.request.urlopen(request, timeout=60).read().decode().splitlines()]

        rest = 0
        while rest < 5:
            rest = rest + 1 if int(ask("SELECT count() FROM system.merges")[0][0]) == 0 else 0
            time.sleep(1)
        # Parts of an earlier level wait for more of their kind: what counts is what old data weighs, and both are printed.
        for table in ("spans", "logs", "metric_points", "metric_histograms"):
            rows = ask("SELECT sum(rows), sum(bytes_on_disk), sumIf(rows, level > 0), sumIf(bytes_on_disk, level > 0) "
                       f"FROM system.parts WHERE active AND database = 'sightline' AND table = '{table}'")[0]
            total_rows, total_bytes, merged_rows, merged_bytes = map(int, rows)
            target = 65 if table == "spans" else None
            if merged_rows > 0:
                report("disk", f"{table}, merged parts", merged_bytes / merged_rows, "B/row", target)
            if total_rows > 0:
                report("disk", f"{table}, all parts", total_bytes / total_rows, "B/row")
        counted, spans = (int(ask("SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND database = 'sightline' "
                                  f"AND table = '{table}'")[0][column]) for table, column in (("span_metric_rollups", 0), ("spans", 1)))
        if spans > 0:
            report("disk", "calls at all resolutions, of a span", counted / spans, "B/span")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=Path(__file__).resolve().parent.parent / "build/bin")
    parser.add_argument("--spans", type=int, default=5_000_000)
    parser.add_argument("--points", type=int, default=3_000_000)
    parser.add_argument("--only", default="start,ingest,query,services,logs,metrics,idle,rest,restart,disk")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sections = set(options.only.split(","))
    work = Path(tempfile.mkdtemp(prefix="sightline-bench-"))
    data_dir = work / "data"
    stores = ("idle", "questions", "metrics")
    for path in [data_dir, *(work / name for name in stores), *(work / f"empty-{run}" for run in range(5))]:
        path.mkdir(parents=True)
    try:
        if "start" in sections:
            measure_start(options.bin, work)
        if sections - {"start"}:
            with Server(options.bin, data_dir) as server:
                spans = measure_ingest(server, options.spans) if "ingest" in sections else 0
                if "rest" in sections:
                    measure_rest(server)
            if sections & {"query", "services", "logs"}:
                # One store for these, as a program has one: spans and log records are in each other's way.
                items = 2 * options.spans
                with Server(options.bin, work / "questions" / "data") as server:
                    larger = fill(server, items if sections & {"query", "services"} else 0, items if "logs" in sections else 0)
                    if "query" in sections:
                        measure_queries(server, items, larger)
                    if "services" in sections:
                        measure_services(server, items)
                    if "logs" in sections:
                        measure_logs(server, items)
            if "metrics" in sections:
                with Server(options.bin, work / "metrics" / "data") as server:
                    measure_metrics(server, options.points)
            if "idle" in sections:
                with Server(options.bin, work / "idle" / "data") as server:
                    measure_idle(server)
            if "restart" in sections:
                with Server(options.bin, data_dir) as server:
                    report("start", f"{spans / 1e6:.1f}M spans in the store", server.ready_seconds, "s", 2)
            if "disk" in sections:
                measure_disk(options.bin, data_dir, work)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1))
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
