"""Notifications, from an alert that fires to what a receiver got, against receivers that fail in every way.

What an evaluation of a rule would write into the state is written here by hand: a row of the inbox.
"""

import hashlib
import hmac
import json
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import receivers
import test_alerts
from receivers import HttpReceiver, Received, answer, http_receiver, smtp_receiver, unused_port
from sightline import Server, wait_until
from test_openapi import OPERATIONS, check

TLS = Path(__file__).resolve().parent / "testdata/tls"
PUBLIC_URL = "https://sightline.example"
ATTEMPTS_MAX = 5
CONFIG = {
    "http": {"public_url": PUBLIC_URL + "/"},
    "notifications": {
        "timeout": "5s", "attempts_max": ATTEMPTS_MAX, "retry_first": "50ms", "retry_max": "200ms",
        "ca_file": str(TLS / "authority.pem"),
    },
}  # fmt: skip
FINGERPRINT = "ab" * 8


class Notifier:
    """The API on notifications, and events as an evaluation would make them."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def call(self, method: str, path: str, status: int, **options: Any) -> Any:
        reply = requests.request(method, f"{self.server.http}/api/v1/alerts{path}", timeout=30, **options)
        assert reply.status_code == status, reply.text
        check_answer(method, f"/alerts{path}", reply)
        return reply.json() if reply.content else None

    def channel(self, kind: str, url: str = "", **members: Any) -> str:
        document = {"schema": 1, "name": f"a {kind}", "kind": kind, **({"url": url} if url else {}), **members}
        return self.call("POST", "/channels", 201, json={"document": document})["id"]

    def mail_channel(self, port: int, tls: str, **members: Any) -> str:
        smtp = {"host": "localhost", "port": port, "tls": tls, "from": "alerts@example.com", "to": ["on-call@example.com"]}
        return self.channel("email", smtp=smtp | members)

    def route(self, *channels: str, **members: Any) -> None:
        """Everything to these channels, each alert alone and at once."""
        version = self.call("GET", "/routing", 200)["version"]
        route = {"channels": list(channels), "group_by": ["..."], "group_wait": "0", "group_interval": "1s"} | members
        self.call("PUT", "/routing", 200, json={"version": version, "document": {"schema": 1, "routes": [route]}})

    def happen(self, state: str = "firing", fingerprint: str = FINGERPRINT, **members: Any) -> None:
        now = time.time_ns()
        event = {
            "rule_id": "3", "rule_name": "Errors", "fingerprint": fingerprint, "state": state, "severity": "critical",
            "labels": {"service.name": "checkout"}, "annotations": {"runbook": "https://wiki.example/errors"},
            "value": 0.07, "unit": "1", "condition": "above 0.05", "problem": "", "starts": now - 10**10,
            "ends": now if state == "resolved" else 0, "at": now, "link": "/alerts/rules/3?from=1&to=2",
        }  # fmt: skip
        with sqlite3.connect(self.server.data_dir / "state.sqlite", timeout=10) as database:
            database.execute("INSERT INTO notify_inbox (event) VALUES (?)", [json.dumps(event | members)])
        database.close()
        if self.server.running:
            # Whatever people change makes it look: an evaluation would tell it.
            self.call("POST", "/instances/00/acknowledge", 204)

    def deliveries(self) -> list[dict[str, Any]]:
        return self.call("GET", "/deliveries", 200)["deliveries"]

    def wait_for(self, status: str, count: int = 1) -> dict[str, Any]:
        """The newest delivery with that status, once there are so many of them."""
        found = wait_until(
            lambda: of if len(of := [one for one in self.deliveries() if one["status"] == status]) >= count else None,
            what=f"{count} deliveries {status}",
        )  # fmt: skip
        return found[0]


def check_answer(method: str, path: str, reply: requests.Response) -> None:
    """It is what the API's description says."""
    (responses,) = (
        operation["responses"]
        for of_method, template, operation in OPERATIONS.values()
        if of_method == method.lower() and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
    )
    if reply.status_code >= 400:
        check({"$ref": "#/components/schemas/ErrorBody"}, reply.json())
    elif reply.status_code != 204:
        check(responses[str(reply.status_code)]["content"]["application/json"]["schema"], reply.json())
    else:
        assert "204" in responses and not reply.content


