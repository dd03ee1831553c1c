"""Start, stop, the data directory, retention, a full disk."""

import errno
import json
import os
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
import requests

import otlp
from sightline import BIN_DIR, STOP_SECONDS_MAX, Server, run_cli, wait_until

DAY_NANOS = 24 * 3600 * 10**9


def test_the_ready_line_has_three_addresses_that_answer(server: Server) -> None:
    assert set(server.addresses) >= {"otlp_grpc", "otlp_http", "http"}
    assert all(not address.endswith(":0") for address in server.addresses.values())
    assert requests.get(f"{server.http}/readyz", timeout=5).status_code == 200
    assert server.export_http("logs", b"").status_code == 200
    assert server.export_grpc("metrics", b"") == b""


def test_rows_are_visible_soon_after_the_answer(server: Server) -> None:
    server.export_http("traces", otlp.traces("warm-up", [otlp.span()]))
    server.wait_for_rows(1, "otel_traces", "ServiceName = 'warm-up'")
    begin = time.monotonic()
    server.export_http("traces", otlp.traces("soon", [otlp.span()]))
    server.wait_for_rows(1, "otel_traces", "ServiceName = 'soon'")
    assert time.monotonic() - begin < 5.0, "2 s are promised on a machine with nothing else to do"


def test_sigterm_flushes_and_exits_with_0(server: Server) -> None:
    for number in range(20):
        server.export_http("traces", otlp.traces("flush", [otlp.span() for _ in range(50)]))
    begin = time.monotonic()
    assert server.stop(STOP_SECONDS_MAX) == 0
    assert time.monotonic() - begin < STOP_SECONDS_MAX
    server.restart()
    assert server.number("SELECT count() FROM otel_traces WHERE ServiceName = 'flush'") == 1000


def test_the_data_directory_is_for_its_owner_only(server: Server) -> None:
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700


def test_it_listens_on_loopback_only(server: Server) -> None:
    assert all(address.startswith("127.0.0.1:") for address in server.addresses.values())


def test_a_second_program_on_the_same_directory_stops_with_a_clear_message(
    server: Server, make_server: Callable[..., Server], tmp_path: Path
) -> None:
    second = Server(work_dir=tmp_path, data_dir=server.data_dir)
    process = second.spawn()
    assert process.wait(30) == 1
    assert str(server.data_dir) in second.output()
    assert "another" in second.output().lower() or "already" in second.output().lower()
    assert server.export_http("traces", otlp.traces("first", [otlp.span()])).status_code == 200


@contextmanager
def clickhouse_on(data_dir: Path) -> Iterator[str]:
    """The URL of ClickHouse's HTTP interface over the data directory of a stopped program."""
    command = [str(BIN_DIR / "sightline-clickhouse"), "--path", str(data_dir / "clickhouse"), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield "http://" + json.loads(process.stdout.readline())["address"]
        process.terminate()
        assert process.wait(30) == 0


def test_a_data_directory_of_a_newer_release_is_left_alone(server: Server) -> None:
    server.export_http("traces", otlp.traces("kept", [otlp.span()]))
    assert server.stop() == 0
    with clickhouse_on(server.data_dir) as url:
        sql = "INSERT INTO sightline.schema_version (Version, Applied) VALUES (9999, now64(6))"
        assert requests.post(url, data=sql, timeout=30).status_code == 200
        tables = requests.post(url, data=TABLES, timeout=30).text
    assert server.spawn().wait(30) == 1
    assert "9999" in server.output() and "version" in server.output()
    with clickhouse_on(server.data_dir) as url:
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


def test_items_older_than_the_retention_are_refused(make_server: Callable[..., Server]) -> None:
    server = make_server(config={"retention": {"traces": "2d", "logs": "forever"}}).start()
    old = time.time_ns() - 3 * DAY_NANOS
    answer = server.export_http("traces", otlp.traces("old", [otlp.span(start_time_unix_nano=old, end_time_unix_nano=old + 1)]))
    assert answer.status_code == 200 and answer.content != b"", "comes back as partial success"
    assert server.export_http("logs", otlp.logs("old", [otlp.log(time_unix_nano=old)])).content == b""
    server.wait_for_rows(1, "otel_logs", "ServiceName = 'old'")
    assert server.number("SELECT count() FROM otel_traces WHERE ServiceName = 'old'") == 0


def test_a_shorter_retention_takes_effect_at_the_next_start(make_server: Callable[..., Server]) -> None:
    server = make_server(config={"retention": {"traces": "forever"}}).start()
    now = time.time_ns()
    for service, age_days in {"old": 10, "new": 0}.items():
        end = now - age_days * DAY_NANOS
        span = otlp.span(start_time_unix_nano=end - 1000, end_time_unix_nano=end)
        assert server.export_http("traces", otlp.traces(service, [span])).content == b""
    server.wait_for_rows(2, "otel_traces")
    assert server.stop() == 0
    server.config = {"retention": {"traces": "5d"}}
    server.restart()
    count = "SELECT count() FROM otel_traces WHERE ServiceName = '{}'"
    wait_until(lambda: server.number(count.format("old")) == 0, 60, "the old span is gone")
    assert server.number(count.format("new")) == 1


def test_durability_disk_keeps_all_as_well(make_server: Callable[..., Server]) -> None:
    server = make_server(config={"durability": "disk"}).start()
    for _ in range(20):
        assert server.export_http("traces", otlp.traces("disk", [otlp.span()])).status_code == 200
    server.restart()
    server.wait_for_rows(20, "otel_traces", "ServiceName = 'disk'")
    assert server.number("SELECT count() FROM otel_traces WHERE ServiceName = 'disk'") == 20


# ---- a full disk

DISK_BYTES = 400 << 20
FREE_BYTES_MIN = 100 << 20


@pytest.fixture
def small_disk(directory: Path) -> Iterator[Path]:
    """A file system of its own, DISK_BYTES large."""
    path = directory / "small"
    path.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(path)], capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"cannot mount a small file system here: {mount.stderr.strip()}")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


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
    make_server: Callable[..., Server], small_disk: Path, free_bytes_min: int, leave_bytes: int
) -> None:
    config = {"limits": {"disk_free_bytes_min": free_bytes_min}}
    server = make_server(data_dir=small_disk / "data", config=config).start()
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
            return error.code()
        acknowledged += 100
        return grpc.StatusCode.OK

    assert export().status_code == 200
    ballast = fill(small_disk, leave_bytes)
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
