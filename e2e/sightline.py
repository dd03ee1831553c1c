"""Starts, asks and ends the real `sightline` program."""

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, TypeVar

import grpc
import requests

BIN_DIR = Path(os.environ.get("SIGHTLINE_BIN_DIR") or Path(__file__).resolve().parent.parent / "build/bin")
START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 10.0  # what is promised for SIGTERM
VISIBLE_SECONDS_MAX = 15.0  # 2 s are promised; a busy machine gets more, and loses nothing by it

_COLLECTOR = "/opentelemetry.proto.collector"
EXPORT_METHODS = {
    "traces": f"{_COLLECTOR}.trace.v1.TraceService/Export",
    "metrics": f"{_COLLECTOR}.metrics.v1.MetricsService/Export",
    "logs": f"{_COLLECTOR}.logs.v1.LogsService/Export",
}
SIGNALS = tuple(EXPORT_METHODS)

T = TypeVar("T")


def wait_until(condition: Callable[[], T], seconds: float = VISIBLE_SECONDS_MAX, what: str = "") -> T:
    """Calls `condition` until it gives something true, and returns that. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition} (last: {value!r})")
        time.sleep(0.05)


class SqlError(Exception):
    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class Server:
    """One `sightline serve` on free ports. start -> ask -> stop (SIGTERM) or kill (SIGKILL) -> start again."""

    command = "serve"

    def __init__(
        self,
        work_dir: Path,
        data_dir: Path,
        config: dict[str, Any] | None = None,
        fault: str = "",
        arguments: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        starter: tuple[str, ...] = (),
    ) -> None:
        self.work_dir = work_dir
        self.data_dir = data_dir
        self.config = config
        self.fault = fault
        self.arguments = arguments
        self.env = env or {}
        self.starter = starter  # the words before the program's own: it must become the program, in the same process
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.addresses: dict[str, str] = {}

    # -- life

    def start(self) -> "Server":
        self.spawn()
        wait_until(self._find_ready_line, START_SECONDS_MAX, "the line with the addresses")
        return self

    def spawn(self) -> "subprocess.Popen[bytes]":
        """Starts the program without waiting until it is ready."""
        self.starts += 1
        command = [
            *self.starter, str(BIN_DIR / "sightline"), self.command, "--data-dir", str(self.data_dir), "--log-format", "json",
            "--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--http", "127.0.0.1:0", *self.arguments,
        ]  # fmt: skip
        if self.config is not None:
            config_file = self.work_dir / "config.yaml"
            config_file.write_text(json.dumps(self.config))  # JSON is YAML
            command += ["--config", str(config_file)]
        env = clean_environment() | self.env
        if self.fault:
            env["SIGHTLINE_TEST_FAULT"] = self.fault
        with open(self.stdout, "wb") as stdout, open(self.stderr, "wb") as stderr:
            self.process = subprocess.Popen(command, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL, env=env)
        return self.process

    def _find_ready_line(self) -> bool:
        assert self.process is not None
        for line in self.stdout.read_text(errors="replace").splitlines():
            if '"otlp_grpc"' in line:
                self.addresses = json.loads(line)
                return True
        if self.process.poll() is not None:
            raise AssertionError(f"sightline ended with {self.process.returncode} before it was ready\n{self.log_tail()}")
        return False

    def stop(self, seconds: float = STOP_SECONDS_MAX) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def restart(self, fault: str = "") -> "Server":
        self.kill()
        self.fault = fault
        return self.start()

    def start_or_die(self) -> bool:
        """Starts with a fault armed: False if that ended the program before it was ready."""
        process = self.spawn()
        wait_until(lambda: process.poll() is not None or self._find_ready_line(), START_SECONDS_MAX, "ready, or dead")
        return process.poll() is None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    # -- what it says

    @property
    def stdout(self) -> Path:
        return self.work_dir / f"stdout-{self.starts}.log"

    @property
    def stderr(self) -> Path:
        return self.work_dir / f"stderr-{self.starts}.log"

    def output(self) -> str:
        return self.stdout.read_text(errors="replace") + self.stderr.read_text(errors="replace")

    def log_tail(self, lines: int = 60) -> str:
        return "\n".join(self.output().splitlines()[-lines:]) if self.starts else ""

    # -- addresses

    @property
    def otlp_grpc(self) -> str:
        return self.addresses["otlp_grpc"]

    @property
    def otlp_http(self) -> str:
        return "http://" + self.addresses["otlp_http"]

    @property
    def http(self) -> str:
        return "http://" + self.addresses["http"]

    # -- asking

    def sql(self, query: str) -> list[list[Any]]:
        """Rows of values; 64-bit integers may come as text, depending on ClickHouse's settings."""
        answer = requests.post(
            f"{self.http}/api/v1/sql", params={"format": "JSONCompactEachRow"}, data=query.encode(), timeout=60
        )
        if answer.status_code != 200:
            raise SqlError(answer.status_code, answer.json())
        return [json.loads(line) for line in answer.content.splitlines()]  # not .text, which guesses the charset

    def number(self, query: str) -> int:
        return int(self.sql(query)[0][0])

    def wait_for_rows(self, count: int, table: str, where: str = "1") -> None:
        """Until at least `count` rows can be seen."""
        query = f"SELECT count() FROM {table} WHERE {where}"
        wait_until(lambda: self.number(query) >= count, what=f"{count} rows: {query}")

    def metrics(self) -> dict[str, float]:
        """What /metrics says: "name{labels}" -> value."""
        text = requests.get(f"{self.http}/metrics", timeout=10).text
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    def cli(self, *arguments: str, timeout: float = 30, **options) -> "subprocess.CompletedProcess[str]":
        return run_cli(*arguments, "--server", self.http, timeout=timeout, **options)

    # -- sending

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(self.otlp_grpc, options=[("grpc.max_receive_message_length", -1)])

    def export_grpc(self, signal_name: str, body: bytes, compression: grpc.Compression | None = None) -> bytes:
        """One Export call with exactly these bytes; raises grpc.RpcError."""
        with self.channel() as channel:
            return export_on(channel, signal_name, body, compression)

    def export_http(self, signal_name: str, body: bytes | Iterator[bytes], **headers: str) -> requests.Response:
        """One POST; header names with _ for -. An iterator is sent chunked."""
        named = {"Content-Type": "application/x-protobuf"}
        named |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        return requests.post(f"{self.otlp_http}/v1/{signal_name}", data=body, headers=named, timeout=30)


def export_on(channel: grpc.Channel, signal_name: str, body: bytes, compression: grpc.Compression | None = None) -> bytes:
    export = channel.unary_unary(EXPORT_METHODS[signal_name])  # no serializers: bytes in, bytes out
    return export(body, timeout=30, compression=compression)


def clean_environment() -> dict[str, str]:
    """Without the tests' own variables, which the program would take for its configuration."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("SIGHTLINE_", "OTEL_"))}


def run_cli(*arguments: str, timeout: float = 30, **options) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(BIN_DIR / "sightline"), *arguments], capture_output=True, text=True, timeout=timeout,
        stdin=subprocess.DEVNULL, env=clean_environment(), **options,
    )  # fmt: skip


@contextmanager
def clickhouse_on(path: Path, listen: str = "127.0.0.1:0") -> Iterator[str]:
    """The URL of ClickHouse's HTTP interface over this directory, which no program may have open."""
    command = [str(BIN_DIR / "sightline-clickhouse"), "--path", str(path), "--listen", listen]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield "http://" + json.loads(process.stdout.readline())["address"]
        except BaseException:
            process.kill()  # else this waits for it for ever
            raise
        process.terminate()
        assert process.wait(30) == 0
