"""Saved views: kept by the server, changed by several people, there again after every end."""

import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from sightline import Server, wait_until

SLOW = {"signal": "traces", "name": "slow searches", "query": '{ name = "GET /search" && duration > 1s }', "page": "view=spans&col=span.a"}


def call(server: Server, method: str, path: str = "", body: dict[str, Any] | None = None, **query: Any) -> requests.Response:
    return requests.request(method, f"{server.http}/api/v1/views{path}", json=body, params=query, timeout=30)


def names(server: Server, **query: Any) -> list[str]:
    return [view["name"] for view in call(server, "GET", **query).json()["views"]]


def test_a_view_is_made_read_changed_and_deleted(server: Server) -> None:
    made = call(server, "POST", body=SLOW)
    assert made.status_code == 201, made.text
    view = made.json()
    assert made.headers["Location"] == f"/api/v1/views/{view['id']}"
    assert {key: view[key] for key in SLOW} == SLOW and view["version"] == 1
    assert call(server, "GET", f"/{view['id']}").json() == view
    changed = call(server, "PUT", f"/{view['id']}", SLOW | {"name": "slower", "version": 1})
    assert (changed.status_code, changed.json()["version"], changed.json()["name"]) == (200, 2, "slower")
    assert int(changed.json()["updated_unix_nano"]) >= int(view["updated_unix_nano"])
    late = call(server, "PUT", f"/{view['id']}", SLOW | {"version": 1})
    assert (late.status_code, late.json()["error"]["code"]) == (412, "FAILED_PRECONDITION")
    assert call(server, "DELETE", f"/{view['id']}", version=1).status_code == 412
    gone = call(server, "DELETE", f"/{view['id']}", version=2)
    assert (gone.status_code, gone.content) == (204, b"")
    assert call(server, "GET", f"/{view['id']}").status_code == 404
    assert names(server) == []


def test_names_are_unique_in_their_signal(server: Server) -> None:
    assert call(server, "POST", body=SLOW).status_code == 201
    again = call(server, "POST", body=SLOW | {"query": ""})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "ALREADY_EXISTS")
    assert call(server, "POST", body={"signal": "logs", "name": SLOW["name"], "query": "timeout", "page": ""}).status_code == 201
    other = call(server, "POST", body=SLOW | {"name": "other"}).json()
    assert call(server, "PUT", f"/{other['id']}", SLOW | {"version": 1}).status_code == 409
    assert names(server, signal="traces") == ["other", "slow searches"] and names(server, signal="logs") == ["slow searches"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"signal": "metrics"}, "signal"), ({"name": ""}, "name"), ({"name": "a\nb"}, "name"), ({"name": "x" * 201}, "name"),
        ({"query": "{ status == error }"}, "query"), ({"signal": "logs"}, "query"), ({"page": "x" * 16385}, "page"),
        ({"name": 5}, "name"), ({"more": 1}, "body"),
    ],
)  # fmt: skip
def test_what_is_no_view_is_refused_by_its_member(shared_server: Server, change: dict[str, Any], where: str) -> None:
    response = call(shared_server, "POST", body=SLOW | change)
    assert (response.status_code, response.json()["error"]["where"]) == (400, where), response.text
    assert names(shared_server) == []


def test_wrong_requests(shared_server: Server) -> None:
    for body in (b"", b"{", b"[]", b'"x"'):
        response = requests.post(f"{shared_server.http}/api/v1/views", data=body, timeout=30)
        assert (response.status_code, response.json()["error"]["where"]) == (400, "body")
    assert call(shared_server, "GET", signal="metrics").json()["error"]["where"] == "signal"
    assert call(shared_server, "GET", "/abc").status_code == 404
    assert call(shared_server, "DELETE", "/1").json()["error"]["where"] == "version"
    strange = requests.post(f"{shared_server.http}/api/v1/views", json=SLOW, headers={"Origin": "http://evil.test"}, timeout=30)
    assert strange.status_code == 403 and names(shared_server) == []


def test_what_was_answered_survives_a_kill(make_server: Callable[..., Server]) -> None:
    """Views are made by two clients until the program is killed, ten times: each that was answered is there, once."""
    server = make_server().start()
    answered: set[str] = set()
    for turn in range(10):
        ended = threading.Event()

        def make(client: int, turn: int = turn, ended: threading.Event = ended) -> None:
            for i in range(1000):
                name = f"{turn} {client} {i}"
                try:
                    response = call(server, "POST", body=SLOW | {"name": name})
                except requests.RequestException:
                    return
                if response.status_code == 201:
                    answered.add(name)
                if ended.is_set():
                    return

        clients = [threading.Thread(target=make, args=(client,)) for client in range(2)]
        before = len(answered)
        for client in clients:
            client.start()
        wait_until(lambda: len(answered) >= before + 5 + turn, what="some views")
        server.kill()
        ended.set()
        for client in clients:
            client.join()
        server.start()
        there = names(server, signal="traces")
        assert len(there) == len(set(there)) and answered <= set(there)
    server.stop()
    with sqlite3.connect(server.data_dir / "state.sqlite") as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_of_the_running_program_has_the_views(make_server: Callable[..., Server], directory: Path) -> None:
    server = make_server().start()
    assert call(server, "POST", body=SLOW).status_code == 201
    source, copy = sqlite3.connect(server.data_dir / "state.sqlite"), sqlite3.connect(directory / "copy.sqlite")
    source.backup(copy)
    source.close()
    copy.close()
    assert call(server, "POST", body=SLOW | {"name": "later"}).status_code == 201
    assert server.stop() == 0
    for ending in ("", "-wal", "-shm"):
        (server.data_dir / f"state.sqlite{ending}").unlink(missing_ok=True)
    shutil.copy(directory / "copy.sqlite", server.data_dir / "state.sqlite")
    server.start()
    assert names(server) == [SLOW["name"]]


def test_a_data_directory_of_a_newer_version_is_refused(make_server: Callable[..., Server]) -> None:
    server = make_server().start()
    assert call(server, "POST", body=SLOW).status_code == 201
    assert server.stop() == 0
    file = server.data_dir / "state.sqlite"
    with sqlite3.connect(file) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    process = server.spawn()
    assert process.wait(30) == 1
    assert "state.sqlite" in server.output() and "99" in server.output()
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    server.start()
    assert names(server) == [SLOW["name"]]
