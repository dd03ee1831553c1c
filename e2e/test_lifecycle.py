"""Start, stop, the data directory, retention, a full disk."""

import errno
import json
import os
import re
import secrets
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import requests

import otlp
from sightline import SIGNALS, STOP_SECONDS_MAX, Server, clickhouse_on, run_cli, wait_until

DAY_NANOS = 24 * 3600 * 10**9


def test_the_ready_line_has_three_addresses_that_answer(server: Server) -> None:
    assert set(server.addresses) >= {"otlp_grpc", "otlp_http", "http"}
    assert all(not address.endswith(":0") for address in server.addresses.values())
    assert requests.get(f"{server.http}/readyz", timeout=5).status_code == 200
    assert server.export_http("logs", b"").status_code == 200
    assert server.export_grpc("metrics", b"") == b""


def test_rows_are_visible_within_two_seconds(server: Server) -> None:
    """The quickest of a few, as the machine may have other work: blocks wait a second, so one that is late by design
    would be late each time."""
    server.export_http("traces", otlp.traces("warm-up", [otlp.span()]))
    server.wait_for_rows(1, "otel_traces", "ServiceName = 'warm-up'")

    def seconds_until_visible(service: str) -> float:
        server.export_http("traces", otlp.traces(service, [otlp.span()]))
        begin = time.monotonic()
        server.wait_for_rows(1, "otel_traces", f"ServiceName = '{service}'")
        return time.monotonic() - begin

    taken = []
    while not taken or (min(taken) >= 2.0 and len(taken) < 5):
        taken.append(seconds_until_visible(f"soon-{len(taken)}"))
    assert min(taken) < 2.0, taken


def test_sigterm_flushes_and_exits_with_0(server: Server) -> None:
    for number in range(20):
        server.export_http("traces", otlp.traces("flush", [otlp.span() for _ in range(50)]))
    begin = time.monotonic()
    assert server.stop(STOP_SECONDS_MAX) == 0
    assert time.monotonic() - begin < STOP_SECONDS_MAX
    server.restart()
    assert server.number("SELECT count() FROM otel_traces WHERE ServiceName = 'flush'") == 1000


def test_sigterm_does_not_wait_for_questions_that_run(server: Server) -> None:
    for _ in range(20):
        server.export_http("traces", otlp.traces("joined", [otlp.span() for _ in range(100)]))
    server.wait_for_rows(2000, "otel_traces", "ServiceName = 'joined'")
    # Eight thousand million pairs of pairs: longer than any stop may take.
    sql = (
        "SELECT count() FROM otel_traces a CROSS JOIN otel_traces b CROSS JOIN otel_traces c "
        "WHERE cityHash64(a.SpanId, b.SpanId, c.SpanId) = 1"
    )
    answers: list[requests.Response | requests.RequestException] = []

    def ask() -> None:
        try:
            answers.append(requests.post(f"{server.http}/api/v1/sql", data=sql, timeout=60))
        except requests.RequestException as error:
            answers.append(error)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    wait_until(lambda: server.metrics().get("sightline_api_running", 0) >= 1, 30, "a question that runs")
    begin = time.monotonic()
    assert server.stop(STOP_SECONDS_MAX) == 0
    assert time.monotonic() - begin < STOP_SECONDS_MAX
    for thread in asking:
        thread.join()
    assert not any(isinstance(answer, requests.Response) and answer.status_code == 200 for answer in answers), answers
    server.restart()
    assert server.number("SELECT count() FROM otel_traces WHERE ServiceName = 'joined'") == 2000


def test_the_data_directory_is_for_its_owner_only(server: Server) -> None:
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700


def test_a_data_directory_that_is_there_is_closed_to_others_or_it_is_said(make_server: Callable[..., Server]) -> None:
    server = make_server()
    server.data_dir.mkdir()
    server.data_dir.chmod(0o777)
    server.start()
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
    assert server.stop() == 0
    server.data_dir.chmod(0o755)  # somebody's wish, now that it holds something
    server.start()
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o755
    assert "others may enter the data directory" in server.log_tail()


