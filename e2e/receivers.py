"""Receivers of notifications that keep what they get, and fail in every way that real ones do: over HTTP and SMTP."""

import email
import email.policy
import json
import socket
import ssl
import struct
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Iterator

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

STALL_SECONDS_MAX = 120.0  # a receiver that is never let go must not keep the test from ending


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


# What a receiver does with a request that it has read.
Behaviour = Callable[[BaseHTTPRequestHandler, "HttpReceiver"], None]


@dataclass
class HttpReceiver:
    url: str = ""
    requests: list[Received] = field(default_factory=list)
    # For the next requests, one each; then `usual`.
    next: deque[Behaviour] = field(default_factory=deque)
    usual: Behaviour = lambda handler, receiver: answer(200)(handler, receiver)
    let_go: threading.Event = field(default_factory=threading.Event)  # those that `stall`


def answer(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Header names with _ for -."""

    def behave(handler: BaseHTTPRequestHandler, _: HttpReceiver) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def stall(handler: BaseHTTPRequestHandler, receiver: HttpReceiver) -> None:
    """Says nothing until it is let go, and then closes."""
    receiver.let_go.wait(STALL_SECONDS_MAX)
    handler.close_connection = True


def close(handler: BaseHTTPRequestHandler, _: HttpReceiver) -> None:
    """Closes without an answer."""
    handler.close_connection = True


def reset(handler: BaseHTTPRequestHandler, _: HttpReceiver) -> None:
    """Breaks the connection off."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def cut(handler: BaseHTTPRequestHandler, _: HttpReceiver) -> None:
    """Closes in the middle of its answer."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of")
    handler.close_connection = True


def garbage(handler: BaseHTTPRequestHandler, _: HttpReceiver) -> None:
    """Answers with what is no HTTP."""
    handler.wfile.write(b"\x00\x01 this is no answer \xff\r\n\r\n")
    handler.close_connection = True


def endless(handler: BaseHTTPRequestHandler, receiver: HttpReceiver) -> None:
    """Never ends its answer while somebody reads."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"x" * 65536
    try:
        while not receiver.let_go.is_set():
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    except OSError:
        pass
    handler.close_connection = True


@contextmanager
def http_receiver(port: int = 0) -> Iterator[HttpReceiver]:
    receiver = HttpReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.append(Received(self.command, self.path, headers, body))
            (receiver.next.popleft() if receiver.next else receiver.usual)(self, receiver)

        do_GET = do_PUT = do_POST

        def log_message(self, *_) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield receiver
        finally:
            receiver.let_go.set()
            server.shutdown()


def unused_port() -> int:
    """Nobody listens there, and the system does not give it to others at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class ReceivedMail:
    sender: str
    recipients: list[str]
    message: EmailMessage
    encrypted: bool
    user: str  # "" without a login


@dataclass
class SmtpReceiver:
    port: int = 0
    mails: list[ReceivedMail] = field(default_factory=list)
    # For the next mails, one each, after their last byte: "451 later". Then it takes all.
    next: deque[str] = field(default_factory=deque)
    unknown: set[str] = field(default_factory=set)  # recipients that it refuses
    logins: list[str] = field(default_factory=list)  # of users, also those that failed


@contextmanager
def smtp_receiver(
    starttls: bool = False, tls: bool = False, certificate: Path | None = None, key: Path | None = None,
    user: str = "", password: str = "",
) -> Iterator[SmtpReceiver]:  # fmt: skip
    """With `user` a login is wanted, which is offered only once the connection is encrypted, where it can be."""
    receiver = SmtpReceiver()
    context = None
    if starttls or tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

    class Handler:
        async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:
            if address in receiver.unknown:
                return "550 5.1.1 no such user"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:
            if receiver.next:
                return receiver.next.popleft()
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            login = session.auth_data if session.authenticated else None
            receiver.mails.append(
                ReceivedMail(
                    envelope.mail_from, list(envelope.rcpt_tos), message, session.ssl is not None or tls,
                    login.login.decode() if login else "",
                )  # fmt: skip
            )
            return "250 2.0.0 queued as 7"

    def authenticate(_: SMTP, __: Session, ___: Envelope, ____: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        receiver.logins.append(data.login.decode())
        right = data.login == user.encode() and data.password == password.encode()
        return AuthResult(success=right, auth_data=data, handled=False)

    controller = Controller(
        Handler(), hostname="127.0.0.1", port=unused_port(), ssl_context=context if tls else None,
        tls_context=context if starttls else None, require_starttls=starttls,
        authenticator=authenticate if user else None, auth_required=bool(user), auth_require_tls=starttls,
    )  # fmt: skip
    controller.start()
    receiver.port = controller.port
    try:
        yield receiver
    finally:
        controller.stop()
