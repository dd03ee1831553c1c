#!/usr/bin/env python3
"""Whether an application notices what its telemetry's server does: the recommender's latency with an endpoint that fails in one way for
a minute, against the same program with a healthy one, by turns; with its memory, and what was dropped and counted.

    bench/measure_exporter_faults.py [--bin build/bin] [--rate 400] [--seconds 10] [--turns 6] [--protocol http/protobuf|grpc] [--only stalls]

At 400 searches/s some 6,500 spans/s are made, so that a queue of 2,048 is full a third of a second after its server fails. Each
turn sends the same searches to one program, then to the other. Shared machines differ from second to second: only ratios
are worth anything, and the one of two healthy endpoints (--only healthy) says how much they vary by themselves.
gRPC needs grpcio (.deps/venv/bin/python has it); all else only the standard library. Everything it starts is ended.
"""

import argparse
import http.server
import json
import os
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

from measure_recommender import CALM, TICKS, fields, run_traffic

RETRY_AFTER_SECONDS = 1


def count_spans(request):
    """Those of an ExportTraceServiceRequest."""
    return sum(
        1
        for _, resource in fields(memoryview(request))
        for number, scope in fields(resource)
        if number == 2
        for field, _ in fields(scope)
        if field == 2
    )


class Arrived:
    def __init__(self):
        self.spans = self.requests = 0


def http_handler(arrived, answer):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            arrived.requests += 1
            if answer == "healthy" and self.path == "/v1/traces":
                arrived.spans += count_spans(body)
            if answer == "unavailable":
                self.send_response(503)
                self.send_header("Retry-After", str(RETRY_AFTER_SECONDS))
                self.send_header("Content-Length", "0")
            else:
                self.send_response(200)
                self.send_header("Content-Length", "9" if answer == "closes" else "0")
            self.end_headers()
            if answer == "closes":
                self.wfile.write(b"half")
                self.close_connection = True

        def log_message(self, *_):
            pass

    return Handler