def test_it_listens_on_loopback_unless_told_otherwise() -> None:
    shown = run_cli("config", "show")
    assert shown.returncode == 0
    addresses = re.findall(r"^  (?:grpc|http|address): (\S+)$", shown.stdout, re.MULTILINE)
    assert addresses == ["127.0.0.1:4317", "127.0.0.1:4318", "127.0.0.1:8080"]


def test_a_person_gets_the_addresses_in_one_line(server: Server, tmp_path: Path) -> None:
    """Without --log-format json."""
    person = Server(work_dir=tmp_path, data_dir=tmp_path / "data", arguments=("--log-format", "text"))
    process = person.spawn()
    try:
        (line,) = wait_until(lambda: person.stdout.read_text().splitlines(), 30, "the line with the addresses")
        assert len(re.findall(r"127\.0\.0\.1:[1-9]\d*", line)) == 3, line
    finally:
        process.terminate()
        assert process.wait(STOP_SECONDS_MAX) == 0


def test_a_second_program_on_the_same_directory_stops_with_a_clear_message(
    server: Server, make_server: Callable[..., Server], tmp_path: Path
) -> None:
    second = Server(work_dir=tmp_path, data_dir=server.data_dir)
    process = second.spawn()
    assert process.wait(30) == 1
    assert str(server.data_dir) in second.output()
    assert "another" in second.output().lower() or "already" in second.output().lower()
    assert server.export_http("traces", otlp.traces("first", [otlp.span()])).status_code == 200


def test_a_data_directory_of_a_newer_release_is_left_alone(server: Server) -> None:
    server.export_http("traces", otlp.traces("kept", [otlp.span()]))
    assert server.stop() == 0
    with clickhouse_on(server.data_dir / "clickhouse") as url:
        sql = "INSERT INTO sightline.schema_version (Version, Applied) VALUES (9999, now64(6))"
        assert requests.post(url, data=sql, timeout=30).status_code == 200
        tables = requests.post(url, data=TABLES, timeout=30).text
    assert server.spawn().wait(30) == 1
    assert "9999" in server.output() and "version" in server.output()
    with clickhouse_on(server.data_dir / "clickhouse") as url:
        assert requests.post(url, data=TABLES, timeout=30).text == tables, "nothing was changed"
        assert requests.post(url, data="SELECT count() FROM sightline.spans", timeout=30).text == "1\n"


TABLES = "SELECT name, create_table_query FROM system.tables WHERE database = 'sightline' ORDER BY name"


def test_a_taken_port_is_exit_code_1_and_names_it(server: Server, tmp_path: Path) -> None:
    taken = server.addresses["http"]
    done = run_cli("serve", "--data-dir", str(tmp_path / "data"), "--http", taken, "--otlp-grpc", "127.0.0.1:0",
                   "--otlp-http", "127.0.0.1:0")  # fmt: skip
    assert done.returncode == 1
    assert taken in done.stderr + done.stdout


@pytest.mark.parametrize(
    "config", [{"retention": {"traces": "soon"}}, {"nosuch": 1}, {"durability": "never"}, {"limits": {"nosuch_max": 1}}]
)
def test_wrong_configuration_is_exit_code_2(make_server: Callable[..., Server], config: dict) -> None:
    server = make_server(config=config)
    assert server.spawn().wait(30) == 2
    assert not server.data_dir.exists(), "nothing is begun"


VIEWS = {"traces": "otel_traces", "logs": "otel_logs", "metrics": "otel_metrics_gauge"}


def item_of_age(signal: str, days: int) -> bytes:
    at = time.time_ns() - days * DAY_NANOS
    match signal:
        case "traces":
            return otlp.traces("aged", [otlp.span(start_time_unix_nano=at, end_time_unix_nano=at + 1)])
        case "logs":
            return otlp.logs("aged", [otlp.log(time_unix_nano=at)])
        case _:
            return otlp.metrics("aged", [otlp.point(days, at)])