@pytest.fixture
def notifier(make_server: Callable[..., Server]) -> Notifier:
    return Notifier(make_server(config=CONFIG).start())


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as one:
        yield one


def is_signed(request: Received, secret: str) -> bool:
    """As docs/notifications.md tells receivers to find out."""
    time_text, _, signature = request.headers["x-sightline-signature"].partition(",")
    stamp = time_text.removeprefix("t=")
    wanted = hmac.new(secret.encode(), f"{stamp}.".encode() + request.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature, f"v1={wanted}") and abs(time.time() - int(stamp)) < 300


def test_a_firing_alert_reaches_a_webhook_and_so_does_its_end(notifier: Notifier, receiver: HttpReceiver) -> None:
    notifier.route(notifier.channel("webhook", receiver.url + "/hook", secret="s3cret"))
    notifier.happen()
    wait_until(lambda: receiver.requests)
    request = receiver.requests[0]
    assert (request.method, request.path) == ("POST", "/hook")
    assert is_signed(request, "s3cret") and not is_signed(request, "other")
    body = request.json()
    assert (body["kind"], body["title"]) == ("firing", "[FIRING 1] Errors · service.name=checkout")
    assert request.headers["idempotency-key"] == body["id"]
    (alert,) = body["alerts"]
    assert (alert["state"], alert["severity"], alert["value"]) == ("firing", "critical", 0.07)
    assert alert["link"] == f"{PUBLIC_URL}/alerts/rules/3?from=1&to=2"
    assert alert["labels"] == {"service.name": "checkout"}

    notifier.happen("resolved")
    wait_until(lambda: len(receiver.requests) == 2)
    ended = receiver.requests[1].json()
    assert (ended["kind"], ended["group"]) == ("resolved", body["group"])
    assert ended["id"] != body["id"]
    sent = notifier.wait_for("sent", 2)
    assert (sent["attempts"], sent["http_status"], sent["kind"]) == (1, 200, "resolved")
    assert json.loads(sent["request"]) == ended
    assert "s3cret" not in json.dumps(notifier.deliveries()) + json.dumps(notifier.call("GET", "/channels", 200))


def test_a_rule_that_fires_reaches_its_receiver_with_what_helps_to_understand_it(
    notifier: Notifier, receiver: HttpReceiver
) -> None:
    server = notifier.server
    notifier.route(notifier.channel("webhook", receiver.url))
    rule = test_alerts.document(
        {"source": "traceql", "query": '{ status = error } | count_over_time() by (resource.service.name)'},
        test_alerts.above(4), labels={"team": "shop"}, annotations={"summary": "{{service.name}} fails"},
    )  # fmt: skip
    test_alerts.make(server, rule)
    test_alerts.send_failures(server, "checkout")
    wait_until(lambda: len(receiver.requests) >= 2, 60, "it fires and is resolved")
    firing, resolved = (request.json() for request in receiver.requests[:2])
    assert (firing["kind"], resolved["kind"]) == ("firing", "resolved")
    assert firing["group"] == resolved["group"]
    (alert,) = firing["alerts"]
    assert alert["labels"] == {"service.name": "checkout", "team": "shop"}
    assert alert["annotations"] == {"summary": "checkout fails"}
    assert (alert["value"], alert["severity"]) == (10, "critical")
    assert alert["link"].startswith(f"{PUBLIC_URL}/alerts/rules/")
    assert alert["sample_traces"], "traces of the failures"
    for trace in alert["sample_traces"]:
        found = requests.get(f"{server.http}/api/v1/traces/{trace['trace_id']}", timeout=10).json()
        assert {span["status"]["code"] for span in found["spans"]} == {"Error"}
    assert resolved["alerts"][0]["ends_at"] is not None