@contextmanager
def http_server(arrived, answer):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http_handler(arrived, answer))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@contextmanager
def grpc_server(arrived, answer):
    import grpc
    from concurrent.futures import ThreadPoolExecutor
    from google.protobuf.duration_pb2 import Duration
    from google.rpc import error_details_pb2, status_pb2

    def export(request, context):
        arrived.requests += 1
        if answer == "unavailable":
            status = status_pb2.Status(code=grpc.StatusCode.UNAVAILABLE.value[0], message="busy")
            status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=RETRY_AFTER_SECONDS)))
            context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
            context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
        if context.is_traces:
            arrived.spans += count_spans(request)
        return b""

    class Any(grpc.GenericRpcHandler):
        def service(self, details):
            def handle(request, context):
                context.is_traces = "trace" in details.method
                return export(request, context)

            return grpc.unary_unary_rpc_method_handler(handle)

    server = grpc.server(ThreadPoolExecutor(4), handlers=[Any()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0)


@contextmanager
def raw_server(serve):
    """serve(connection) is called for each, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def stall(connection):
    with connection:
        while connection.recv(1 << 16):  # until the client gives up
            pass


def reset_in_answer(connection):
    """Of gRPC: not even HTTP/2 settings come whole."""
    with connection:
        connection.recv(1 << 16)
        connection.sendall(b"\0\0\6\4\0")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def nobody():
    """A port that is held, but where nobody listens: connections are refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def black_hole():
    """Connections are neither taken nor refused, as with a machine that is not there: the queue of a listener is full."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def endpoint(fault, protocol, arrived):
    if fault == "stalls":
        return raw_server(stall)
    if fault == "refuses":
        return nobody()
    if fault == "is not there":
        return black_hole()
    if protocol == "grpc":
        return raw_server(reset_in_answer) if fault == "closes" else grpc_server(arrived, fault)
    return http_server(arrived, fault)


FAULTS = {
    "healthy": "another healthy endpoint",
    "stalls": "takes requests and never answers",
    "refuses": "connections are refused",
    "unavailable": f"503 or UNAVAILABLE, come again in {RETRY_AFTER_SECONDS} s",
    "closes": "closes in the middle of the answer",
    "is not there": "connections are never made",
}


class Recommender:
    def __init__(self, command, env):
        self.stderr = tempfile.TemporaryFile("w+")
        clean = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
        self.process = subprocess.Popen([*map(str, command), "--port", "0"], stdout=subprocess.PIPE, stderr=self.stderr, text=True,
                                        env=clean | env)  # fmt: skip
        self.url = "http://" + json.loads(self.process.stdout.readline())["address"]
        request = urllib.request.Request(self.url + "/chaos/config", json.dumps(CALM).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).read()

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            words = file.read().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / TICKS

    def memory_mb(self, what):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(rf"{what}:\s+(\d+)", file.read())[1]) / 1024

    def end(self):
        """Seconds until it has ended, and how many spans it says it dropped."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        took = time.monotonic() - begin
        self.stderr.seek(0)
        dropped = 0
        for line in self.stderr:
            if match := re.match(r"\[otel\] span processor: .*?(?: \((\d+) times\))?$", line.rstrip()):
                dropped += int(match[1] or 1)
        return took, dropped


def measure(args, fault):
    arrived = {"healthy": Arrived(), "faulty": Arrived()}
    latencies = {name: {"p50": [], "p99": []} for name in arrived}
    cpu, requests = {name: [] for name in arrived}, dict.fromkeys(arrived, 0)
    with ExitStack() as stack:
        ports = {"healthy": stack.enter_context(endpoint("healthy", args.protocol, arrived["healthy"])),
                 "faulty": stack.enter_context(endpoint(fault, args.protocol, arrived["faulty"]))}  # fmt: skip
        programs = {}
        for name, port in ports.items():
            env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_PROTOCOL": args.protocol,
                   "OTEL_METRIC_EXPORT_INTERVAL": "10000"}  # fmt: skip
            programs[name] = Recommender(args.command, env)
            stack.callback(lambda process=programs[name].process: process.poll() is None and process.kill())
            requests[name] += run_traffic(args.bin, programs[name], args.rate, 5, 1)[0]  # fills its caches and its queue
        memory_after_warming = programs["faulty"].memory_mb("VmRSS")
        for turn in range(args.turns):
            for name in sorted(programs, reverse=turn % 2 == 0):
                before = programs[name].cpu_seconds()
                answered, report = run_traffic(args.bin, programs[name], args.rate, args.seconds, turn + 2)
                cpu[name].append((programs[name].cpu_seconds() - before) / answered)
                requests[name] += answered
                for which, values in latencies[name].items():
                    values.append(report["latency_ms"][which])
                if report["answers"].keys() - {"200"}:
                    print(f"  {name}: {report['answers']}", file=sys.stderr)
        memory = {name: program.memory_mb("VmHWM") for name, program in programs.items()}
        grown = programs["faulty"].memory_mb("VmRSS") - memory_after_warming
        ended = {name: program.end() for name, program in programs.items()}

    def ratio(values):
        each = sorted(bad / good for good, bad in zip(values["healthy"], values["faulty"]))
        return f"{statistics.median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f})"

    made = (arrived["healthy"].spans + ended["healthy"][1]) / requests["healthy"] * requests["faulty"]
    print(f"{fault}: {FAULTS[fault]}; {args.turns * args.seconds:.0f} s of load")
    for which in ("p50", "p99"):
        values = {name: latencies[name][which] for name in latencies}
        medians = {name: statistics.median(each) for name, each in values.items()}
        print(f"  {which} {ratio(values)} of the healthy one's ({medians['healthy']:.2f} and {medians['faulty']:.2f} ms)")
    print(f"  CPU a request {ratio(cpu)}")
    print(f"  peak memory {memory['faulty']:.0f} MB ({memory['healthy']:.0f}), grown by {grown:+.1f} MB from the fifth second to the last")
    print(f"  spans: about {made:,.0f} made, {arrived['faulty'].spans:,} arrived, {ended['faulty'][1]:,} dropped and counted "
          f"({100 * (arrived['faulty'].spans + ended['faulty'][1]) / made:.1f} % together; healthy: {ended['healthy'][1]:,} dropped)")  # fmt: skip
    print(f"  requests that reached the server: {arrived['faulty'].requests}; ended {ended['faulty'][0]:.1f} s after SIGTERM "
          f"({ended['healthy'][0]:.1f})", flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=Path("build/bin"))
    parser.add_argument("--rate", type=float, default=400)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--protocol", default="http/protobuf", choices=["http/protobuf", "http/json", "grpc"])
    parser.add_argument("--only", action="append", choices=list(FAULTS))
    args = parser.parse_args()
    stand_in = subprocess.Popen([args.bin / "wikipedia-stand-in", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        wikipedia = "http://" + json.loads(stand_in.stdout.readline())["address"] + "/api/rest_v1"
        args.command = [args.bin / "recommender", "--wikipedia", wikipedia, "--workers", "8"]
        for fault in args.only or FAULTS:
            measure(args, fault)
    finally:
        stand_in.terminate()
        stand_in.wait(20)


if __name__ == "__main__":
    main()
