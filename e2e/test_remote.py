"""The same program over a ClickHouse that runs elsewhere: sightline-clickhouse stands for it."""

from collections.abc import Callable
from pathlib import Path

import requests

import otlp
from sightline import SIGNALS, Server, clickhouse_on, run_cli, wait_until

VIEWS = {"traces": "otel_traces", "logs": "otel_logs", "metrics": "otel_metrics_gauge"}


def items(service: str) -> dict[str, bytes]:
    return {
        "traces": otlp.traces(service, [otlp.span() for _ in range(10)]),
        "logs": otlp.logs(service, [otlp.log() for _ in range(10)]),
        "metrics": otlp.metrics(service, [otlp.point(number) for number in range(10)]),
    }


def assert_ten_of_each(server: Server, service: str) -> None:
    for signal in SIGNALS:
        server.wait_for_rows(10, VIEWS[signal], f"ServiceName = '{service}'")
        assert server.number(f"SELECT count() FROM {VIEWS[signal]} WHERE ServiceName = '{service}'") == 10, signal


def test_all_signals_are_stored_and_asked_in_a_remote_clickhouse(make_server: Callable[..., Server], tmp_path: Path) -> None:
    with clickhouse_on(tmp_path / "elsewhere") as url:
        server = make_server(arguments=("--clickhouse", f"{url}/telemetry")).start()
        for signal, body in items("remote").items():
            assert server.export_http(signal, body).content == b""
        assert_ten_of_each(server, "remote")
        assert "remote" in server.cli("traces", "--last", "1h").stdout
        status = requests.get(f"{server.http}/api/v1/status", timeout=30)
        assert status.status_code == 200, status.text
        answer = requests.post(url, data="SELECT count() FROM telemetry.otel_traces", timeout=30)
        assert answer.text == "10\n", "whoever asks that ClickHouse sees the same"
        assert not (server.data_dir / "clickhouse").exists(), "nothing is kept here but the journal"
        assert server.stop() == 0


def test_what_was_accepted_waits_while_the_remote_clickhouse_is_away(make_server: Callable[..., Server], tmp_path: Path) -> None:
    store = tmp_path / "elsewhere"
    with clickhouse_on(store) as url:
        listen = url.removeprefix("http://")
        server = make_server(arguments=("--clickhouse", f"{url}/sightline")).start()
        assert server.export_http("traces", items("before")["traces"]).content == b""
        server.wait_for_rows(10, "otel_traces", "ServiceName = 'before'")
    for signal, body in items("away").items():
        assert server.export_http(signal, body).content == b"", "the journal has room"
    assert requests.post(f"{server.http}/api/v1/sql", data="SELECT 1", timeout=30).status_code >= 500
    with clickhouse_on(store, listen):
        wait_until(lambda: server.cli("sql", "SELECT 1").returncode == 0, 30, "an answer")
        assert_ten_of_each(server, "away")
        server.restart()
        assert_ten_of_each(server, "away")
        assert server.stop() == 0


def test_a_remote_clickhouse_that_is_not_there_is_exit_code_1_and_named(tmp_path: Path) -> None:
    done = run_cli("serve", "--data-dir", str(tmp_path / "data"), "--clickhouse", "http://someone:secret@127.0.0.1:1/x",
                   "--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--http", "127.0.0.1:0")  # fmt: skip
    assert done.returncode == 1
    said = done.stderr + done.stdout
    assert "127.0.0.1:1" in said and "secret" not in said
