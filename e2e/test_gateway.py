"""`sightline gateway`: what is accepted reaches the backend, once where no answer is lost; whatever ends the gateway or the
backend meanwhile.

SIGHTLINE_KILLS=full: each boundary, up to three times.
"""

import collections
import contextlib
import gzip
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
import requests

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span

import otlp
import test_samples
import test_sampling
from otlp_receiver import Receiver, Request, Tls, grpc_receiver, http_receiver
from sightline import SIGNALS, Server, export_on, run_cli, wait_until

FULL = os.environ.get("SIGHTLINE_KILLS") == "full"
SEED = int(os.environ.get("SIGHTLINE_KILL_SEED", "20261102"))
ERROR = {"code": 2}
DELIVERED_SECONDS_MAX = 60.0
ERRORS = {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}


class Gateway(Server):
    command = "gateway"


MakeGateway = Callable[..., Gateway]


@pytest.fixture
def make_gateway(directory: Path) -> Iterator[MakeGateway]:
    """make_gateway("grpc://...", config={...}) -> a Gateway that is not started yet; killed at the test's end."""
    gateways: list[Gateway] = []

    def make(forward: str, **options) -> Gateway:
        work_dir = directory / f"gateway-{len(gateways)}"
        work_dir.mkdir()
        gateway = Gateway(work_dir, directory / f"gateway-{len(gateways)}-data", arguments=("--forward", forward), **options)
        gateways.append(gateway)
        return gateway

    yield make
    for gateway in gateways:
        gateway.kill()


def sampling(policies: list[dict], wait: str, **more) -> dict:
    return {"sampling": {"tail_sampling": {"decision_wait": wait, "policies": policies}}} | more


def send_all_signals(server: Server, count: int, name: str) -> None:
    """`count` spans, log records and points of `name`, in requests of up to 50."""
    with server.channel() as channel:
        for first in range(0, count, 50):
            numbers = range(first, min(first + 50, count))
            export_on(channel, "traces", otlp.traces(name, [otlp.span(f"{n}") for n in numbers]))
            export_on(channel, "logs", otlp.logs(name, [otlp.log(f"{n}") for n in numbers]))
            export_on(channel, "metrics", otlp.metrics(name, [otlp.point(n, number=n) for n in numbers]))


