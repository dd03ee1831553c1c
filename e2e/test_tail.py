"""What comes in, followed as it comes in: by the API, and in a terminal."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

import otlp
from sightline import BIN_DIR, Server, clean_environment, wait_until

DAY_NANOS = 24 * 3600 * 10**9


def look(server: Server, what: str, status: int = 200, **query: Any) -> dict[str, Any]:
    response = requests.get(f"{server.http}/api/v1/tail/{what}", params=query, timeout=30)
    assert response.status_code == status, response.text
    return response.json()


def follow(server: Server, what: str, cursor: str, until: Callable[[list[Any]], bool], **query: Any) -> list[Any]:
    """All that looks give, one after the other, until it is enough."""
    found: list[Any] = []

    def looked() -> bool:
        nonlocal cursor
        answer = look(server, what, cursor=cursor, **query)
        cursor = answer["next_cursor"]
        found.extend(answer["logs" if what == "logs" else "spans"])
        return until(found)

    wait_until(looked, what=f"enough of {what}")
    return found


def test_looks_neither_repeat_nor_skip_whatever_days_blocks_have(server: Server) -> None:
    sent = [otlp.span(f"old {i}") for i in range(3)]
    assert server.export_http("traces", otlp.traces("before", sent)).status_code == 200
    server.wait_for_rows(3, "otel_traces")
    first = look(server, "spans")
    assert (first["spans"], first["matched"], first["stored"]) == ([], 0, 0)
    cursor = first["next_cursor"]
    names: list[str] = []
    wanted = 0
    for i in range(30):
        spans = [otlp.span(f"new {i} {j}") for j in range(5)]
        for j, span in enumerate(spans):  # one request over several days: blocks become visible day by day
            span.start_time_unix_nano -= j * DAY_NANOS
            span.end_time_unix_nano -= j * DAY_NANOS
        assert server.export_http("traces", otlp.traces("now", spans)).status_code == 200
        wanted += 5
        answer = look(server, "spans", cursor=cursor, limit=1000)
        cursor = answer["next_cursor"]
        names += [span["name"] for span in answer["spans"]]
    names += [span["name"] for span in follow(server, "spans", cursor, lambda found: len(names) + len(found) >= wanted, limit=1000)]
    assert sorted(names) == sorted(f"new {i} {j}" for i in range(30) for j in range(5))


def test_only_what_matches_with_its_columns(server: Server) -> None:
    cursor = look(server, "spans", q="{ .n > 1 }", select=".n,resource.service.name")["next_cursor"]
    assert server.export_http("traces", otlp.traces("shop", [otlp.span("work", attributes={"n": n}) for n in range(5)])).status_code == 200
    found = follow(server, "spans", cursor, lambda found: len(found) == 3, q="{ .n > 1 }", select=".n,resource.service.name")
    assert sorted(tuple(span["literals"]) for span in found) == [(str(n), '"shop"') for n in (2, 3, 4)]
    # A cursor goes with its question.
    assert look(server, "spans", 400, cursor=cursor)["error"]["where"] == "cursor"
    assert look(server, "spans", 400, q="{ } | rate()")["error"]["where"] == "q"
    assert look(server, "spans", 400, select="event.x")["error"]["where"] == "select"


def test_a_query_of_whole_traces_gives_new_spans_that_match(server: Server) -> None:
    query = '{ kind = server } >> { status = error }'
    cursor = look(server, "spans", q=query)["next_cursor"]
    root = otlp.span("root", kind=2)
    failed, good = otlp.span("failed", root.trace_id, root.span_id, status={"code": 2}), otlp.span("good", root.trace_id, root.span_id)
    alone = otlp.span("alone", status={"code": 2})
    assert server.export_http("traces", otlp.traces("shop", [root, failed, good, alone])).status_code == 200
    found = follow(server, "spans", cursor, lambda found: len(found) > 0, q=query)
    assert [span["name"] for span in found] == ["failed"]


def test_more_than_the_limit_is_said(server: Server) -> None:
    cursor = look(server, "logs", q="needle")["next_cursor"]
    lines = [f"needle {i}" for i in range(50)] + ["hay"] * 10
    assert server.export_http("logs", otlp.logs("shop", [otlp.log(line, time_unix_nano=10**18 + i) for i, line in enumerate(lines)])).status_code == 200
    server.wait_for_rows(60, "otel_logs")
    answer = look(server, "logs", q="needle", limit=7, cursor=cursor)
    assert (answer["matched"], answer["stored"]) == (50, 60)
    assert [record["body"] for record in answer["logs"]] == [f"needle {i}" for i in range(43, 50)]
    assert list(answer["attribute_sets"].values())[0]["attributes"] == {"service.name": "shop"}


# -- in a terminal


@contextmanager
def tail(server: Server, *arguments: str, **options: Any) -> Iterator["subprocess.Popen[str]"]:
    command = [str(BIN_DIR / "sightline"), "tail", *arguments, "--server", server.http]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    process = subprocess.Popen(command, text=True, stdin=subprocess.DEVNULL, env=clean_environment(), **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    return process.returncode, out, err


def test_the_terminal_follows_and_ends_on_ctrl_c(server: Server) -> None:
    with tail(server, '{ resource.service.name = "shop" }', "--select", ".n") as process:
        assert process.stderr is not None and process.stdout is not None
        assert process.stderr.readline() == "following\n"
        for service in ("shop", "other"):
            assert server.export_http("traces", otlp.traces(service, [otlp.span(f"of {service}", attributes={"n": 7})])).status_code == 200
        line = process.stdout.readline()
        assert "of shop" in line and ".n=7" in line
        assert server.export_http("traces", otlp.traces("shop", [otlp.span("the last")])).status_code == 200
        assert "the last" in process.stdout.readline(), "and nothing of the other service"
        code, out, err = ended(process)
    assert (code, out) == (0, "")
    assert re.search(r"2 spans matched, 3 came in", err)


def test_json_of_logs_and_a_server_that_comes_back(make_server: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = make_server(arguments=("--http", address)).start()
    with tail(server, "--logs", "--json", "{ severity >= info }") as process:
        assert process.stderr is not None and process.stdout is not None
        assert process.stderr.readline() == "following\n"
        assert server.stop() == 0
        assert "no answer" in process.stderr.readline()
        server.start()
        assert server.export_http("logs", otlp.logs("shop", [otlp.log("after the restart")])).status_code == 200
        assert json.loads(process.stdout.readline())["body"] == "after the restart"
        code, _, err = ended(process)
    assert code == 0 and "answers again" in err


def test_a_terminal_shows_the_rate(server: Server) -> None:
    own, other = pty.openpty()
    with tail(server, stderr=other, stdout=other) as process:
        shown = b""

        def has(text: bytes) -> bool:
            nonlocal shown
            shown += os.read(own, 4096)
            return text in shown

        wait_until(lambda: has(b"/s match of"))
        for i in range(5):
            assert server.export_http("traces", otlp.traces("shop", [otlp.span(f"span {i}")])).status_code == 200
        wait_until(lambda: has(b"span 4"))
        wait_until(lambda: has(b"/s") and re.search(rb"([1-9]\d*\.\d|0\.[1-9])/s match", shown))
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    os.close(own)
    os.close(other)


@pytest.mark.parametrize("arguments", [["{ status == error }"], ["--limit", "0"]])
def test_wrong_use_ends_at_once(server: Server, arguments: list[str]) -> None:
    with tail(server, *arguments) as process:
        _, err = process.communicate(timeout=10)
        assert process.returncode == 2 and err


def test_no_server_is_exit_code_1() -> None:
    done = subprocess.run([str(BIN_DIR / "sightline"), "tail", "--server", "127.0.0.1:1"], capture_output=True, text=True, timeout=30, env=clean_environment())
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr
