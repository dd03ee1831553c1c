"""Exceptions in groups: what people decide about them is kept, and what comes back after that is told."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

import otlp
from sightline import Server
from test_openapi import answer, check

STACK = 'Traceback (most recent call last):\n  File "/app/pay.py", line {line}, in pay\n    raise {type}\n{type}: cart {line}\n'
SPAN_COUNT = [0]


def throw(server: Server, type_: str, version: str = "1.0", service: str = "shop") -> None:
    """One span whose exception is thrown now; it can be asked for when this returns."""
    SPAN_COUNT[0] += 1
    span = otlp.span("POST /orders", events=[{"name": "exception", "time_unix_nano": time.time_ns(), "attributes": otlp.attributes({
        "exception.type": type_, "exception.message": f"cart {SPAN_COUNT[0]}", "exception.stacktrace": STACK.format(line=SPAN_COUNT[0], type=type_)})}])  # fmt: skip
    body = otlp.traces_of({"service.name": service, "service.version": version}, [span])
    assert server.export_http("traces", body).status_code == 200
    server.wait_for_rows(1, "otel_traces", f"TraceId = '{span.trace_id.hex()}'")


def groups(server: Server, **query: Any) -> dict[str, dict[str, Any]]:
    return {group["type"]: group for group in answer(server, "listExceptions", last="15m", **query)["exceptions"]}


def decide(server: Server, group_id: str, **body: Any) -> requests.Response:
    return requests.put(f"{server.http}/api/v1/exceptions/{group_id}/state", json=body, timeout=30)


def decided(server: Server, group_id: str, **body: Any) -> dict[str, Any]:
    response = decide(server, group_id, **body)
    assert response.status_code == 200, response.text
    check({"$ref": "#/components/schemas/ExceptionDecision"}, response.json())
    return response.json()


def test_what_was_resolved_and_comes_back_has_regressed(make_server: Callable[..., Server]) -> None:
    server = make_server().start()
    for type_ in ("ValueError", "KeyError", "OSError"):
        throw(server, type_)
    found = groups(server)
    assert {type_: (group["state"], group["decision"]) for type_, group in found.items()} == dict.fromkeys(found, ("open", None))
    ids = {type_: group["id"] for type_, group in found.items()}
    made = decided(server, ids["ValueError"], state="resolved", note="rolled out", version=0)
    assert (made["version"], made["note"], made["regressed_unix_nano"]) == (1, "rolled out", None)
    decided(server, ids["KeyError"], state="ignored", version=0)
    assert {type_: group["state"] for type_, group in groups(server).items()} == {"ValueError": "resolved", "KeyError": "ignored", "OSError": "open"}

    server.restart()
    listed = answer(server, "listExceptions", last="15m", state=["open", "regressed"])
    assert [group["type"] for group in listed["exceptions"]] == ["OSError"]
    assert listed["states"] == {"open": 1, "regressed": 0, "resolved": 1, "ignored": 1} and listed["exception_count"] == 1
    assert {group["id"] for group in groups(server).values()} == set(ids.values()), "an id is the same after a restart"

    throw(server, "ValueError")
    throw(server, "KeyError")
    back = groups(server)
    assert {type_: group["state"] for type_, group in back.items()} == {"ValueError": "regressed", "KeyError": "ignored", "OSError": "open"}
    assert int(back["ValueError"]["decision"]["regressed_unix_nano"]) > int(made["decided_unix_nano"])
    assert back["ValueError"]["id"] == ids["ValueError"] and back["ValueError"]["count"] == 2

    server.restart()
    assert groups(server, state="regressed").keys() == {"ValueError"}
    decided(server, ids["ValueError"], state="resolved", version=1)
    decided(server, ids["KeyError"], state="open", version=1)
    assert {type_: group["state"] for type_, group in groups(server).items()} == {"ValueError": "resolved", "KeyError": "open", "OSError": "open"}


def test_what_is_resolved_in_a_version_may_run_out_in_older_ones(server: Server) -> None:
    throw(server, "ValueError", "1.0")
    (group,) = groups(server).values()
    decided(server, group["id"], state="resolved", resolved_in_version="1.1")
    throw(server, "ValueError", "1.0")
    assert groups(server)["ValueError"]["state"] == "resolved", "1.1 is not deployed yet"
    throw(server, "ValueError", "1.1")
    assert groups(server)["ValueError"]["state"] == "regressed"


def test_of_two_people_the_second_is_told(server: Server) -> None:
    throw(server, "ValueError")
    (group,) = groups(server).values()
    decided(server, group["id"], state="resolved", version=0)
    late = decide(server, group["id"], state="ignored", version=0)
    assert (late.status_code, late.json()["error"]["code"]) == (412, "FAILED_PRECONDITION")
    assert groups(server)["ValueError"]["state"] == "resolved"
    assert decided(server, group["id"], state="open")["version"] == 2, "without a version: whatever is there"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "state"), ({"state": "regressed"}, "state"), ({"state": 5}, "state"), ({"state": "open", "note": "x" * 2001}, "note"),
        ({"state": "ignored", "resolved_in_version": "1.1"}, "resolved_in_version"), ({"state": "open", "version": -1}, "version"),
        ({"state": "open", "version": "1"}, "version"), ({"state": "open", "who": "me"}, "body"), ([], "body"),
    ],
)  # fmt: skip
def test_what_is_no_decision_is_refused_by_its_member(shared_server: Server, body: Any, where: str) -> None:
    response = requests.put(f"{shared_server.http}/api/v1/exceptions/{'0' * 16}/state", json=body, timeout=30)
    assert (response.status_code, response.json()["error"]["where"]) == (400, where), response.text


def test_what_is_no_group_is_not_found(shared_server: Server) -> None:
    for group_id in ("1", "x" * 16, "A" * 16, secrets.token_hex(16)):
        response = decide(shared_server, group_id, state="resolved")
        assert (response.status_code, response.json()["error"]["where"]) == (404, "id"), response.text
    refused = requests.get(f"{shared_server.http}/api/v1/exceptions", params={"state": ["open", "gone"]}, timeout=30)
    assert (refused.status_code, refused.json()["error"]["where"]) == (400, "state")
