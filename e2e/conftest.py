"""Fixtures of the end-to-end tests: the real program, started as a user would, and talked to as a client does."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Callable, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sightline import BIN_DIR, Server  # noqa: E402  (needs the path above)

# Recorded requests have fixed times, so nothing may be too old for them.
KEEP_ALL = {"retention": {"traces": "forever", "logs": "forever", "metrics": "forever", "rollups": "forever"}}


def pytest_configure(config: pytest.Config) -> None:
    if not (BIN_DIR / "sightline").exists():
        pytest.exit(f"there is no {BIN_DIR / 'sightline'}: ./dev e2e builds it and sets SIGHTLINE_BIN_DIR", returncode=2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """The server's last words stand beside a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Server):
                report.sections.append(("log of the server", value.log_tail()))


@pytest.fixture
def directory() -> Iterator[Path]:
    """An empty directory of the test's own, removed with all that servers left in it."""
    path = Path(tempfile.mkdtemp(prefix="sightline-e2e-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make_server(directory: Path) -> Iterator[Callable[..., Server]]:
    """make_server(config={...}, ...) -> a Server that is not started yet; killed at the test's end."""
    servers: list[Server] = []

    def make(**options) -> Server:
        options.setdefault("data_dir", directory / "data")
        server = Server(work_dir=directory, **options)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.kill()


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    """A running server on an empty directory that keeps everything."""
    return make_server(config=KEEP_ALL).start()


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    """As `server`, one for all tests of a file: they must tell their own data by service name."""
    with tempfile.TemporaryDirectory(prefix="sightline-e2e-", ignore_cleanup_errors=True) as path:
        server = Server(work_dir=Path(path), data_dir=Path(path) / "data", config=KEEP_ALL).start()
        yield server
        server.kill()


def shared_dir() -> Path:
    """Where recorded requests lie that are not in the repository."""
    default = Path(__file__).resolve().parent.parent.parent / "shared"
    return Path(os.environ.get("SIGHTLINE_SHARED_DIR") or default)
