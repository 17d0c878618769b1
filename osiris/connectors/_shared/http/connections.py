"""urllib3's connections, over a socket that can be cut, and without taking half an answer's headers for all."""

from __future__ import annotations

import http.client
import socket
from typing import Any, Protocol

from urllib3.connection import HTTPConnection, HTTPSConnection


class Owner(Protocol):
    """What a connection belongs to: it is told of each socket in use, and whether a request left."""

    left: bool

    def hold(self, sock: Any) -> None: ...

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket: ...


class Held(HTTPConnection):
    """Connects through the wire's line, and tells the wire when bytes of a request go out."""

    def __init__(self, *args: Any, wire: Owner, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.response_class = _Answering
        self._wire = wire

    def _new_conn(self) -> socket.socket:
        return self._wire.connect(self._dns_host, self.port, float(self.timeout or 0))

    def connect(self) -> None:
        try:
            super().connect()
        finally:
            self._wire.left = False  # a proxy may have been asked for a tunnel, but the server for nothing

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self._wire.hold(self.sock)
        self._wire.left = True
        super().send(data)


class HeldEncrypted(Held, HTTPSConnection):
    """With TLS."""


class _Answering(http.client.HTTPResponse):
    """http.client takes the end of the connection for the end of the headers: here it is a loss."""

    def begin(self) -> None:
        whole: Any = self.fp
        lines: Any = _Lines(whole)  # begin() does nothing but read lines
        self.fp = lines
        try:
            super().begin()
        finally:
            if self.fp is lines:  # not closed
                self.fp = whole


class _Lines:
    """The lines of the headers, each to its end."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readline(self, limit: int) -> bytes:
        line: bytes = self._file.readline(limit)
        if not line.endswith(b"\n") and len(line) < limit:
            raise http.client.RemoteDisconnected(
                "the server hung up before its answer had begun, or within its headers"
            )
        return line

    def close(self) -> None:
        self._file.close()
