"""A client without a server, that can be made to hang while it opens, and counts what is open."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from osiris import sdk

LIMIT_S = 30.0


class Client(sdk.Client):
    """`opened` and `interrupted` count over the process; tests look at differences."""

    opened: ClassVar[list[Client]] = []
    tables: ClassVar[dict[str, list[Any]]] = {}

    def __init__(self, connection: sdk.Connection) -> None:
        super().__init__(connection)
        self.stopped = threading.Event()

    def open(self) -> None:
        if self.connection.get("hangs", False):
            self.hang()
        self.opened.append(self)

    def close(self) -> None:
        if self in self.opened:
            self.opened.remove(self)

    def interrupt(self) -> None:
        self.stopped.set()
        if self.connection.get("stumbles", False):
            raise RuntimeError("interrupted in a bad moment")

    def hang(self) -> None:
        """Until it is interrupted."""
        if not self.stopped.wait(LIMIT_S):
            raise AssertionError("nobody interrupted this client")
        raise OSError("interrupted")