def count_aged(server: Server, signal: str) -> int:
    return server.number(f"SELECT count() FROM {VIEWS[signal]} WHERE ServiceName = 'aged'")


@pytest.mark.parametrize("bounded", SIGNALS)
def test_items_older_than_the_retention_of_their_signal_are_refused(make_server: Callable[..., Server], bounded: str) -> None:
    server = make_server(config={"retention": dict.fromkeys(SIGNALS, "forever") | {bounded: "2d"}}).start()
    for signal in SIGNALS:
        answer = server.export_http(signal, item_of_age(signal, 3))
        assert answer.status_code == 200
        assert (answer.content != b"") == (signal == bounded), "what is too old comes back as partial success"
        assert server.export_http(signal, item_of_age(signal, 1)).content == b""
    for signal in SIGNALS:
        kept = 1 if signal == bounded else 2
        wait_until(lambda signal=signal, kept=kept: count_aged(server, signal) >= kept, what=f"{kept} of {signal}")
        assert count_aged(server, signal) == kept


def test_a_shorter_retention_takes_effect_at_the_next_start(make_server: Callable[..., Server]) -> None:
    server = make_server(config={"retention": dict.fromkeys(SIGNALS, "forever")}).start()
    for signal in SIGNALS:
        for days in (10, 0):
            assert server.export_http(signal, item_of_age(signal, days)).content == b""
        wait_until(lambda signal=signal: count_aged(server, signal) == 2, what=signal)
    assert server.stop() == 0
    server.config = {"retention": {"traces": "5d", "logs": "20d", "metrics": "7d"}}
    server.restart()
    for signal in ("traces", "metrics"):
        wait_until(lambda signal=signal: count_aged(server, signal) == 1, 60, f"the old one of {signal} is gone")
    assert count_aged(server, "logs") == 2, "each signal has its own"


def test_durability_disk_keeps_all_as_well(make_server: Callable[..., Server]) -> None:
    server = make_server(config={"durability": "disk"}).start()
    for _ in range(20):
        assert server.export_http("traces", otlp.traces("disk", [otlp.span()])).status_code == 200
    server.restart()
    server.wait_for_rows(20, "otel_traces", "ServiceName = 'disk'")
    assert server.number("SELECT count() FROM otel_traces WHERE ServiceName = 'disk'") == 20


def test_hot_attributes_may_change_between_starts(make_server: Callable[..., Server]) -> None:
    """Whatever has a column of its own, the view and the API give back the same attributes with the same types."""
    ids, server = [], make_server()
    for hot in ([], [{"key": "order.id", "type": "int"}, {"key": "shop"}], [{"key": "shop"}]):
        server.config = {"store": {"hot_attributes": hot}}
        server.restart()
        ids.append(secrets.token_bytes(16))
        span = otlp.span(trace_id=ids[-1], attributes={"order.id": 7, "shop": "tea", "ratio": 2.0, "paid": True})
        assert server.export_http("traces", otlp.traces("hot", [span])).content == b""
        server.wait_for_rows(len(ids), "otel_traces", "ServiceName = 'hot'")
        for trace_id in ids:
            view = server.sql(f"SELECT SpanAttributes FROM otel_traces WHERE TraceId = '{trace_id.hex()}'")
            assert view == [[{"order.id": "7", "shop": "tea", "ratio": "2", "paid": "true"}]]
            trace = requests.get(f"{server.http}/api/v1/traces/{trace_id.hex()}", timeout=10)
            assert '"order.id":7' in trace.text and '"ratio":2.0' in trace.text, trace.text
            assert trace.json()["spans"][0]["attributes"] == {"order.id": 7, "shop": "tea", "ratio": 2.0, "paid": True}
    columns = server.sql("SELECT `a.order.id`, `a.shop` FROM sightline.spans ORDER BY Timestamp")
    assert [column for _, column in columns] == ["", "tea", "tea"] and columns[1][0] == "7", columns


# ---- a full disk

DISK_BYTES = 400 << 20
FREE_BYTES_MIN = 100 << 20