def test_alerts_say_who_takes_care_and_what_silences_them(notifier: Notifier) -> None:
    server = notifier.server
    rule = test_alerts.document(test_alerts.traceql("marked"), test_alerts.above(4), keep_firing_for="60s")
    rule_id = test_alerts.make(server, rule)
    test_alerts.send_failures(server, "marked")
    (alert,) = test_alerts.wait_for_state(server, rule_id, "firing")
    assert (alert["acknowledged"], alert["silenced_by"]) == (False, [])
    notifier.call("POST", f"/instances/{alert['fingerprint']}/acknowledge", 204)
    now = time.time_ns()
    silence = {
        "matchers": [{"label": "severity", "op": "=", "value": "critical"}],
        "starts_unix_nano": str(now - 10**9), "ends_unix_nano": str(now + 3600 * 10**9),
    }  # fmt: skip
    made = notifier.call("POST", "/silences", 201, json=silence)
    (alert,) = test_alerts.alerts(server, rule_id)
    assert (alert["acknowledged"], alert["silenced_by"]) == (True, [made["id"]])


def test_a_template_makes_the_body(notifier: Notifier, receiver: HttpReceiver) -> None:
    template = '{"text": "{{alertname}} of {{service.name}}: {{value}} ({{nothing}})", "count": {{count}}}'
    notifier.route(notifier.channel("webhook", receiver.url, template=template))
    notifier.happen(labels={"service.name": 'a"b'})
    wait_until(lambda: receiver.requests)
    assert receiver.requests[0].json() == {"text": 'Errors of a"b: 0.07 ({{nothing}})', "count": 1}


