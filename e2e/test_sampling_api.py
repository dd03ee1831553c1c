"""What the program says about sampling, and new policies through the API: the figures are those that follow from what was
sent, a dropped trace is remembered across a kill, and wrong policies change nothing.
"""

import random
import signal
from collections.abc import Callable
from typing import Any

import requests

import otlp
from sightline import Server, wait_until
from test_openapi import OPERATIONS, check
from test_sampling import ERROR, ERRORS, config, undecided

HALF = {"name": "half", "type": "probabilistic", "probabilistic": {"sampling_percentage": 50}}
SELF = {"self_metrics": {"interval": "1s"}}
# What waits is decided when this comes.
DECIDE_NOW = "tail_sampling:\n  decision_wait: 0s\n  policies:\n    - {name: errors, type: error}\n    - {name: half, type: probabilistic, probabilistic: {sampling_percentage: 50}}\n"


def ask(server: Server, operation_id: str, **query: Any) -> dict[str, Any]:
    _, path, operation = OPERATIONS[operation_id]
    response = requests.get(f"{server.http}/api/v1{path}", params=query, timeout=60)
    assert response.status_code == 200, response.text
    check(operation["responses"]["200"]["content"]["application/json"]["schema"], response.json())
    return response.json()


def put_policies(server: Server, yaml: str, headers: dict[str, str] | None = None, **query: Any) -> requests.Response:
    url = f"{server.http}/api/v1/sampling/policies"
    return requests.put(url, data=yaml.encode(), params=query, timeout=60, headers={"Content-Type": "application/yaml"} | (headers or {}))


def ask_trace(server: Server, trace_id: bytes, part: str = "") -> requests.Response:
    return requests.get(f"{server.http}/api/v1/traces/{trace_id.hex()}{part}", timeout=60)


def test_the_figures_follow_from_what_was_sent(make_server: Callable[..., Server]) -> None:
    rng = random.Random(20261126)
    server = make_server(config=config([ERRORS, HALF], "1h") | SELF).start()
    sent = {"shop": 0, "pay": 0}
    failed = 0
    for _ in range(200):
        trace_id, is_failed = rng.randbytes(16), rng.random() < 0.1
        failed += 2 * is_failed
        for service in sent:
            status = ERROR if is_failed and service == "pay" else {}
            assert server.export_http("traces", otlp.traces(service, [otlp.span("work", trace_id, status=status)])).ok
            sent[service] += 1
    state = wait_until(lambda: (found := ask(server, "getSampling"))["undecided_traces"] == 200 and found, what="all taken in")
    assert state["undecided_spans"] == 400
    assert 0 < state["memory"]["used_bytes"] < state["memory"]["limit_bytes"]
    assert 0 < state["journal"]["used_bytes"] < state["journal"]["limit_bytes"]
    in_force = state["in_force"]
    assert [(one["name"], one["type"]) for one in in_force["policies"]] == [("errors", "status_code"), ("half", "probabilistic")]
    assert in_force["origin"] == "configuration" and in_force["place"].startswith(str(server.work_dir / "config.yaml"))
    assert in_force["decision_wait_nano"] == 3600 * 10**9

    assert put_policies(server, DECIDE_NOW).json() == {"applied": True}
    wait_until(lambda: undecided(server) == 0, what="all decided")
    state = ask(server, "getSampling")
    policies = {one["policy"]: one for one in state["since_start"]["policies"]}
    assert policies["errors"]["kept_spans"] == failed and policies["errors"]["dropped_spans"] == 0
    assert policies["half"]["kept_spans"] + policies[""]["dropped_spans"] == 400 - failed
    kept = failed + policies["half"]["kept_spans"]

    totals = wait_until(lambda: (found := ask(server, "getSamplingTotals", last="15m")) and found["spans"] == kept and found["seen"] == 400 and found,
                        what="all kept spans and all calls")  # fmt: skip
    assert {one["policy"]: (one["traces"], one["spans"]) for one in totals["policies"]} == {
        name: (policies[name]["kept_traces"], policies[name]["kept_spans"]) for name in ("errors", "half")
    }
    assert 0 < totals["bytes_received"] == sum(one["bytes_received"] for one in totals["policies"])
    assert totals["stand_for"] == failed + 2 * policies["half"]["kept_spans"]
    assert totals["traces"] == kept / 2
    services = {one["service"]: one for one in totals["services"]}
    assert {name: one["seen"] for name, one in services.items()} == sent
    for one in services.values():
        assert (one["traces"], one["spans"]) == (kept / 2, kept / 2)
        assert one["stand_for"] == totals["stand_for"] / 2
        assert {policy["policy"] for policy in one["policies"]} == {"errors", "half"}

    def history() -> dict[tuple[str, ...], float] | None:
        answer = ask(server, "getSamplingHistory", last="15m", step="1m")
        sums = {(one["name"], *one["labels"].values()): sum(value or 0 for value in one["values"]) for one in answer["series"]}
        return sums if sums.get(("spans", "kept")) == kept and ("traces", "dropped", "") in sums else None

    sums = wait_until(history, 30, "the program's own metrics")
    assert sums[("traces", "kept", "errors")] == failed / 2
    assert sums[("spans", "dropped")] == 400 - kept
    assert ("undecided_spans",) in sums and sums[("memory_bytes",)] > 0 and sums[("journal_bytes",)] > 0


