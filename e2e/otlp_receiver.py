"""A receiver of OTLP that keeps what it gets, over HTTP or gRPC, with or without TLS."""

import gzip
import ssl
import threading
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Callable, Iterator

import grpc

from sightline import EXPORT_METHODS


@dataclass
class Request:
    signal: str
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass
class Tls:
    """PEM files; with `client_authority` a client must have a certificate of it."""

    certificate: Path
    key: Path
    client_authority: Path | None = None


@dataclass
class Receiver:
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answer: bytes = b""  # the ExportResponse of the signal
    connections: int = 0
    # In place of `answer`. gRPC: may set a status on the context; HTTP: status, headers, body.
    grpc_reply: Callable[[Request, grpc.ServicerContext], bytes] | None = None
    http_reply: Callable[[Request], tuple[int, dict[str, str], bytes]] | None = None

    def of(self, signal: str) -> Request:
        (request,) = [request for request in self.requests if request.signal == signal]
        return request


@contextmanager
def http_receiver(tls: Tls | None = None) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            receiver.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.path.removeprefix("/v1/"), headers, body)
            receiver.requests.append(request)
            status, more, answer = receiver.http_reply(request) if receiver.http_reply else (200, {}, receiver.answer)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Type", self.headers["Content-Type"])
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.certificate, tls.key)
            if tls.client_authority:
                context.load_verify_locations(tls.client_authority)
                context.verify_mode = ssl.CERT_REQUIRED
            # The handshake in the connection's own thread, not in the one that accepts.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        receiver.url = f"{'https' if tls else 'http'}://localhost:{server.server_port}"
        yield receiver
        server.shutdown()


@contextmanager
def grpc_receiver(tls: Tls | None = None) -> Iterator[Receiver]:
    receiver = Receiver()
    signals = {method.strip("/"): signal for signal, method in EXPORT_METHODS.items()}

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            signal = signals[details.method.strip("/")]

            def export(body: bytes, context: grpc.ServicerContext) -> bytes:
                request = Request(signal, dict(details.invocation_metadata), body)
                receiver.requests.append(request)
                return receiver.grpc_reply(request, context) if receiver.grpc_reply else receiver.answer

            return grpc.unary_unary_rpc_method_handler(export)

    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Handler()])
    if tls:
        authority = tls.client_authority
        credentials = grpc.ssl_server_credentials(
            [(tls.key.read_bytes(), tls.certificate.read_bytes())],
            root_certificates=authority.read_bytes() if authority else None, require_client_auth=bool(authority),
        )  # fmt: skip
        port = server.add_secure_port("localhost:0", credentials)
    else:
        port = server.add_insecure_port("localhost:0")
    server.start()
    receiver.url = f"{'https' if tls else 'http'}://localhost:{port}"
    yield receiver
    server.stop(None).wait(10)
