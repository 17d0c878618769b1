"""`Web`: an HTTP server whose answers a test writes, over plain TCP or TLS; it keeps what it was asked."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came, header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """`chunked` sends the body in chunks of 1000 bytes, without a length. `dropped` sends nothing and closes the
    connection. "" as a content type is none."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    chunked: bool = False
    dropped: bool = False


class Web:
    """Answers each request with what `answer` gives for it. `connections` counts those that were taken."""

    def __init__(
        self, answer: Callable[[Asked], Reply], certificate: tuple[Path, Path] | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._answer = answer
        self._server = _Server((host, 0), type("Handler", (_Handler,), {"web": self}))
        self.port: int = self._server.server_address[1]
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.context = context
        self.url = f"{'https' if certificate else 'http'}://{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="web", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self._answer(asked)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread: a handshake that fails concerns nobody else."""
        with suppress(OSError):
            if self.context is not None:
                request = self.context.wrap_socket(request, server_side=True)
            try:
                super().finish_request(request, client_address)
            finally:
                request.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True
    web: Web

    def setup(self) -> None:
        self.web.connections += 1
        super().setup()

    def parse_request(self) -> bool:
        """Any method comes to `_serve`."""
        if not super().parse_request():
            return False
        setattr(self, f"do_{self.command}", self._serve)
        return True

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers}
        reply = self.web.answer(Asked(self.command, self.path, headers, body))
        if reply.dropped:
            self.close_connection = True
            return
        self.send_response(reply.status)
        if reply.content_type:
            self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif reply.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        for piece in _chunks(reply.body) if reply.chunked else [reply.body]:
            self.wfile.write(piece)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at `asked`."""


def _chunks(body: bytes) -> list[bytes]:
    pieces = [body[start : start + 1000] for start in range(0, len(body), 1000)]
    return [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""]]
