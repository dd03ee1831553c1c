"""An OpenTelemetry Collector to compare with: SIGHTLINE_COLLECTOR names its binary, bench/README.md says how to build one."""

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

BINARY = os.environ.get("SIGHTLINE_COLLECTOR", "")
START_SECONDS_MAX = 30.0


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def answers(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, int(port))) == 0


class Collector:
    """`receivers: otlp` on free ports and what `config` adds to it, which needs a pipeline for traces."""

    def __init__(self, work_dir: Path, config: dict[str, Any], telemetry_level: str = "none") -> None:
        self.work_dir = work_dir
        self.otlp_grpc = free_address()
        self.config = {
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": self.otlp_grpc}}}},
            "service": {"telemetry": {"metrics": {"level": telemetry_level}}},
        }
        for key, value in config.items():
            self.config[key] = self.config.get(key, {}) | value

    def start(self) -> "Collector":
        file, log = self.work_dir / "collector.yaml", self.work_dir / "collector.log"
        file.write_text(json.dumps(self.config))
        with log.open("w") as output:
            self.process = subprocess.Popen([BINARY, "--config", str(file)], stdout=output, stderr=output)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not answers(self.otlp_grpc):
            assert self.process.poll() is None and time.monotonic() < deadline, f"the Collector does not start:\n{self.log()}"
            time.sleep(0.05)
        return self

    def log(self) -> str:
        return (self.work_dir / "collector.log").read_text()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def collector(work_dir: Path, config: dict[str, Any]) -> Iterator[Collector]:
    running = Collector(work_dir, config).start()
    try:
        yield running
    finally:
        running.stop()