FAILURES = {
    "500": answer(500, b"it broke"),
    "503": answer(503),
    "429": answer(429, Retry_After="1"),
    "408": answer(408),
    "closes": receivers.close,
    "resets": receivers.reset,
    "breaks off": receivers.cut,
    "garbage": receivers.garbage,
    "stalls": receivers.stall,
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_a_receiver_did_not_take_is_sent_again(failure: str, notifier: Notifier, receiver: HttpReceiver) -> None:
    receiver.next.append(FAILURES[failure])
    notifier.route(notifier.channel("webhook", receiver.url))
    started = time.monotonic()
    notifier.happen()
    sent = notifier.wait_for("sent")
    assert sent["attempts"] == 2
    assert len(receiver.requests) == 2
    assert len({request.headers["idempotency-key"] for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1
    if failure == "429":
        assert time.monotonic() - started >= 1, "Retry-After"
    counted = notifier.server.metrics()
    assert counted['sightline_notify_notifications_total{kind="webhook",outcome="retried"}'] == 1
    assert counted['sightline_notify_notifications_total{kind="webhook",outcome="sent"}'] == 1


def test_an_answer_without_end_is_taken_for_what_it_begins_with(notifier: Notifier, receiver: HttpReceiver) -> None:
    receiver.usual = receivers.endless
    notifier.route(notifier.channel("webhook", receiver.url))
    notifier.happen()
    sent = notifier.wait_for("sent")
    assert sent["attempts"] == 1
    assert len(sent["answer"]) < 10_000


def test_a_receiver_that_is_not_there_yet_gets_it_when_it_is(notifier: Notifier) -> None:
    port = unused_port()
    notifier.route(notifier.channel("webhook", f"http://127.0.0.1:{port}"))
    notifier.happen()
    failed = notifier.wait_for("failed")
    assert "http_status" not in failed and failed["error"]
    assert int(failed["next_attempt_unix_nano"]) > 0
    with http_receiver(port) as receiver:
        notifier.wait_for("sent")
        assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_what_a_receiver_refuses_is_given_up_at_once(status: int, notifier: Notifier, receiver: HttpReceiver) -> None:
    receiver.usual = answer(status, b"no such hook")
    notifier.route(notifier.channel("webhook", receiver.url))
    notifier.happen()
    given_up = notifier.wait_for("given_up")
    assert (given_up["attempts"], given_up["http_status"], given_up["answer"]) == (1, status, "no such hook")
    assert notifier.server.metrics()['sightline_notify_notifications_total{kind="webhook",outcome="given_up"}'] == 1


def test_redirects_are_not_followed(notifier: Notifier, receiver: HttpReceiver) -> None:
    with http_receiver() as inner:
        receiver.usual = answer(307, Location=inner.url + "/admin")
        notifier.route(notifier.channel("webhook", receiver.url))
        notifier.happen()
        given_up = notifier.wait_for("given_up")
        assert "redirect" in given_up["error"]
        assert not inner.requests


def test_tries_have_an_end_which_can_be_seen(notifier: Notifier, receiver: HttpReceiver) -> None:
    receiver.usual = answer(500)
    notifier.route(notifier.channel("webhook", receiver.url))
    notifier.happen()
    given_up = notifier.wait_for("given_up")
    assert given_up["attempts"] == ATTEMPTS_MAX == len(receiver.requests)
    assert notifier.server.metrics()["sightline_notify_queue"] == 0


def test_a_slow_channel_holds_no_other_back(notifier: Notifier, receiver: HttpReceiver) -> None:
    with http_receiver() as slow:
        slow.usual = receivers.stall
        notifier.route(notifier.channel("webhook", slow.url), notifier.channel("webhook", receiver.url))
        for i in range(20):
            notifier.happen(fingerprint=f"{i:016x}")
        wait_until(lambda: len(receiver.requests) == 20)
        assert len(slow.requests) < 20


def test_a_crash_between_answer_and_record_repeats_it_recognizably(
    make_server: Callable[..., Server], receiver: HttpReceiver
) -> None:
    server = make_server(config=CONFIG).start()
    notifier = Notifier(server)
    notifier.route(notifier.channel("webhook", receiver.url))
    server.stop()
    notifier.happen()
    server.fault = "notify.answered=kill"
    server.spawn()
    wait_until(lambda: not server.running, 30, "killed at the point")
    assert len(receiver.requests) == 1
    server.restart()
    notifier.wait_for("sent")
    first, second = receiver.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body
    server.restart()
    notifier.happen("resolved")
    notifier.wait_for("sent", 2)
    assert [request.json()["kind"] for request in receiver.requests] == ["firing", "firing", "resolved"]


def test_what_waits_survives_a_stop(make_server: Callable[..., Server]) -> None:
    server = make_server(config=CONFIG | {"notifications": {"retry_first": "1h"}}).start()
    notifier = Notifier(server)
    port = unused_port()
    channel = notifier.channel("webhook", f"http://127.0.0.1:{port}")
    notifier.route(channel)
    notifier.happen()
    notifier.wait_for("failed")
    assert server.stop() == 0
    server.start()
    (waiting,) = notifier.deliveries()
    assert (waiting["status"], waiting["attempts"]) == ("failed", 1)


def test_pagerduty_hears_of_an_incident_its_acknowledgement_and_its_end(notifier: Notifier, receiver: HttpReceiver) -> None:
    receiver.usual = answer(202, b'{"status":"success","message":"Event processed"}')
    notifier.route(notifier.channel("pagerduty", receiver.url + "/v2/enqueue", routing_key="r0uting"))
    notifier.happen()
    notifier.wait_for("sent")
    notifier.call("POST", f"/instances/{FINGERPRINT}/acknowledge", 204, json={"comment": "mine"})
    notifier.wait_for("sent", 2)
    notifier.happen("resolved")
    notifier.wait_for("sent", 3)
    events = [request.json() for request in receiver.requests]
    assert [event["event_action"] for event in events] == ["trigger", "acknowledge", "resolve"]
    assert len({event["dedup_key"] for event in events}) == 1
    assert {event["routing_key"] for event in events} == {"r0uting"}
    assert events[0]["payload"]["source"] == "checkout"
    assert "r0uting" not in json.dumps(notifier.deliveries())


def test_slack_and_alertmanager_get_their_formats(notifier: Notifier, receiver: HttpReceiver) -> None:
    notifier.route(
        notifier.channel("slack", receiver.url + "/services/T/B/hidden"),
        notifier.channel("alertmanager", receiver.url + "/prefix/", secret="t0ken"),
    )
    notifier.happen()
    notifier.wait_for("sent", 2)
    by_path = {request.path: request for request in receiver.requests}
    assert "[FIRING 1] Errors" in by_path["/services/T/B/hidden"].json()["text"]
    (alert,) = by_path["/prefix/api/v2/alerts"].json()
    assert alert["labels"] == {"alertname": "Errors", "severity": "critical", "service_name": "checkout"}
    assert by_path["/prefix/api/v2/alerts"].headers["authorization"] == "Bearer t0ken"
    shown = json.dumps(notifier.deliveries()) + json.dumps(notifier.call("GET", "/channels", 200))
    assert "hidden" not in shown and "t0ken" not in shown


MAIL_SERVERS: dict[str, dict[str, Any]] = {
    "none": {},
    "starttls": {"starttls": True, "user": "sender", "password": "right"},
    "tls": {"tls": True},
}


@pytest.mark.parametrize("tls", MAIL_SERVERS)
def test_mails_arrive_in_both_forms(tls: str, notifier: Notifier) -> None:
    options = MAIL_SERVERS[tls]
    login = {"user": "sender", "password": "right"} if "user" in options else {}
    certificate = {} if tls == "none" else {"certificate": TLS / "server.pem", "key": TLS / "server.key"}
    with smtp_receiver(**options, **certificate) as mailbox:
        notifier.route(notifier.mail_channel(mailbox.port, tls, **login))
        notifier.happen(rule_name="Zu viele Fehler über 5 %")
        sent = notifier.wait_for("sent")
        assert sent["smtp_status"] == 250
        (mail,) = mailbox.mails
        assert (mail.sender, mail.recipients) == ("alerts@example.com", ["on-call@example.com"])
        assert mail.encrypted == (tls != "none")
        assert mail.user == login.get("user", "")
        assert mail.message["Subject"] == "[FIRING 1] Zu viele Fehler über 5 % · service.name=checkout"
        assert mail.message.get_content_type() == "multipart/alternative"
        text, html = (part.get_content() for part in mail.message.iter_parts())
        assert "Value: 0.07, alerts above 0.05" in text
        assert f'<a href="{PUBLIC_URL}/alerts/rules/3?from=1&amp;to=2">' in html
        assert mail.message["Message-ID"].endswith("@sightline.example>")
        notifier.happen("resolved")
        notifier.wait_for("sent", 2)
        assert mailbox.mails[1].message["References"] == mail.message["References"]
        assert "right" not in json.dumps(notifier.deliveries()) + json.dumps(notifier.call("GET", "/channels", 200))


def test_mail_servers_that_want_it_later_get_it_later(notifier: Notifier) -> None:
    with smtp_receiver() as mailbox:
        mailbox.next.append("451 4.7.1 greylisted")
        mailbox.unknown.add("gone@example.com")
        notifier.route(notifier.mail_channel(mailbox.port, "none", to=["gone@example.com", "on-call@example.com"]))
        notifier.happen()
        sent = notifier.wait_for("sent")
        assert sent["attempts"] == 2
        assert "550 5.1.1 no such user" in sent["answer"]
        assert mailbox.mails[0].recipients == ["on-call@example.com"]


def test_mail_servers_that_refuse_are_left_alone(notifier: Notifier) -> None:
    pem = {"certificate": TLS / "server.pem", "key": TLS / "server.key"}
    with smtp_receiver(starttls=True, user="sender", password="right", **pem) as mailbox:
        notifier.route(notifier.mail_channel(mailbox.port, "starttls", user="sender", password="wrong"))
        notifier.happen()
        assert notifier.wait_for("given_up")["smtp_status"] == 535
        assert not mailbox.mails
    with smtp_receiver() as plain:
        notifier.route(notifier.mail_channel(plain.port, "starttls", user="sender", password="right"))
        notifier.happen(fingerprint="cd" * 8)
        wait_until(lambda: any(one["alerts"][0]["fingerprint"] == "cd" * 8 and one["attempts"] > 0 for one in notifier.deliveries()))
        assert not plain.mails and not plain.logins, "nothing of it in the clear"


def test_a_test_says_at_once_what_came_of_it(notifier: Notifier, receiver: HttpReceiver) -> None:
    channel = notifier.channel("webhook", receiver.url)
    sent = notifier.call("POST", f"/channels/{channel}/test", 200)
    assert (sent["status"], sent["kind"], sent["http_status"]) == ("sent", "test", 200)
    assert receiver.requests[0].json()["title"] == "[TEST] Test of the channel a webhook"
    receiver.next.append(answer(500, b"it broke"))
    failed = notifier.call("POST", f"/channels/{channel}/test", 200)
    assert (failed["status"], failed["answer"]) == ("given_up", "it broke")
    assert [one["id"] for one in notifier.deliveries()] == [failed["id"], sent["id"]]
    notifier.call("POST", "/channels/77/test", 404)


def test_silences_keep_quiet_and_acknowledgements_end_repetitions(notifier: Notifier, receiver: HttpReceiver) -> None:
    notifier.route(notifier.channel("webhook", receiver.url), repeat_interval="1s")
    now = time.time_ns()
    silence = {
        "matchers": [{"label": "alertname", "op": "=~", "value": "Err.*"}], "comment": "planned",
        "starts_unix_nano": str(now - 10**9), "ends_unix_nano": str(now + 3600 * 10**9),
    }  # fmt: skip
    made = notifier.call("POST", "/silences", 201, json=silence)
    assert made | silence == made and made["active"] is True
    notifier.happen()
    notifier.happen(fingerprint="cd" * 8, rule_name="Other")
    wait_until(lambda: len(receiver.requests) >= 2, what="the other one and its repetition")
    assert {alert["rule_name"] for request in receiver.requests for alert in request.json()["alerts"]} == {"Other"}
    ended = {"version": made["version"], **silence, "ends_unix_nano": str(now)}
    assert notifier.call("PUT", f"/silences/{made['id']}", 200, json=ended)["active"] is False
    rules = lambda: [request.json()["alerts"][0]["rule_name"] for request in receiver.requests]  # noqa: E731
    wait_until(lambda: "Errors" in rules(), what="it is told once the silence has ended")
    notifier.call("POST", f"/instances/{FINGERPRINT}/acknowledge", 204)
    told = rules().count("Errors")
    others = rules().count("Other")
    wait_until(lambda: rules().count("Other") >= others + 3, what="repetitions of the other")
    assert rules().count("Errors") <= told + 1, "one may have been on its way"
    notifier.call("DELETE", f"/instances/{FINGERPRINT}/acknowledge", 204)
    wait_until(lambda: rules().count("Errors") >= told + 2, what="repetitions again")
    notifier.call("DELETE", f"/instances/{FINGERPRINT}/acknowledge", 404)
    notifier.call("DELETE", f"/silences/{made['id']}", 204, params={"version": made["version"] + 1})
    assert notifier.call("GET", "/silences", 200)["silences"] == []


def test_documents_are_checked_and_versioned(notifier: Notifier, receiver: HttpReceiver) -> None:
    document = {"schema": 1, "name": "hook", "kind": "webhook", "url": receiver.url, "secret": "s3cret"}
    made = notifier.call("POST", "/channels", 201, json={"document": document})
    shown = {name: value for name, value in document.items() if name != "secret"} | {"secret_set": True}
    assert made["document"] == shown
    changed = notifier.call("PUT", f"/channels/{made['id']}", 200, json={"version": 1, "document": shown | {"name": "new"}})
    assert (changed["version"], changed["document"]["name"]) == (2, "new")
    notifier.call("POST", f"/channels/{made['id']}/test", 200)
    assert is_signed(receiver.requests[0], "s3cret"), "the secret has stayed"
    error = notifier.call("PUT", f"/channels/{made['id']}", 412, json={"version": 1, "document": shown})["error"]
    assert "changed meanwhile" in error["message"]
    error = notifier.call("POST", "/channels", 400, json={"document": document | {"url": "ftp://x"}})["error"]
    assert error["where"] == "url"
    moved = {"version": 2, "document": shown | {"url": "http://elsewhere.example"}}
    assert notifier.call("PUT", f"/channels/{made['id']}", 400, json=moved)["error"]["where"] == "secret"
    routing = {"schema": 1, "default_channels": [made["id"]]}
    notifier.call("PUT", "/routing", 200, json={"version": 0, "document": routing})
    notifier.call("DELETE", f"/channels/{made['id']}", 412, params={"version": 2})
    error = notifier.call("PUT", "/routing", 400, json={"version": 1, "document": routing | {"default_channels": ["77"]}})["error"]
    assert (error["where"], "there is no channel" in error["message"]) == ("channels", True)
    notifier.call("PUT", "/routing", 200, json={"version": 1, "document": {"schema": 1}})
    notifier.call("DELETE", f"/channels/{made['id']}", 204, params={"version": 2})
    notifier.call("GET", f"/channels/{made['id']}", 404)


def test_channels_and_routing_come_from_files(make_server: Callable[..., Server], receiver: HttpReceiver, directory: Path) -> None:
    files = directory / "alerts"
    (files / "channels").mkdir(parents=True)
    (files / "channels/hook.yaml").write_text(f"schema: 1\nname: Hook\nkind: webhook\nurl: {receiver.url}\nsecret: s3cret\n")
    (files / "channels/bad.json").write_text("{}")
    (files / "routing.yaml").write_text('schema: 1\nroutes:\n  - channels: [file-hook]\n    group_wait: "0"\n    continue: true\n')
    notifier = Notifier(make_server(config=CONFIG | {"alerts": {"directory": str(files)}}).start())
    listed = notifier.call("GET", "/channels", 200)
    assert [(one["id"], one["origin"]) for one in listed["channels"]] == [("file-hook", "file")]
    assert [one["file"] for one in listed["broken"]] == ["bad.json"]
    notifier.happen()
    wait_until(lambda: receiver.requests)
    assert is_signed(receiver.requests[0], "s3cret")
    document = {"schema": 1, "name": "x", "kind": "webhook", "url": receiver.url}
    notifier.call("PUT", "/channels/file-hook", 409, json={"version": 1, "document": document})
    notifier.call("PUT", "/routing", 409, json={"version": 1, "document": {"schema": 1}})


def test_the_log_of_deliveries_comes_in_pages(notifier: Notifier, receiver: HttpReceiver) -> None:
    channel = notifier.channel("webhook", receiver.url)
    ids = [notifier.call("POST", f"/channels/{channel}/test", 200)["id"] for _ in range(5)]
    seen: list[str] = []
    cursor = None
    while cursor is not None or not seen:
        page = notifier.call("GET", "/deliveries", 200, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        seen += [one["id"] for one in page["deliveries"]]
        cursor = page["next_cursor"]
    assert seen == ids[::-1]


def test_many_alerts_at_once_all_arrive(notifier: Notifier, receiver: HttpReceiver) -> None:
    """Also while somebody asks for what is delivered."""
    notifier.route(notifier.channel("webhook", receiver.url), group_by=["service.name"])
    stop = threading.Event()
    asking = threading.Thread(target=lambda: [notifier.deliveries() for _ in iter(lambda: stop.is_set(), True)])
    asking.start()
    try:
        for i in range(30):
            notifier.happen(fingerprint=f"{i:016x}", labels={"service.name": f"s{i % 3}"})
        told = lambda: {alert["fingerprint"] for request in receiver.requests for alert in request.json()["alerts"]}  # noqa: E731
        wait_until(lambda: len(told()) == 30)
    finally:
        stop.set()
        asking.join()
    assert len(receiver.requests) < 30, "together"