def test_a_policy_in_traceql(make_server: Callable[..., Server]) -> None:
    policy = {"name": "large", "type": "traceql", "traceql": {"query": '{ resource.service.name = "shop" && span.items > 20 }'}}
    server = make_server(config=config([policy], "0s")).start()
    assert server.export_http("traces", otlp.traces("shop", [otlp.span("small", attributes={"items": 20}), otlp.span("large", attributes={"items": 21})])).ok
    assert server.export_http("traces", otlp.traces("other", [otlp.span("elsewhere", attributes={"items": 21})])).ok
    server.wait_for_rows(1, "otel_traces", "SpanName = 'large' AND SamplingPolicy = 'large'")
    wait_until(lambda: undecided(server) == 0, what="all decided")
    assert server.sql("SELECT SpanName FROM otel_traces") == [["large"]]

    whole_trace = put_policies(server, "policies:\n  - {name: a, type: traceql, traceql: {query: '{ } >> { status = error }'}}\n")
    assert whole_trace.status_code == 400 and whole_trace.json()["error"]["where"].startswith("2:"), whole_trace.text
    wrong = put_policies(server, "policies:\n  - {name: a, type: traceql, traceql: {query: '{ status == error }'}}\n")
    assert wrong.status_code == 400 and "column" in wrong.json()["error"]["message"], wrong.text


def test_new_policies_through_the_api(make_server: Callable[..., Server]) -> None:
    server = make_server(config=config([ERRORS], "1h")).start()
    assert server.export_http("traces", otlp.traces("shop", [otlp.span("waits")])).ok

    wrong = put_policies(server, "decision_wait: 1s\npolicies:\n  - {name: a, type: always_sample}\n  - {name: b, type: nonsense}\n")
    assert wrong.status_code == 400 and wrong.json()["error"]["where"].startswith("4:"), wrong.text
    check({"$ref": "#/components/schemas/ErrorBody"}, wrong.json())
    not_compiled = put_policies(server, "policies:\n  - {name: a, type: always_sample}\n  - {name: b, type: ottl_condition, ottl_condition: {span: ['name ==']}}\n")
    assert not_compiled.status_code == 400 and not_compiled.json()["error"]["where"].startswith("3:"), not_compiled.text
    assert put_policies(server, "just text").status_code == 400
    # A page of another origin may not.
    assert put_policies(server, DECIDE_NOW, {"Origin": "https://example.com"}).status_code == 403
    # Only asked about.
    assert put_policies(server, DECIDE_NOW, check_only="true").json() == {"applied": False}
    state = ask(server, "getSampling")
    assert [one["name"] for one in state["in_force"]["policies"]] == ["errors"]
    assert state["refused"]["origin"] == "api" and state["undecided_spans"] == 1

    keep_all = "sampling:\n  tail_sampling:\n    decision_wait: 0s\n    policies: [{name: all, type: always_sample}]\n"
    assert put_policies(server, keep_all).json() == {"applied": True}
    server.wait_for_rows(1, "otel_traces", "SpanName = 'waits' AND SamplingPolicy = 'all'")
    state = ask(server, "getSampling")
    assert state["refused"] is None and state["in_force"]["origin"] == "api"
    # What is shown can be given back as it is.
    assert put_policies(server, state["in_force"]["yaml"]).json() == {"applied": True}
    # The file is the truth.
    server.restart()
    state = ask(server, "getSampling")
    assert [one["name"] for one in state["in_force"]["policies"]] == ["errors"]
    assert state["in_force"]["origin"] == "configuration"
    # A wrong file that is read again is told of, until right policies come.
    (server.work_dir / "config.yaml").write_text("sampling: {tail_sampling: {policies: [{name: a, type: nonsense}]}}")
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)
    refused = wait_until(lambda: ask(server, "getSampling")["refused"], what="the refusal")
    assert refused["origin"] == "configuration" and "nonsense" in refused["message"]
    assert [one["name"] for one in ask(server, "getSampling")["in_force"]["policies"]] == ["errors"]


