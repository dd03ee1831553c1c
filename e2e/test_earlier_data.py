"""The program opens data directories of every earlier schema version (testdata/README.md)."""

import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import otlp
from conftest import KEEP_ALL
from counted import assert_kept_sums_are_the_spans, what_was_sent
from sightline import Server

TESTDATA = Path(__file__).resolve().parent / "testdata"
MIGRATIONS = Path(__file__).resolve().parent.parent / "src/store/schema"
# Versions that came together with the next one, so that no program left a directory with them.
NEVER_LAST = {6}
ARCHIVES = sorted(TESTDATA.glob("data-of-schema-*.tar.gz"))


def version_of(path: Path) -> int:
    found = re.search(r"\d+", path.name)
    assert found is not None
    return int(found.group())


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.gz"))
def archive(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def earlier(make_server: Callable[..., Server], directory: Path, archive: Path) -> tuple[Server, dict[str, Any]]:
    """A server on the unpacked directory, not started; and what must be found."""
    with tarfile.open(archive) as tar:
        tar.extractall(directory, filter="data")
    return make_server(config=KEEP_ALL), json.loads(archive.with_suffix("").with_suffix(".json").read_text())


def test_each_earlier_version_has_its_directories() -> None:
    newest = max(map(version_of, MIGRATIONS.glob("[0-9]*.sql")))
    wanted = [f"data-of-schema-{version}-{state}.tar.gz" for version in sorted(set(range(1, newest)) - NEVER_LAST) for state in ("missing", "stored")]
    assert [path.name for path in ARCHIVES] == sorted(wanted)


def test_all_rows_are_found_again(earlier: tuple[Server, dict[str, Any]]) -> None:
    server, facts = earlier
    server.start()
    assert {question: server.sql(what_was_sent(question))[0] for question in facts["answers"]} == facts["answers"]
    assert any(int(count) > 0 for count, _ in facts["answers"].values())


def test_what_was_under_way_is_stored_exactly_once(earlier: tuple[Server, dict[str, Any]]) -> None:
    """At the first start with this program, and not again at the second."""
    server, facts = earlier
    for _ in range(2):
        server.start()
        spans = server.sql("SELECT count(), uniqExact(SpanId) FROM otel_traces WHERE ServiceName = 'unfinished'")
        assert [int(count) for count in spans[0]] == [facts["unfinished_spans"]] * 2
        assert_kept_sums_are_the_spans(server)  # spans of before are in it too
        assert server.stop() == 0


def test_the_directory_takes_and_answers_what_is_new(earlier: tuple[Server, dict[str, Any]]) -> None:
    server, _ = earlier
    server.start()
    server.export_http("traces", otlp.traces("new", [otlp.span("now", kind=otlp.Span.SPAN_KIND_SERVER)]))
    server.wait_for_rows(1, "otel_traces", "ServiceName = 'new'")
    server.wait_for_rows(1, "span_metrics", "ServiceName = 'new' AND Calls = 1")
    assert server.stop() == 0
    server.start()
    assert server.number("SELECT count() FROM otel_traces WHERE ServiceName = 'new'") == 1