@dataclass
class Disk:
    """A file system of its own, DISK_BYTES large."""

    path: Path  # as the program sees it
    seen: Path  # as this process does
    starter: tuple[str, ...] = ()  # what starts a program that sees it


@pytest.fixture
def small_disk(directory: Path) -> Iterator[Disk]:
    path = directory / "small"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(path)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode == 0:
        yield Disk(path, path)
        subprocess.run(["umount", "-l", str(path)], check=True)
        return
    # Who may not mount may do so in namespaces, where users may have those. They last as long as this process in them.
    holder = subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", '"$@" && echo mounted && cat', "sh", *mount],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with holder:
        assert holder.stdout and holder.stderr
        if holder.stdout.readline() != "mounted\n":
            pytest.skip(f"cannot mount a small file system here: {done.stderr.strip()}; {holder.stderr.read().strip()}")
        enter = ("nsenter", f"--target={holder.pid}", "--user", "--mount", "--preserve-credentials")
        yield Disk(path, Path(f"/proc/{holder.pid}/root{path}"), enter)


def fill(disk: Path, leave_bytes: int) -> Path:
    """A file that leaves this much."""
    ballast = disk / "ballast"

    def try_fill() -> bool:
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        with open(ballast, "wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, max(free - leave_bytes, 1))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                return False  # the server wrote something in between
        return True

    wait_until(try_fill, 10, "a full disk")
    return ballast


@pytest.mark.parametrize(
    ("free_bytes_min", "leave_bytes"),
    [(FREE_BYTES_MIN, FREE_BYTES_MIN - (20 << 20)), (1 << 20, 0)],
    ids=["below the configured reserve", "no byte left"],
)
def test_a_full_disk_pushes_back_and_recovers(
    make_server: Callable[..., Server], small_disk: Disk, free_bytes_min: int, leave_bytes: int
) -> None:
    config = {"limits": {"disk_free_bytes_min": free_bytes_min}}
    server = make_server(data_dir=small_disk.path / "data", config=config, starter=small_disk.starter).start()
    acknowledged = 0

    def export() -> requests.Response:
        nonlocal acknowledged
        answer = server.export_http("traces", otlp.traces("full", [otlp.span() for _ in range(100)]))
        acknowledged += 100 if answer.status_code == 200 else 0
        return answer

    def export_grpc() -> grpc.StatusCode:
        nonlocal acknowledged
        try:
            server.export_grpc("traces", otlp.traces("full", [otlp.span() for _ in range(100)]))
        except grpc.RpcError as error:
            details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
            assert b"google.rpc.RetryInfo" in details, "tells the client when to try again"
            return error.code()
        acknowledged += 100
        return grpc.StatusCode.OK

    assert export().status_code == 200
    ballast = fill(small_disk.seen, leave_bytes)
    (refused,) = wait_until(lambda: [answer for answer in [export()] if answer.status_code != 200], 30, "a refused export")
    assert refused.status_code == 503, refused.text
    assert int(refused.headers["Retry-After"]) > 0
    # A small file system may have room for one more now and then: what was answered OK counts.
    status = wait_until(lambda: (status := export_grpc()) != grpc.StatusCode.OK and status, 30, "a refused gRPC export")
    assert status == grpc.StatusCode.UNAVAILABLE
    assert requests.get(f"{server.http}/healthz", timeout=10).status_code == 200
    ballast.unlink()
    wait_until(lambda: export().status_code == 200, 30, "an accepted export")
    server.wait_for_rows(acknowledged, "otel_traces", "ServiceName = 'full'")
    server.restart()
    server.wait_for_rows(acknowledged, "otel_traces", "ServiceName = 'full'")
    assert server.number("SELECT count() FROM otel_traces WHERE ServiceName = 'full'") == acknowledged


# ---- its logs


def test_the_logs_are_json_lines_when_asked_for(server: Server) -> None:
    server.export_http("traces", b"garbage")
    server.stop()
    lines = server.output().splitlines()
    assert lines and all(isinstance(json.loads(line), dict) for line in lines)