def test_without_sampling(make_server: Callable[..., Server]) -> None:
    server = make_server().start()
    state = ask(server, "getSampling")
    assert state["in_force"] is None and state["since_start"]["policies"] == []
    refused = put_policies(server, DECIDE_NOW)
    assert refused.status_code == 412 and "restart" in refused.json()["error"]["message"]
    assert server.export_http("traces", otlp.traces("shop", [otlp.span()])).ok
    totals = wait_until(lambda: (found := ask(server, "getSamplingTotals")) and found["spans"] == 1 and found, what="the span")
    assert totals["stand_for"] == 1 and [one["policy"] for one in totals["policies"]] == [""]


def test_a_trace_that_was_sampled_out_says_so(make_server: Callable[..., Server]) -> None:
    not_probes = {"name": "no-probes", "type": "drop", "drop": {"drop_sub_policy": [
        {"name": "probes", "type": "string_attribute", "string_attribute": {"key": "url.path", "values": ["/healthz"]}}]}}  # fmt: skip
    server = make_server(config=config([not_probes, ERRORS], "0s")).start()
    fine, probe, failed = otlp.span(), otlp.span(attributes={"url.path": "/healthz"}), otlp.span(status=ERROR)
    assert server.export_http("traces", otlp.traces("shop", [fine, probe, failed])).ok
    server.wait_for_rows(1, "otel_traces", "ServiceName = 'shop'")
    wait_until(lambda: undecided(server) == 0, what="all decided")

    def check_answers() -> None:
        for span, policy in ((fine, ""), (probe, "no-probes")):
            for part in ("", "/outline", f"/spans/{span.span_id.hex()}"):
                wait_until(lambda: ask_trace(server, span.trace_id, part).status_code == 410, what="the record")
                response = ask_trace(server, span.trace_id, part)
                assert response.status_code == 410, response.text
                check({"$ref": "#/components/schemas/ErrorBody"}, response.json())
                error = response.json()["error"]
                assert error["code"] == "SAMPLED_OUT" and error["sampled_out"]["policy"] == policy
                late_by = int(error["sampled_out"]["decided_unix_nano"]) - span.end_time_unix_nano
                assert 0 <= late_by < 60 * 10**9
        assert ask_trace(server, bytes(range(16))).status_code == 404
        outline = ask_trace(server, failed.trace_id, "/outline").json()
        assert outline["sampling"] == {"policy": "errors", "adjusted_count": 1}
        said = server.cli("trace", fine.trace_id.hex())
        assert said.returncode != 0 and "sampled out" in said.stderr, said

    check_answers()
    server.restart()  # killed
    check_answers()
    # Also when sampling is turned off.
    assert server.stop() == 0
    server.config = {}
    server.start()
    check_answers()


def test_records_stay_within_their_budget(make_server: Callable[..., Server]) -> None:
    server = make_server(config=config([ERRORS], "0s") | {"sampling": {
        "records_bytes_max": "1MiB", "tail_sampling": {"decision_wait": "0s", "policies": [ERRORS]}}}).start()  # fmt: skip
    first, last = otlp.span(), otlp.span()
    assert server.export_http("traces", otlp.traces("shop", [first])).ok
    wait_until(lambda: ask_trace(server, first.trace_id).status_code == 410, what="the record of the first")
    sent = 0
    while sent < 200_000:
        assert server.export_http("traces", otlp.traces("shop", [otlp.span() for _ in range(5000)])).ok
        sent += 5000
    assert server.export_http("traces", otlp.traces("shop", [last])).ok
    wait_until(lambda: ask_trace(server, last.trace_id).status_code == 410, 60, "the record of the last")
    assert ask_trace(server, first.trace_id).status_code == 404
    records = ask(server, "getSampling")["records"]
    assert records["limit_bytes"] == 1 << 20 and records["limit_bytes"] * 0.8 < records["used_bytes"] <= records["limit_bytes"]