def spans_in(bodies: list[bytes]) -> list[Span]:
    return [
        span
        for body in bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def counts_of(server: Server, name: str) -> dict[str, tuple[int, int]]:
    """Rows and different ones."""
    queries = {
        "traces": f"SELECT count(), uniqExact(SpanName) FROM otel_traces WHERE ServiceName = '{name}'",
        "logs": f"SELECT count(), uniqExact(Body) FROM otel_logs WHERE ServiceName = '{name}'",
        "metrics": f"SELECT count(), uniqExact(Value) FROM otel_metrics_gauge WHERE ServiceName = '{name}'",
    }
    return {signal: tuple(map(int, server.sql(query)[0])) for signal, query in queries.items()}


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_all_signals_reach_a_sightline_behind_it_once(
    protocol: str, compression: str, server: Server, make_gateway: MakeGateway
) -> None:
    endpoint = f"grpc://{server.otlp_grpc}" if protocol == "grpc" else server.otlp_http
    gateway = make_gateway(endpoint, config={"forward": {"compression": compression}}).start()
    send_all_signals(gateway, 1000, "shop")
    wanted = {signal: (1000, 1000) for signal in SIGNALS}
    wait_until(lambda: counts_of(server, "shop") == wanted, DELIVERED_SECONDS_MAX, "all delivered")
    assert gateway.stop() == 0
    assert counts_of(server, "shop") == wanted
    assert gateway.process is not None


def test_it_has_no_clickhouse_in_it_and_says_how_it_is(directory: Path, make_gateway: MakeGateway) -> None:
    gateway = make_gateway("none", config=sampling([ERRORS], "1s")).start()
    send_all_signals(gateway, 100, "shop")
    assert gateway.process is not None
    maps = Path(f"/proc/{gateway.process.pid}/maps").read_text()
    assert "libgrpc" in maps and "chdb" not in maps
    for path, body in (("/healthz", "ok\n"), ("/readyz", "ready\n")):
        answer = requests.get(gateway.http + path, timeout=10)
        assert (answer.status_code, answer.text) == (200, body)
    assert requests.get(gateway.http + "/api/v1/status", timeout=10).status_code == 404
    assert min(gateway.metrics()[f'sightline_journal_bytes{{journal="{name}"}}'] for name in ("undecided", "outbox")) > 0
    second = Gateway(directory, gateway.data_dir, arguments=("--forward", "none"))
    assert second.spawn().wait(20) == 1, "two on one directory"
    assert "cannot start" in second.output()
    assert gateway.stop() == 0


def test_what_it_is_told_is_checked(directory: Path, make_gateway: MakeGateway) -> None:
    def says(text: str) -> tuple[int, str]:
        file = directory / "gateway.yaml"
        file.write_text(text)
        checked = run_cli("config", "check", str(file))
        return checked.returncode, checked.stderr

    assert says("forward: {endpoint: 'grpc://backend', headers: ['a=b'], compression: none}\n") == (0, "")
    for wrong, problem in (
        ("forward: {endpoint: 'backend:4317'}\n", "expected grpc://"),
        ("forward: {endpoint: 'grpc://backend:4317/path'}\n", "gRPC has no path"),
        ("forward: {endpoint: 'grpc://backend', protocol: http}\n", "does not go with"),
        ("forward: {headers: [secret-text]}\n", "not NAME=VALUE"),
        ("forward: {endpoint: none, tls: {cert_file: a.pem}}\n", "need each other"),
    ):
        code, text = says(wrong)
        assert code == 2 and problem in text, text
    shown = run_cli("config", "show", "--set", "forward.headers=authorization=Bearer secret-text,a=b")
    assert "authorization=***" in shown.stdout and "secret" not in shown.stdout
    without = run_cli("gateway", "--data-dir", str(directory / "data"))
    assert without.returncode == 2 and "forward.endpoint is not set" in without.stderr


def test_kept_spans_say_what_they_stand_for(server: Server, make_gateway: MakeGateway) -> None:
    rng = random.Random(SEED)
    some = {"name": "some", "type": "probabilistic", "probabilistic": {"sampling_percentage": 25}}
    gateway = make_gateway(f"grpc://{server.otlp_grpc}", config=sampling([ERRORS, some], "1s")).start()
    errors = [otlp.span("failed", status=ERROR) for _ in range(40)]
    fine = [otlp.span("fine", trace_id=rng.randbytes(16), trace_state="other=1,ot=rv:0123456789abcd;x:y" if n % 2 else "") for n in range(2000)]
    test_sampling.send(gateway, errors + fine, rng)
    kept = {one.span_id.hex() for one in fine if test_sampling.chosen_by_hash(one.trace_id, 25)}
    wanted = kept | {one.span_id.hex() for one in errors}
    query = "SELECT SpanId, TraceState, SpanAttributes['tailsampling.policy'] FROM otel_traces WHERE ServiceName IN ('shop', 'pay')"
    rows = wait_until(lambda: len(found := server.sql(query)) >= len(wanted) and found, DELIVERED_SECONDS_MAX, "kept spans")
    assert len(rows) == len(wanted) and {row[0] for row in rows} == wanted
    states = {row[0]: (row[1], row[2]) for row in rows}
    assert {states[one.span_id.hex()] for one in errors} == {("", "errors")}
    for one in fine:
        if (span_id := one.span_id.hex()) not in kept:
            continue
        state, policy = states[span_id]
        assert policy == "some"
        ot = dict(part.split(":") for part in state.split(",")[0].removeprefix("ot=").split(";"))
        threshold = int(ot["th"].ljust(14, "0"), 16)
        assert threshold == 0.75 * 2**56
        if one.trace_state:  # its randomness was below the threshold
            assert ot["x"] == "y" and state.endswith(",other=1") and int(ot["rv"], 16) >= threshold
        else:
            assert int(ot.get("rv", one.trace_id[-7:].hex()), 16) >= threshold
    # What a backend counts before sampling of its own takes the weight in.
    calls = lambda: server.sql("SELECT sum(Calls) FROM span_metrics WHERE ServiceName IN ('shop', 'pay') AND SpanName = 'fine'")[0][0]
    wait_until(lambda: calls() == pytest.approx(4 * len(kept)), what="calls")


def test_a_sightline_that_was_away_gets_everything_once(make_server: Callable[..., Server], make_gateway: MakeGateway) -> None:
    backend = make_server(config={}).start()
    address = backend.otlp_grpc
    gateway = make_gateway(f"grpc://{address}", config={"forward": {"retry_interval_max": "1s", "request_bytes_max": "20KB"}}).start()
    send_all_signals(gateway, 500, "before")
    wait_until(lambda: counts_of(backend, "before") == {signal: (500, 500) for signal in SIGNALS}, what="delivered")
    assert backend.stop() == 0
    send_all_signals(gateway, 2000, "meanwhile")
    retries = 'sightline_forward_retries_total{reason="UNAVAILABLE",signal="traces"}'
    wait_until(lambda: gateway.metrics().get(retries, 0) >= 2, what="retries")
    backend.arguments = ("--otlp-grpc", address)
    backend.start()
    wait_until(lambda: counts_of(backend, "meanwhile") == {signal: (2000, 2000) for signal in SIGNALS}, DELIVERED_SECONDS_MAX, "delivered")
    assert gateway.stop() == 0


INSIDE = [f"{step}.{side}" for step in ("journal.frame", "journal.decided", "sample.release", "journal.manifest", "journal.done", "journal.delete")
          for side in ("begin", "end")] + [f"handover.{step}.end" for step in ("manifest", "counts", "items", "done")]  # fmt: skip
BOUNDARIES = INSIDE + [f"forward.{signal}.{side}" for signal in ("traces", "metrics") for side in ("begin", "end")]


def kill_at(points: list[str], gateway: Gateway, send: Callable[[threading.Event], None]) -> None:
    """Starts the gateway and runs `send` until it dies at each of the points."""
    rng = random.Random(SEED)
    for point in points:
        gateway.fault = f"{point}=kill:{1 if point.startswith('journal.delete') else rng.randrange(2, 7)}"
        if not gateway.start_or_die():
            continue
        stop = threading.Event()
        sender = threading.Thread(target=send, args=(stop,))
        sender.start()
        try:
            assert gateway.process is not None and gateway.process.wait(40) == -9, f"{point}\n{gateway.log_tail()}"
        finally:
            stop.set()
            sender.join(30)


class Delivered:
    """The spans that a receiver got."""

    def __init__(self, backend: Receiver) -> None:
        self.backend = backend
        self.read = 0
        self.times: collections.Counter[bytes] = collections.Counter()  # by span id
        self.of_request: collections.Counter[int] = collections.Counter()  # different ones

    def update(self) -> "Delivered":
        new = self.backend.requests[self.read :]
        self.read += len(new)
        for span in spans_in([request.body for request in new if request.signal == "traces"]):
            assert any(one.key == "failed" and one.value.bool_value for one in span.attributes), "a span of a dropped trace"
            self.of_request[int(span.name.split()[1])] += span.span_id not in self.times
            self.times[span.span_id] += 1
        return self


def kept_of(sent: test_sampling.Sent) -> dict[int, int]:
    """How many spans of each acknowledged request are to be kept."""
    per_request = range(test_sampling.SPANS_PER_REQUEST)
    wanted = {number: sum(((number + n % 2) * 1000 + n // 2 * 2 + (n % 2 == 0)) % 3 == 0 for n in per_request)
              for number in sent.acknowledged}  # fmt: skip
    return {number: count for number, count in wanted.items() if count}


def is_idle(gateway: Gateway) -> bool:
    metrics = gateway.metrics()
    waiting = ("sightline_sampling_undecided_spans", "sightline_forward_handover_queue", 'sightline_forward_lag{signal="traces"}')
    return all(metrics[name] == 0 for name in waiting)


@pytest.mark.parametrize("points", ["before the request is sent", "everywhere"])
def test_killed_at_every_step_what_is_accepted_is_delivered(points: str, make_gateway: MakeGateway) -> None:
    """Twice only what was sent when the gateway died, before it could write down the answer."""
    is_exact = points != "everywhere"
    plan = ["forward.traces.begin"] * 6 if is_exact else BOUNDARIES * (3 if FULL else 1)
    with grpc_receiver() as backend:
        # Each request has a span name of its own, which is hard on what counts by name: tested below.
        config = sampling([ERRORS], "700ms", journal={"segment_bytes_max": 65536}, self_metrics={"interval": "0s"},
                          forward={"series_max": 10, "metrics_interval": "1s"})  # fmt: skip
        gateway = make_gateway(backend.url.replace("http", "grpc"), config=config)
        sent = test_sampling.Sent()
        kill_at(plan, gateway, lambda stop: test_sampling.send_until_dead(gateway, sent, stop))
        gateway.restart()
        wanted, delivered = kept_of(sent), Delivered(backend)
        wait_until(lambda: (found := delivered.update().of_request) and all(found[n] == wanted[n] for n in wanted),
                   DELIVERED_SECONDS_MAX, "all delivered")  # fmt: skip
        wait_until(lambda: is_idle(gateway), DELIVERED_SECONDS_MAX, "nothing more")
        assert len(sent.acknowledged) > 50
        twice = [span for span, count in delivered.update().times.items() if count > 1]
        if is_exact:
            assert not twice, f"{len(twice)} of {len(delivered.times)} came twice"
        assert max(delivered.times.values()) <= len(plan)
        assert gateway.stop() == 0
        came = len(backend.requests)
        gateway.restart()
        assert is_idle(gateway)
        assert gateway.stop() == 0 and len(backend.requests) == came, "nothing is left"


def span_names(backend: Receiver) -> list[str]:
    """In the order in which they came."""
    return [span.name for span in spans_in([request.body for request in backend.requests if request.signal == "traces"])]


def status_with_retry_info(code: int, seconds: int) -> tuple[tuple[str, bytes], ...]:
    """Trailers that carry google.rpc.Status{code, details: [RetryInfo{retry_delay: seconds}]}."""

    def message(field: int, body: bytes) -> bytes:
        return bytes([field << 3 | 2, len(body)]) + body

    retry_info = message(1, bytes([1 << 3, seconds]))
    any_message = message(1, b"type.googleapis.com/google.rpc.RetryInfo") + message(2, retry_info)
    return (("grpc-status-details-bin", bytes([1 << 3, code]) + message(3, any_message)),)


CERTIFICATES = Path(__file__).resolve().parent / "testdata/tls"
NO_SELF_METRICS = {"self_metrics": {"interval": "0s"}}


def test_a_backend_that_asks_for_time_gets_it_and_then_everything_in_order(make_gateway: MakeGateway) -> None:
    came: list[float] = []

    def reply(_: Request, context: grpc.ServicerContext) -> bytes:
        came.append(time.monotonic())
        if len(came) <= 2:
            code = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)[len(came) - 1]
            context.set_trailing_metadata(status_with_retry_info(code.value[0], 2))
            context.abort(code, "later")
        return b""

    with grpc_receiver() as backend:
        backend.grpc_reply = reply
        config = NO_SELF_METRICS | {"forward": {"request_bytes_max": "2KB", "headers": ["X-Token=abc=def"]}}
        gateway = make_gateway(backend.url.replace("http", "grpc"), config=config).start()
        with gateway.channel() as channel:
            for n in range(200):
                export_on(channel, "traces", otlp.traces("shop", [otlp.span(f"{n} {m}") for m in range(20)]))  # some 1.5 KB
        wanted = [f"{n} {m}" for n in range(200) for m in range(20)]
        taken = lambda: span_names(Receiver(requests=backend.requests[2:]))
        wait_until(lambda: len(taken()) == len(wanted), DELIVERED_SECONDS_MAX, "all delivered")
        assert taken() == wanted
        assert min(came[1] - came[0], came[2] - came[1]) >= 2, "the time that was asked for"
        assert backend.requests[0].body == backend.requests[1].body == backend.requests[2].body
        assert all(request.headers["x-token"] == "abc=def" for request in backend.requests)
        assert gateway.metrics()['sightline_forward_retries_total{reason="RESOURCE_EXHAUSTED",signal="traces"}'] == 1
        assert gateway.stop() == 0


def test_over_http_retry_after_is_obeyed(make_gateway: MakeGateway) -> None:
    came: list[float] = []

    def reply(_: Request) -> tuple[int, dict[str, str], bytes]:
        came.append(time.monotonic())
        return (503, {"Retry-After": "2"}, b"") if len(came) == 1 else (200, {}, b"")

    with http_receiver() as backend:
        backend.http_reply = reply
        gateway = make_gateway(backend.url, config=NO_SELF_METRICS | {"forward": {"headers": ["x-token=abc"]}}).start()
        gateway.export_grpc("traces", otlp.traces("shop", [otlp.span("one")]))
        wait_until(lambda: len(came) == 2, what="the second try")
        assert came[1] - came[0] >= 2
        assert span_names(backend) == ["one", "one"] and backend.requests[0].headers["x-token"] == "abc"
        assert gateway.stop() == 0


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_both_sides_show_their_certificates(protocol: str, make_gateway: MakeGateway) -> None:
    server = Tls(CERTIFICATES / "server.pem", CERTIFICATES / "server.key", client_authority=CERTIFICATES / "authority.pem")
    with (grpc_receiver if protocol == "grpc" else http_receiver)(server) as backend:
        endpoint = backend.url.replace("https", "grpcs") if protocol == "grpc" else backend.url
        own = {"cert_file": str(CERTIFICATES / "client.pem"), "key_file": str(CERTIFICATES / "client.key")}

        def run(tls: dict[str, str]) -> Gateway:
            gateway = make_gateway(endpoint, config=NO_SELF_METRICS | {"forward": {"tls": tls}}).start()
            gateway.export_grpc("traces", otlp.traces("shop", [otlp.span("secret")]))
            return gateway

        run({"ca_file": str(CERTIFICATES / "authority.pem")} | own)
        wait_until(lambda: span_names(backend) == ["secret"], what="delivered")
        for wrong in ({"ca_file": str(CERTIFICATES / "other.pem")} | own, {"ca_file": str(CERTIFICATES / "authority.pem")}):
            gateway = run(wrong)
            wait_until(lambda: "the backend does not take data" in gateway.output(), what="a connection that fails")
        assert len(backend.requests) == 1
        missing = make_gateway(endpoint, config={"forward": {"tls": {"ca_file": "/nowhere.pem"}}})
        assert missing.spawn().wait(20) == 1 and "/nowhere.pem" in missing.output()


def test_what_a_backend_refuses_or_rejects_is_counted_and_not_sent_again(make_gateway: MakeGateway) -> None:
    def reply(request: Request, context: grpc.ServicerContext) -> bytes:
        names = {span.name for span in spans_in([request.body])}
        if "refused" in names:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not such a one")
        if "rejected" in names:
            return ExportTraceServiceResponse(partial_success={"rejected_spans": 2, "error_message": "two of them"}).SerializeToString()
        return b""

    with grpc_receiver() as backend:
        backend.grpc_reply = reply
        gateway = make_gateway(backend.url.replace("http", "grpc"), config=NO_SELF_METRICS).start()
        for number, name in enumerate(("fine", "refused", "rejected", "last")):
            gateway.export_grpc("traces", otlp.traces("shop", [otlp.span(name) for _ in range(5)]))
            wait_until(lambda: len(backend.requests) == number + 1, what=name)  # each is a request of its own
        assert span_names(backend) == [name for name in ("fine", "refused", "rejected", "last") for _ in range(5)]

        def says() -> tuple[float, ...]:
            metrics = gateway.metrics()
            return tuple(metrics[f'sightline_forward_{what}_total{{signal="traces"}}'] for what in ("requests", "items", "rejected_items", "refused_items"))

        wait_until(lambda: says() == (3, 13, 2, 5), what="counts")
        assert "not such a one" in gateway.output() and "two of them" in gateway.output()
        assert gateway.stop() == 0
        assert gateway.restart().stop() == 0 and len(backend.requests) == 4


def test_refused_items_of_a_request_and_what_is_too_large_are_kept_apart(make_gateway: MakeGateway) -> None:
    with grpc_receiver() as backend:
        config = NO_SELF_METRICS | {"forward": {"request_bytes_max": "4KB"}}
        gateway = make_gateway(backend.url.replace("http", "grpc"), config=config).start()
        spans = [otlp.span(f"{n}") for n in range(1000)]
        for bad in spans[::7]:
            bad.trace_id = b"\0" * 16
        gateway.export_grpc("traces", otlp.traces("shop", spans))
        gateway.export_grpc("metrics", otlp.metrics_of_all_kinds("shop", range(1000)))
        good = [span.name for span in spans if any(span.trace_id)]
        wait_until(lambda: len(span_names(backend)) == len(good), what="the good ones")
        assert span_names(backend) == good
        points = 'sightline_forward_items_total{signal="metrics"}'
        wait_until(lambda: gateway.metrics()[points] == 1000, what="points")
        largest = max(len(request.body) for request in backend.requests if request.signal == "traces")
        assert 2000 < largest <= 4096
        assert gateway.stop() == 0


def test_a_full_journal_pushes_back_and_nothing_is_lost(make_server: Callable[..., Server], make_gateway: MakeGateway) -> None:
    backend = make_server().start()
    address = backend.otlp_grpc
    assert backend.stop() == 0
    config = NO_SELF_METRICS | {"journal": {"bytes_max": "2MiB", "segment_bytes_max": "256KiB"}, "forward": {"retry_interval_max": "1s"}}
    gateway = make_gateway(f"grpc://{address}", config=config).start()
    accepted = 0
    with gateway.channel() as channel:
        with pytest.raises(grpc.RpcError) as refused:
            for accepted in range(2000):
                export_on(channel, "traces", otlp.traces("shop", [otlp.span(f"{accepted} {n}") for n in range(100)]))
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE and accepted > 50
        assert "grpc-status-details-bin" in dict(refused.value.trailing_metadata()), "RetryInfo"
        gateway.restart()  # nor does a kill lose any of it
        backend.arguments = ("--otlp-grpc", address)
        backend.start()
    count = f"SELECT count(), uniqExact(SpanName) FROM otel_traces WHERE ServiceName = 'shop'"
    wait_until(lambda: backend.sql(count) == [[accepted * 100] * 2] or backend.sql(count) == [[str(accepted * 100)] * 2],
               DELIVERED_SECONDS_MAX, "all that was accepted")  # fmt: skip
    wait_until(lambda: gateway.metrics()['sightline_journal_bytes{journal="outbox"}'] < 300_000, what="the journal is free again")
    gateway.export_grpc("traces", otlp.traces("shop", [otlp.span("after")]))
    wait_until(lambda: backend.number("SELECT count() FROM otel_traces WHERE SpanName = 'after'") == 1, what="accepts again")
    assert gateway.stop() == 0


def padded_calls(number: int, count: int, failed_every: int) -> bytes:
    """Calls of one service to another, each a trace of two spans."""
    padding = {"padding": random.Random(number).randbytes(1000).hex()}
    clients = [otlp.span(f"{number} {n} client", kind=3, attributes=padding) for n in range(count)]
    servers = [
        otlp.span(f"{number} {n} server", trace_id=client.trace_id, parent=client.span_id, kind=2, attributes=padding,
                  status=ERROR if n % failed_every == 0 else {})
        for n, client in enumerate(clients)]  # fmt: skip
    return otlp.traces("shop", clients) + otlp.traces("pay", servers)


def size_of(directory: Path) -> int:
    total = 0
    for file in directory.rglob("*.journal"):
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            total += file.stat().st_size
    return total


def test_in_a_long_outage_only_what_is_kept_takes_the_disk(make_server: Callable[..., Server], make_gateway: MakeGateway) -> None:
    """Six times the budget is accepted while the backend is away, as one span in 50 is kept; then the budget is filled with kept
    ones until the gateway pushes back; it is killed on the way, and when it is full. The backend gets all of it once, and the true
    counts."""
    budget = 12 << 20
    backend = make_server(config=NO_SELF_METRICS).start()
    address = backend.otlp_grpc
    assert backend.stop() == 0
    journal = {"bytes_max": budget, "segment_bytes_max": 1 << 20}
    config = NO_SELF_METRICS | sampling([ERRORS], "100ms", journal=journal, forward={"retry_interval_max": "1s", "metrics_interval": "1s"})
    gateway = make_gateway(f"grpc://{address}", config=config).start()
    accepted: dict[int, int] = {}  # requests: spans of failed calls in each
    sent_bytes = 0

    def send(failed_every: int, patience: float) -> bool:
        """One request, again and again while the gateway pushes back."""
        nonlocal sent_bytes
        request = padded_calls(len(accepted), 50, failed_every)
        deadline = time.monotonic() + patience
        while True:
            try:
                export_on(channel, "traces", request)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.UNAVAILABLE, error
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.02)  # as a client that is told to try again
                continue
            accepted[len(accepted)] = 100 // failed_every
            sent_bytes += len(request)
            return True

    with gateway.channel() as channel:
        while sent_bytes < 6 * budget:
            assert send(50, 30), f"no room again after {sent_bytes} bytes\n{gateway.log_tail()}"
        assert size_of(gateway.data_dir) < budget
    wait_until(lambda: is_decided(gateway), what="all in the outbox")
    gateway.restart()  # by a kill
    with gateway.channel() as channel:
        while send(1, 8):
            assert sent_bytes < 10 * budget, "it never pushes back"
    assert budget / 2 < size_of(gateway.data_dir) < budget * 9 / 8
    gateway.restart()
    backend.arguments = ("--otlp-grpc", address)
    backend.start()
    kept = sum(accepted.values())
    count = "SELECT count(), uniqExact(SpanName) FROM otel_traces WHERE ServiceName IN ('shop', 'pay')"
    wait_until(lambda: [int(value) for value in backend.sql(count)[0]] == [kept, kept], DELIVERED_SECONDS_MAX, "all that was kept")

    def total(name: str) -> int:
        values = f"SELECT max(Value) AS v FROM otel_metrics_sum WHERE MetricName = '{name}' GROUP BY Attributes, StartTimeUnix"
        return int(float(backend.sql(f"SELECT sum(v) FROM ({values})")[0][0]))

    wait_until(lambda: total("traces.span.metrics.calls") == 100 * len(accepted), DELIVERED_SECONDS_MAX, "all spans are counted")
    wait_until(lambda: total("traces_service_graph_request_total") == 50 * len(accepted), DELIVERED_SECONDS_MAX, "all calls")
    wait_until(lambda: size_of(gateway.data_dir) < budget / 4, what="the disk is free again")
    with gateway.channel() as channel:
        assert send(1, 10)
    kept += 100
    wait_until(lambda: [int(value) for value in backend.sql(count)[0]] == [kept, kept], DELIVERED_SECONDS_MAX, "it accepts again")
    assert gateway.stop() == 0


def is_decided(gateway: Gateway) -> bool:
    metrics = gateway.metrics()
    return metrics["sightline_sampling_undecided_spans"] == 0 and metrics["sightline_forward_handover_queue"] == 0


class PairSender:
    """Sends calls, 30 traces a request, until it is told to stop or the gateway is gone; counts requests that were answered OK."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.acknowledged = 0

    def __call__(self, stop: threading.Event) -> None:
        with self.gateway.channel() as channel:
            while not stop.is_set():
                try:
                    export_on(channel, "traces", pairs(30))
                except grpc.RpcError as error:
                    if error.code() == grpc.StatusCode.UNAVAILABLE and self.gateway.running:
                        continue
                    return
                self.acknowledged += 1
                stop.wait(0.01)


def test_killed_at_each_step_of_the_handover_nothing_comes_twice(make_gateway: MakeGateway) -> None:
    """While the backend is away no answer can be lost: each span comes once, and each call counts once."""
    is_away, taken = True, Receiver()

    def reply(request: Request, context: grpc.ServicerContext) -> bytes:
        if is_away:
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        taken.requests.append(request)
        return b""

    with grpc_receiver() as backend:
        backend.grpc_reply = reply
        everything = {"name": "all", "type": "always_sample"}
        config = NO_SELF_METRICS | sampling([everything], "300ms", journal={"segment_bytes_max": 65536}, forward={"metrics_interval": "1s"})
        gateway = make_gateway(backend.url.replace("http", "grpc"), config=config)
        sender = PairSender(gateway)

        kill_at(INSIDE * (3 if FULL else 1), gateway, sender)
        is_away = False
        gateway.restart()

        def spans() -> list[bytes]:
            return [span.span_id for span in spans_in([request.body for request in taken.requests if request.signal == "traces"])]

        wait_until(lambda: len(set(spans())) >= sender.acknowledged * 60 and is_idle(gateway), DELIVERED_SECONDS_MAX, "all delivered")
        assert gateway.stop() == 0
        came = spans()
        assert len(came) == len(set(came)), f"{len(came) - len(set(came))} of {len(came)} came twice"
        assert totals(taken) == expected_totals(len(came) // 2)
        assert sender.acknowledged > 20


def test_new_policies_come_with_sighup(make_gateway: MakeGateway) -> None:
    with grpc_receiver() as backend:
        gateway = make_gateway(backend.url.replace("http", "grpc"), config=NO_SELF_METRICS | sampling([ERRORS], "1h")).start()
        gateway.export_grpc("traces", otlp.traces("shop", [otlp.span("fine"), otlp.span("failed", status=ERROR)]))
        assert gateway.process is not None

        def reload(policies: list[dict], says: str) -> None:
            (gateway.work_dir / "config.yaml").write_text(json.dumps(sampling(policies, "1s")))
            gateway.process.send_signal(signal.SIGHUP)
            wait_until(lambda: says in gateway.output(), what=says)

        reload([{"name": "bad", "type": "nonsense"}], "the new configuration is not used")
        reload([{"name": "all", "type": "always_sample"}], "new policies of tail sampling")
        wait_until(lambda: sorted(span_names(backend)) == ["failed", "fine"], what="both, by the new policies")
        assert gateway.stop() == 0


def test_sampling_turned_off_keeps_what_waited(make_gateway: MakeGateway) -> None:
    with grpc_receiver() as backend:
        gateway = make_gateway(backend.url.replace("http", "grpc"), config=NO_SELF_METRICS | sampling([ERRORS], "1h")).start()
        gateway.export_grpc("traces", otlp.traces("shop", [otlp.span("waits")]))
        assert gateway.stop() == 0 and not span_names(backend)
        gateway.config = NO_SELF_METRICS
        gateway.start()
        wait_until(lambda: span_names(backend) == ["waits"], what="what waited")
        assert gateway.stop() == 0


ITEMS = {"traces": ("spans", "spans"), "metrics": ("metrics", "metrics"), "logs": ("logs", "log_records")}


def protobuf_of(sample: test_samples.Sample) -> bytes | None:
    body = sample.path.read_bytes()
    if sample.entry["encoding"] == "gzip":
        body = gzip.decompress(body)
    return None if "json" in sample.entry["content_type"] else body


def test_recordings_come_out_as_they_went_in(make_gateway: MakeGateway) -> None:
    with grpc_receiver() as backend:
        gateway = make_gateway(backend.url.replace("http", "grpc"), config=NO_SELF_METRICS).start()
        for sample in test_samples.SAMPLES:
            sample.send(gateway)
        accepted = gateway.metrics()
        assert gateway.stop() == 0
        def items(bodies: list[bytes], name: str) -> collections.Counter[bytes]:
            """Each item with its resource and scope."""
            found: collections.Counter[bytes] = collections.Counter()
            for body in bodies:
                for resource in getattr(otlp.REQUESTS[name].FromString(body), f"resource_{ITEMS[name][0]}"):
                    for scope in getattr(resource, f"scope_{ITEMS[name][0]}"):
                        about = resource.resource.SerializeToString() + scope.scope.SerializeToString()
                        found.update(about + one.SerializeToString() for one in getattr(scope, ITEMS[name][1]))
            return found

        for name in SIGNALS:
            samples = [sample for sample in test_samples.SAMPLES if sample.entry["signal"] == name]
            as_protobuf = [body for sample in samples if (body := protobuf_of(sample)) is not None]
            came = items([request.body for request in backend.requests if request.signal == name], name)
            missing = items(as_protobuf, name) - came
            assert not missing, f"{missing.total()} {name} are missing, or not as they were"
            if name != "metrics":  # which are counted by points
                assert came.total() == accepted[f'sightline_receive_items_total{{signal="{name}"}}']


def totals(backend: Receiver) -> dict[str, dict[tuple[str, ...], float]]:
    """Of each cumulative metric the sum of the last values of all streams, by the attributes that are not about the gateway.
    A histogram's value is its count."""
    last: dict[tuple, float] = {}
    for request in [request for request in backend.requests if request.signal == "metrics"]:
        for resource in ExportMetricsServiceRequest.FromString(request.body).resource_metrics:
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                for point in (*metric.sum.data_points, *metric.histogram.data_points):
                    texts = {one.key: one.value.string_value for one in point.attributes}
                    stream = (point.start_time_unix_nano, texts.pop("collector.instance.id", ""))
                    value = point.count if metric.WhichOneof("data") == "histogram" else point.as_int
                    key = (metric.name, tuple(texts.values()), stream)
                    assert value >= last.get(key, 0), "a cumulative value falls"
                    last[key] = value
    found: dict[str, dict[tuple[str, ...], float]] = collections.defaultdict(lambda: collections.defaultdict(float))
    for (name, attributes, _), value in last.items():
        found[name][attributes] += value
    return found


CALLER, CALLED = ("shop", "GET /pay", "SPAN_KIND_CLIENT"), ("pay", "pay", "SPAN_KIND_SERVER")


def pairs(count: int) -> bytes:
    """Requests of one service to another: a trace of two spans each, of which every third fails."""
    request = ExportTraceServiceRequest()
    both = [request.resource_spans.add() for _ in range(2)]
    for resource, (service, _, _) in zip(both, (CALLER, CALLED)):
        resource.resource.attributes.extend(otlp.attributes({"service.name": service}))
        resource.scope_spans.add()
    for n in range(count):
        client = otlp.span("GET /pay", kind=3, milliseconds=30)
        server = otlp.span("pay", trace_id=client.trace_id, parent=client.span_id, kind=2, milliseconds=3, status=ERROR if n % 3 == 0 else {})
        both[0].scope_spans[0].spans.append(client)
        both[1].scope_spans[0].spans.append(server)
    return request.SerializeToString()


def expected_totals(traces: int) -> dict[str, dict[tuple[str, ...], float]]:
    failed = traces // 3
    calls = {(*CALLER, "STATUS_CODE_UNSET"): traces, (*CALLED, "STATUS_CODE_UNSET"): traces - failed, (*CALLED, "STATUS_CODE_ERROR"): failed}
    edges = {("shop", "pay", "", "true"): failed, ("shop", "pay", "", "false"): traces - failed}
    return {
        "traces.span.metrics.calls": calls,
        "traces.span.metrics.duration": calls,
        "traces_service_graph_request_total": edges,
        "traces_service_graph_request_failed_total": {("shop", "pay", "", "true"): failed},
        "traces_service_graph_request_client": edges,
        "traces_service_graph_request_server": edges,
    }


def test_calls_and_the_service_graph_are_counted_before_sampling(server: Server, make_gateway: MakeGateway) -> None:
    with grpc_receiver() as backend:
        for endpoint in (backend.url.replace("http", "grpc"), f"grpc://{server.otlp_grpc}"):
            gateway = make_gateway(endpoint, config=NO_SELF_METRICS | sampling([ERRORS], "500ms", forward={"metrics_interval": "1s"})).start()
            for _ in range(20):
                gateway.export_grpc("traces", pairs(30))
            if endpoint.endswith(server.otlp_grpc):
                break
            wait_until(lambda: totals(backend) == expected_totals(600), DELIVERED_SECONDS_MAX, "all counted")
            wait_until(lambda: len(span_names(backend)) >= 400, DELIVERED_SECONDS_MAX, "what failed, which goes its own way")
            assert len(span_names(backend)) == 400, "only what failed is kept"
    # A Sightline behind it has them as metrics of the services.
    calls = lambda: {
        (row[0], row[1]): row[2]
        for row in server.sql(
            "SELECT ServiceName, Attributes['status.code'], max(Value) FROM otel_metrics_sum WHERE MetricName = 'traces.span.metrics.calls' GROUP BY ALL"
        )
    }
    wanted = {("shop", "STATUS_CODE_UNSET"): 600, ("pay", "STATUS_CODE_UNSET"): 400, ("pay", "STATUS_CODE_ERROR"): 200}
    wait_until(lambda: calls() == wanted, DELIVERED_SECONDS_MAX, "stored")
    bounds = server.sql("SELECT any(ExplicitBounds), any(Count) FROM otel_metrics_histogram WHERE MetricName = 'traces.span.metrics.duration'")
    assert bounds[0][0][:5] == [2, 4, 6, 8, 10]


def test_exemplars_of_counts_are_of_traces_that_the_backend_has(server: Server, make_gateway: MakeGateway) -> None:
    gateway = make_gateway(f"grpc://{server.otlp_grpc}", config=NO_SELF_METRICS | sampling([ERRORS], "500ms", forward={"metrics_interval": "1s"})).start()
    gateway.export_grpc("traces", pairs(300))

    def exemplars(name: str) -> list[dict]:
        url = f"{server.http}/api/v1/metrics/{name}/exemplars"
        answer = requests.get(url, params={"last": "15m", "attribute": "status.code=STATUS_CODE_ERROR"}, timeout=30)
        return answer.json().get("exemplars", []) if answer.status_code in (200, 404) else pytest.fail(answer.text)

    for name, value in (("traces.span.metrics.duration", 3), ("traces.span.metrics.calls", 1)):
        # The metrics may be there before the spans.
        found = wait_until(lambda: (all_found := exemplars(name)) and all(one["is_stored"] for one in all_found) and all_found, DELIVERED_SECONDS_MAX, name)
        for one in found:
            assert one["service"] == "pay" and one["value"] == pytest.approx(value)
            assert one["labels"]["span.name"] == "pay" and "collector.instance.id" in one["labels"], "it came with the gateway's metric"
            trace = requests.get(f"{server.http}/api/v1/traces/{one['trace_id']}", timeout=30).json()
            span = next(span for span in trace["spans"] if span["span_id"] == one["span_id"])
            assert span["name"] == "pay" and span["status"]["code"] == "Error"


def test_calls_are_told_apart_by_dimensions_too(make_gateway: MakeGateway) -> None:
    dimensions = {"span_metrics": {"dimensions": [{"name": "http.route"}, {"name": "tier", "default": "none"}]}}
    with grpc_receiver() as backend:
        config = NO_SELF_METRICS | dimensions | sampling([ERRORS], "500ms", forward={"metrics_interval": "1s"})
        gateway = make_gateway(backend.url.replace("http", "grpc"), config=config).start()
        spans = [otlp.span("handle", kind=2, attributes=more) for more in [{"http.route": "/pay"}] * 3 + [{"tier": "gold"}] * 2]
        gateway.export_grpc("traces", otlp.traces("shop", spans))
        own = ("shop", "handle", "SPAN_KIND_SERVER", "STATUS_CODE_UNSET")
        wanted = {(*own, "/pay", "none"): 3, (*own, "gold"): 2}
        wait_until(lambda: totals(backend)["traces.span.metrics.calls"] == wanted, DELIVERED_SECONDS_MAX, "all counted")
        assert totals(backend)["traces.span.metrics.duration"] == wanted


def test_what_is_beyond_the_limit_of_series_is_counted_together_and_said(make_gateway: MakeGateway) -> None:
    with grpc_receiver() as backend:
        config = NO_SELF_METRICS | sampling([ERRORS], "500ms", forward={"series_max": 5, "metrics_interval": "1s"})
        gateway = make_gateway(backend.url.replace("http", "grpc"), config=config).start()
        gateway.export_grpc("traces", otlp.traces("shop", [otlp.span(f"page {n}", kind=2) for n in range(20)]))
        wait_until(lambda: sum(totals(backend)["traces.span.metrics.calls"].values()) == 20, DELIVERED_SECONDS_MAX, "all counted")
        calls = totals(backend)["traces.span.metrics.calls"]
        assert 1 < len(calls) <= 6 and calls[("",)] == 21 - len(calls), "others are one each"
        assert gateway.metrics()['sightline_span_metrics_overflowed_spans_total{signal="span_metrics"}'] == calls[("",)]


@pytest.mark.parametrize("points", ["before the request is sent", "everywhere"])
def test_killed_at_every_step_counts_are_right(points: str, make_gateway: MakeGateway) -> None:
    """Calls are never less than what was accepted, and no more, unless an answer was lost."""
    is_exact = points != "everywhere"
    plan = ["forward.metrics.begin"] * 5 if is_exact else BOUNDARIES if FULL else ["journal.frame.end", "journal.manifest.end", "forward.metrics.end", "journal.done.begin"]
    everything = {"name": "all", "type": "always_sample"}
    with grpc_receiver() as backend:
        config = NO_SELF_METRICS | sampling([everything], "300ms", journal={"segment_bytes_max": 65536}, forward={"metrics_interval": "1s"})
        gateway = make_gateway(backend.url.replace("http", "grpc"), config=config)
        sender = PairSender(gateway)

        kill_at(plan, gateway, sender)
        gateway.restart()

        def delivered() -> int:
            return len({span.span_id for span in spans_in([request.body for request in backend.requests if request.signal == "traces"])})

        def has_all() -> bool:
            found, traces = totals(backend), delivered() // 2
            wanted = expected_totals(traces)
            at_least = all(found[name][key] >= value for name, series in wanted.items() for key, value in series.items())
            return traces >= sender.acknowledged * 30 and at_least

        wait_until(has_all, DELIVERED_SECONDS_MAX, "all counted and delivered")
        if is_exact:
            wait_until(lambda: is_idle(gateway), what="nothing more")
            assert gateway.stop() == 0
            assert totals(backend) == expected_totals(delivered() // 2)
        assert sender.acknowledged > 20
