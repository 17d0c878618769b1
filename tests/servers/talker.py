"""`Talker`: says a few bytes to whoever connects. For what no real server says at will, and for what is no server."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import Self


class Talker:
    """Listens on `port` of 127.0.0.1; sends `words` to each connection and closes it once the other side has."""

    def __init__(self, words: bytes) -> None:
        self._words = words
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="talker", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # the listener was shut down
                return
            with client, suppress(OSError):
                client.sendall(self._words)
                client.settimeout(5)
                client.recv(4096)


def refusal(number: int, text: str) -> bytes:
    """An error packet in place of MySQL's greeting, as a server sends that has no connection left."""
    payload = b"\xff" + struct.pack("<H", number) + text.encode()
    return struct.pack("<I", len(payload))[:3] + b"\x00" + payload
