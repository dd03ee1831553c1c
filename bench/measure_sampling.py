#!/usr/bin/env python3
"""What tail sampling costs: the real program on an empty directory, driven over loopback, its kept set and its counts verified.

    bench/measure_sampling.py [--only gateway,serve,keep,rate] [--loads whole,shuffled,gzip] [--rounds 2] [--against OTHER/sightline]

Policies: errors, slower than 1000 ms, 1 % of the rest; 5 s of waiting. The load: gRPC, 4 connections, 512 spans of 413 bytes a request.
`keep`: `serve` without policies, every span stored. `rate`: 50,000 spans/s, for the memory that the waiting spans take. With --against the loads run by turns with another build, and
each figure has the ratio beside it: on a shared machine only that says something. The exit code is 1 when a count or a kept trace is
wrong, never because of a figure.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from measure import Server

CONFIG = """
sampling:
  tail_sampling:
    decision_wait: 5s
    policies:
      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
      - {name: slow, type: latency, latency: {threshold_ms: 1000}}
      - {name: rest, type: probabilistic, probabilistic: {sampling_percentage: 1}}
"""
SPANS_PER_TRACE, CALLS_PER_TRACE = 8, 4
LOADS = {"whole": [], "shuffled": ["--shuffled"], "gzip": ["--gzip"]}
RATE = 50_000
DECIDED_SECONDS_MAX = 60
TARGETS = {"gateway": 1_000_000, "serve": 650_000, "keep": 240_000}
GRAPH_SECONDS_MAX = 60
RATE_ANONYMOUS_MB_MAX = 100


class Peak:
    """The largest anonymous memory of a server while this is open."""
    def __init__(self, server):
        self.server, self.anonymous_mb, self.over = server, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.over.wait(0.05):
            self.anonymous_mb = max(self.anonymous_mb, self.server.memory_mb()["RssAnon"])

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Checks:
    def __init__(self):
        self.failed = False

    def equal(self, what, value, wanted):
        if value != wanted:
            print(f"  WRONG: {what}: {value}, not {wanted}", flush=True)
            self.failed = True

    def within(self, what, value, low, high):
        if not low <= value <= high:
            print(f"  WRONG: {what}: {value}, not {low} to {high}", flush=True)
            self.failed = True


def counters(server):
    lines = [line.rsplit(" ", 1) for line in server.get("/metrics").decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def of_sampling(values, item, decision, policy):
    return int(values.get(f'sightline_sampling_{item}_total{{decision="{decision}",policy="{policy}"}}', 0))


def wait_decided(server, spans):
    """Counters when all is decided."""
    deadline = time.monotonic() + DECIDED_SECONDS_MAX
    while True:
        values = counters(server)
        decided = sum(int(value) for name, value in values.items() if name.startswith("sightline_sampling_spans_total{"))
        if decided >= spans or time.monotonic() > deadline:
            return values
        time.sleep(0.1)


def verify_counters(checks, values, spans, notable):
    """Every span decided once, every trace kept for what the generator made of it, every call in the graph."""
    traces = spans // SPANS_PER_TRACE
    failed = sum(1 for reason in notable.values() if reason == "failed")
    kept = {policy: of_sampling(values, "traces", "kept", policy) for policy in ("errors", "slow", "rest")}
    checks.equal("traces kept for errors", kept["errors"], failed)
    checks.equal("traces kept for their duration", kept["slow"], len(notable) - failed)
    others = traces - len(notable)
    checks.within("traces kept of the rest", kept["rest"], 0.009 * others - 100, 0.011 * others + 100)
    checks.equal("traces dropped", of_sampling(values, "traces", "dropped", ""), traces - sum(kept.values()))
    checks.equal("spans kept", sum(of_sampling(values, "spans", "kept", policy) for policy in kept), SPANS_PER_TRACE * sum(kept.values()))
    checks.equal("spans dropped", of_sampling(values, "spans", "dropped", ""), spans - SPANS_PER_TRACE * sum(kept.values()))
    for name, value in values.items():
        if name.startswith(("sightline_sampling_late_spans", "sightline_sampling_early", "sightline_sampling_unreadable")):
            checks.equal(name, int(value), 0)
    checks.equal("calls in the service graph", int(values["sightline_service_graph_calls_total"]), CALLS_PER_TRACE * traces)
    return sum(kept.values())


def verify_store(checks, server, spans, notable, kept_traces):
    """The ids of what is stored, and what was counted before sampling."""
    server.wait_stored(SPANS_PER_TRACE * kept_traces)
    stored = {row[0]: row[1:] for row in server.sql(
        "SELECT TraceId, any(SamplingPolicy), count(), uniqExact(SpanId) FROM otel_traces GROUP BY TraceId")}
    checks.equal("traces stored", len(stored), kept_traces)
    checks.equal("failed and slow traces that are not stored", sum(1 for trace_id in notable if trace_id not in stored), 0)
    policy_of = {"failed": "errors", "slow": "slow"}
    wrong = sum(1 for trace_id, (policy, *_) in stored.items() if policy != policy_of.get(notable.get(trace_id), "rest"))
    checks.equal("traces stored under another policy", wrong, 0)
    broken = sum(1 for _, rows, ids in stored.values() if (int(rows), int(ids)) != (SPANS_PER_TRACE, SPANS_PER_TRACE))
    checks.equal("traces stored in part or twice", broken, 0)
    checks.equal("calls counted", int(server.sql("SELECT sum(Calls) FROM span_metrics")[0][0]), spans)
    adjusted = float(server.sql("SELECT sum(AdjustedCount) FROM otel_traces")[0][0])
    checks.within("sum of adjusted counts", adjusted, 0.93 * spans, 1.07 * spans)


def verify_all_kept(checks, server, spans):
    """Everything stored and counted once, calls between services included: a build of before that has no such graph."""
    server.wait_stored(spans)
    checks.equal("spans stored", int(server.sql("SELECT count() FROM otel_traces")[0][0]), spans)
    checks.equal("calls counted", int(server.sql("SELECT sum(Calls) FROM span_metrics")[0][0]), spans)
    name, calls = "sightline_service_graph_calls_total", CALLS_PER_TRACE * spans // SPANS_PER_TRACE
    deadline = time.monotonic() + GRAPH_SECONDS_MAX
    while name in counters(server) and counters(server)[name] < calls and time.monotonic() < deadline:
        time.sleep(0.5)
    if name in counters(server):
        checks.equal("calls in the service graph", int(server.sql("SELECT sum(Calls) FROM service_graph")[0][0]), calls)
        checks.equal("spans that waited too short", int(counters(server).get("sightline_service_graph_early_spans_total", 0)), 0)


def run(options, work, command, program, load_options, checks):
    """One load on an empty directory; what it cost."""
    directory = Path(tempfile.mkdtemp(dir=work))
    config, notable_file = directory / "config.yaml", directory / "notable"
    config.write_text("{}" if command == "keep" else CONFIG)
    arguments = ["--config", config] + (["--forward", "none"] if command == "gateway" else [])
    (directory / "data").mkdir()
    with Server(options.bin, directory / "data", "serve" if command == "keep" else command, arguments, program) as server:
        with Peak(server) as peak:
            # All calls are in the graph 15 s after the last span, where all spans are kept.
            answer = server.load("--settle", 16 if command == "keep" else 8, "--notable-file", notable_file, *load_options)
        if command == "keep":
            verify_all_kept(checks, server, answer["accepted"])
            shutil.rmtree(directory)
            return {"per_cpu_second": answer["per_cpu_second"], "per_second": answer["per_second"], "anonymous_mb": peak.anonymous_mb,
                    "rss_peak_mb": answer["rss_peak_mb"], "kept": 1}
        notable = dict(line.split() for line in notable_file.read_text().splitlines())
        values = wait_decided(server, answer["accepted"])
        kept = verify_counters(checks, values, answer["accepted"], notable)
        if command == "serve":
            verify_store(checks, server, answer["accepted"], notable, kept)
    shutil.rmtree(directory)
    return {"per_cpu_second": answer["per_cpu_second"], "per_second": answer["per_second"], "anonymous_mb": peak.anonymous_mb,
            "rss_peak_mb": answer["rss_peak_mb"], "kept": kept * SPANS_PER_TRACE / answer["accepted"]}


def measure(options, work, command, load, checks):
    programs = {"": None} | ({"against": options.against} if options.against else {})
    fixed_rate = load == "rate"
    load_options = ["--rate", RATE, "--seconds", 24] if fixed_rate else ["--items", options.spans, *LOADS[load]]
    figures = {name: [] for name in programs}
    for _ in range(options.rounds):
        for name, program in programs.items():
            figures[name].append(run(options, work, command, program, load_options, checks))
    for name, runs in figures.items():
        rates = [figure["per_cpu_second"] for figure in runs]
        anonymous = max(figure["anonymous_mb"] for figure in runs)
        target = f"  target {RATE_ANONYMOUS_MB_MAX} MB" if fixed_rate else f"  target {TARGETS[command]:,}/CPU-s" if load == "whole" else ""
        print(f"{command:8} {load:9} {name:8} {statistics.median(rates):>11,.0f} /CPU-s ({', '.join(f'{rate / 1000:.0f}k' for rate in rates)})"
              f"  {1e6 / statistics.median(rates):.2f} us/span  anonymous {anonymous:.0f} MB  peak {max(f['rss_peak_mb'] for f in runs)} MB"
              f"  kept {100 * runs[-1]['kept']:.1f} %{target if name == '' else ''}", flush=True)
    if options.against:
        ratios = [ours["per_cpu_second"] / theirs["per_cpu_second"] for ours, theirs in zip(figures[""], figures["against"])]
        print(f"{command:8} {load:9} ratio    {statistics.median(ratios):.3f} ({', '.join(f'{ratio:.3f}' for ratio in ratios)})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=Path(__file__).resolve().parent.parent / "build/bin")
    parser.add_argument("--spans", type=int, default=3_000_000)
    parser.add_argument("--only", default="gateway,serve,rate")
    parser.add_argument("--loads", default=",".join(LOADS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    work, checks = Path(tempfile.mkdtemp(prefix="sightline-bench-")), Checks()
    sections = options.only.split(",")
    try:
        for command in [name for name in ("gateway", "serve", "keep") if name in sections]:
            for load in options.loads.split(","):
                measure(options, work, command, load, checks)
        if "rate" in sections:
            measure(options, work, "gateway", "rate", checks)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if checks.failed:
        sys.exit(1)
    print("kept sets and counts are right")


if __name__ == "__main__":
    main()
