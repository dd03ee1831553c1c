#!/usr/bin/env python3
"""The gateway beside a real Collector: the same load by turns, tail sampling + calls + service graph, nothing sent on.

    bench/compare_collector.py COLLECTOR [--rounds 2] [--spans 1500000] [--rate 50000]

COLLECTOR: a binary of the OpenTelemetry Collector with the tail sampling processor and the connectors spanmetrics and servicegraph
(README.md says how to build one). Policies and load are those of measure_sampling.py; the gateway runs with its default durability.
Prints spans per CPU-second of each and the ratio, and memory at a fixed rate. The exit code is 1 when the gateway's counts or kept
traces are wrong, never because of a figure.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from measure import Server
from measure_sampling import CONFIG, SPANS_PER_TRACE, Checks, Peak, verify_counters, wait_decided

COLLECTOR_CONFIG = """
receivers: {otlp: {protocols: {grpc: {endpoint: "%(address)s", max_recv_msg_size_mib: 16}}}}
processors:
  batch: {}
  tail_sampling:
    decision_wait: 5s
    num_traces: 1000000
    policies:
      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
      - {name: slow, type: latency, latency: {threshold_ms: 1000}}
      - {name: rest, type: probabilistic, probabilistic: {sampling_percentage: 1}}
connectors:
  forward: {}
  spanmetrics: {}
  servicegraph: {store: {max_items: 500000}}
exporters: {nop: {}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces/in: {receivers: [otlp], exporters: [spanmetrics, servicegraph, forward]}
    traces/kept: {receivers: [forward], processors: [tail_sampling, batch], exporters: [nop]}
    metrics: {receivers: [spanmetrics, servicegraph], exporters: [nop]}
"""


class Collector(Server):
    """As a Server, for its load and memory."""

    def __init__(self, binary, bin_dir, directory):
        self.binary, self.bin_dir, self.directory = binary, bin_dir, directory

    def __enter__(self):
        from collector import answers, free_address

        address = free_address()
        config = self.directory / "collector.yaml"
        config.write_text(COLLECTOR_CONFIG % {"address": address})
        self.process = subprocess.Popen([self.binary, "--config", config], stdout=subprocess.DEVNULL, stderr=open(self.directory / "collector.log", "w"))
        self.addresses = {"otlp_grpc": address}
        deadline = time.monotonic() + 30
        while not answers(address):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the Collector does not start:\n{(self.directory / 'collector.log').read_text()[-3000:]}")
            time.sleep(0.05)
        return self


def run(options, work, name, load_options, checks):
    directory = Path(tempfile.mkdtemp(dir=work))
    (directory / "data").mkdir()
    config, notable_file = directory / "config.yaml", directory / "notable"
    config.write_text(CONFIG)
    if name == "Collector":
        server = Collector(options.collector, options.bin, directory)
    else:
        server = Server(options.bin, directory / "data", "gateway", ["--config", config, "--forward", "none"])
    with server, Peak(server) as peak:
        answer = server.load("--settle", 8, "--notable-file", notable_file, *load_options)
        if name == "gateway":
            notable = dict(line.split() for line in notable_file.read_text().splitlines())
            kept = verify_counters(checks, wait_decided(server, answer["accepted"]), answer["accepted"], notable)
            checks.within("share kept", kept * SPANS_PER_TRACE / answer["accepted"], 0.04, 0.08)
    shutil.rmtree(directory)
    return answer | {"anonymous_mb": peak.anonymous_mb}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collector", type=Path)
    parser.add_argument("--bin", type=Path, default=Path(__file__).resolve().parent.parent / "build/bin")
    parser.add_argument("--spans", type=int, default=1_500_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rate", type=int, default=50_000, help="spans a second for the memory; 0: not measured")
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args()
    work, checks = Path(tempfile.mkdtemp(prefix="sightline-bench-")), Checks()
    figures = {"gateway": [], "Collector": []}
    at_rate = {}
    try:
        for _ in range(options.rounds):
            for name, runs in figures.items():
                runs.append(run(options, work, name, ["--items", options.spans], checks))
        if options.rate:
            at_rate = {name: run(options, work, name, ["--rate", options.rate, "--seconds", 24], checks) for name in figures}
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for name, runs in figures.items():
        rates = [one["per_cpu_second"] for one in runs]
        print(f"{name:9} {statistics.median(rates):>11,.0f} spans/CPU-s ({', '.join(f'{rate:,.0f}' for rate in rates)})"
              f"  peak {max(one['rss_peak_mb'] for one in runs)} MB, anonymous {max(one['anonymous_mb'] for one in runs):.0f} MB")
    ratios = [ours["per_cpu_second"] / theirs["per_cpu_second"] for ours, theirs in zip(*figures.values())]
    print(f"ratio     {statistics.median(ratios):.1f} ({', '.join(f'{ratio:.1f}' for ratio in ratios)})")
    for name, one in at_rate.items():
        print(f"{name:9} at {options.rate:,} spans/s: {one['per_cpu_second']:,.0f} spans/CPU-s, peak {one['rss_peak_mb']} MB, anonymous {one['anonymous_mb']:.0f} MB")
    if options.json:
        options.json.write_text(json.dumps({"load": figures, "rate": at_rate}, indent=1))
    if checks.failed:
        sys.exit(1)
    print("the gateway's kept sets and counts are right")


if __name__ == "__main__":
    main()
