#!/usr/bin/env python3
"""What the recommender's telemetry costs: CPU of the same program with the SDK and with OTEL_SDK_DISABLED=true, by turns.

    bench/measure_recommender.py [--bin build/bin] [--rate 400] [--seconds 6] [--turns 8] [--burst-turns 4] [--protocol http/protobuf]

Both programs run all the time; the same searches and feedback go to one, then to the other. The CPU of the whole process counts,
the exporting thread's too. What it sends is taken by a server here that counts the spans and throws them away. Then the same with
--burst searches/s and each program held on one core, the traffic and that server on the others. Only Python's standard library;
everything it starts is ended.
"""

import argparse
import http.server
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

CALM = {"model_failure_rate": 0, "slow_search_rate": 0, "external_api_timeout_rate": 0, "external_api_failure_rate": 0}
PROGRAMS_CORE = 0
DRAIN_SECONDS = 5.5  # the batch processor sends at least every 5 s


def fields(message):
    """(number, bytes) of each length-delimited field; others are skipped."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        tag = varint()
        if tag & 7 == 2:
            size = varint()
            yield tag >> 3, message[at : at + size]
            at += size
        elif tag & 7 == 0:
            varint()
        else:
            at += 8 if tag & 7 == 1 else 4


class Sink(http.server.BaseHTTPRequestHandler):
    """Takes OTLP/HTTP and forgets it."""

    protocol_version = "HTTP/1.1"
    spans = 0

    def do_POST(self):
        body = memoryview(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/traces":
            for _, resource in fields(body):
                for number, scope in fields(resource):
                    Sink.spans += sum(1 for field, _ in fields(scope) if field == 2) if number == 2 else 0
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Program:
    def __init__(self, command, env=None):
        self.process = subprocess.Popen(
            [*map(str, command), "--port", "0"], stdout=subprocess.PIPE, text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("OTEL_")} | (env or {}))  # fmt: skip
        self.url = "http://" + json.loads(self.process.stdout.readline())["address"]

    def tasks(self):
        return os.listdir(f"/proc/{self.process.pid}/task")

    def cpu_seconds(self):
        """Of all its threads, to the nanosecond; they live as long as the program."""
        times = (Path(f"/proc/{self.process.pid}/task/{task}/schedstat").read_text().split()[0] for task in self.tasks())
        return sum(map(int, times)) / 1e9

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).read()

    def pin(self, core):
        for task in self.tasks():
            os.sched_setaffinity(int(task), {core})

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def run_traffic(bin_dir, program, rate, seconds, seed):
    """(requests that were answered, report)"""
    command = [bin_dir / "traffic", "--target", program.url, "--rate", rate, "--seconds", seconds, "--seed", seed]
    ended = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True, timeout=seconds + 60)
    report = json.loads(ended.stdout)
    return sum(report["answers"].values()) + report["feedback_sent"], report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=Path("build/bin"))
    parser.add_argument("--rate", type=float, default=400)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--protocol", default="http/protobuf")
    parser.add_argument("--burst", type=float, default=2000)
    parser.add_argument("--burst-turns", type=int, default=4)
    args = parser.parse_args()

    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{sink.server_address[1]}"
    stand_in = Program([args.bin / "wikipedia-stand-in"])
    recommender = [args.bin / "recommender", "--wikipedia", stand_in.url + "/api/rest_v1", "--workers", "8"]
    with_sdk = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": args.protocol,
                "OTEL_METRIC_EXPORT_INTERVAL": "10000"}  # fmt: skip
    programs = {"disabled": Program(recommender, {"OTEL_SDK_DISABLED": "true"}), "enabled": Program(recommender, with_sdk)}
    try:
        measure(args, programs)
    finally:
        for program in (*programs.values(), stand_in):
            program.stop()
        sink.shutdown()


def by_turns(args, programs, rate, turns):
    """Prints what a request costs each program. Returns the requests of the one with telemetry."""
    costs = {name: [] for name in programs}
    served = {name: [] for name in programs}
    asked = 0
    for turn in range(turns):
        for name in sorted(programs, reverse=turn % 2 == 0):
            program, before, begin = programs[name], programs[name].cpu_seconds(), time.monotonic()
            requests, report = run_traffic(args.bin, program, rate, args.seconds, turn + 2)
            served[name].append(requests / (time.monotonic() - begin))
            time.sleep(DRAIN_SECONDS if name == "enabled" else 0.2)  # the last batches of this turn
            costs[name].append(1e6 * (program.cpu_seconds() - before) / requests)
            asked += requests if name == "enabled" else 0
            if report["answers"].keys() - {"200"}:
                print(f"{name}: {report['answers']}", file=sys.stderr)
    ratios = [on / off for on, off in zip(costs["enabled"], costs["disabled"])]
    for name, values in costs.items():
        print(f"{name:9} {statistics.median(values):6.1f} µs of CPU a request   ({', '.join(f'{v:.0f}' for v in values)}), "
              f"{statistics.median(served[name]):.0f} requests/s")  # fmt: skip
    together = 100 * (sum(costs["enabled"]) / sum(costs["disabled"]) - 1)
    print(f"telemetry costs {100 * (statistics.median(ratios) - 1):.1f} % (median of {len(ratios)} turns, {together:.1f} % by their sums, "
          f"{', '.join(f'{100 * (r - 1):+.1f}' for r in ratios)})", flush=True)  # fmt: skip
    return asked


def measure(args, programs):
    for program in programs.values():
        program.post("/chaos/config", CALM)
        run_traffic(args.bin, program, args.rate, 3, 1)  # Wikipedia's answers are kept from here on
    time.sleep(DRAIN_SECONDS)
    if args.turns > 0:
        spans_before = Sink.spans
        asked = by_turns(args, programs, args.rate, args.turns)
        print(f"spans that arrived: {(Sink.spans - spans_before) / asked:.2f} a request", flush=True)
    if args.burst_turns > 0:
        print(f"each on one core, {args.burst:.0f} searches/s asked for:")
        others = os.sched_getaffinity(0) - {PROGRAMS_CORE}
        for task in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(task), others)
        for program in programs.values():
            program.pin(PROGRAMS_CORE)
        by_turns(args, programs, args.burst, args.burst_turns)


if __name__ == "__main__":
    main()
