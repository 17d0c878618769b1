"""One connection to the server: connect, log in, ask, and be interrupted."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Any, BinaryIO

from osiris import sdk

TIMEOUT_S = 30.0
"""How long one answer may take, unless the connection says otherwise."""


class Refused(Exception):
    """The server's own error: a code, and a text for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Client(sdk.Client, sdk.Discovers):
    """Speaks one JSON object a line, and gets lines back, the last of which says `done` or `error`."""

    def __init__(self, connection: sdk.Connection) -> None:
        super().__init__(connection)
        self._socket: socket.socket | None = None
        self._lines: BinaryIO | None = None
        self._stopped = threading.Event()

    def open(self) -> None:
        self._connect()
        self._login()

    def close(self) -> None:
        lines, self._lines = self._lines, None
        sock, self._socket = self._socket, None
        for open_thing in (lines, sock):
            if open_thing is not None:
                open_thing.close()

    def interrupt(self) -> None:
        self._stopped.set()
        sock = self._socket
        if sock is not None:
            with suppress(OSError):  # not connected yet, or no longer
                sock.shutdown(socket.SHUT_RDWR)

    def ask(self, do: str, **rest: Any) -> Any:
        """One request with one answer."""
        answers = self.stream(do, **rest)
        while True:
            try:
                next(answers)
            except StopIteration as stop:
                return stop.value

    def stream(self, do: str, **rest: Any) -> Generator[list[list[Any]], None, Any]:
        """One request with rows in its answer, batch by batch; returns what the server says at the end."""
        if self._stopped.is_set() or self._socket is None or self._lines is None:
            raise sdk.Cancelled("the connection was interrupted")
        self._socket.sendall(json.dumps({"do": do, **rest}).encode() + b"\n")
        while True:
            line = self._lines.readline()
            if not line.endswith(b"\n"):
                raise ConnectionResetError("the server hung up")
            answer = json.loads(line)
            if "error" in answer:
                raise Refused(answer["error"], answer["text"])
            if "done" in answer:
                return answer["done"]
            yield answer["rows"]

    def discover(self, like: str | None = None) -> Iterator[sdk.Resource]:
        for name, columns, rows in self.ask("tables"):
            if fnmatchcase(name, like or "*"):
                fields = tuple(sdk.Field(column, kind) for column, kind in columns)
                yield sdk.Resource(name, "table", fields, estimated_rows=rows)

    def checks(self, resources: Any = ()) -> tuple[sdk.Check, ...]:
        reads = (sdk.Check("perm.read", lambda: self._describe(resources), "full"),) if resources else ()
        return (
            sdk.Check("net.tcp", self._connect),
            sdk.Check("auth.login", self._login),
            *reads,
            sdk.Check("perm.write", self._stage_and_drop, "write"),
        )

    def dataset(self, table: str) -> sdk.Dataset:
        address = f"{self.connection['host']}:{self.connection['port']}/{self.connection['database']}"
        return sdk.Dataset(f"socketdb://{address}", table)

    @classmethod
    def _classify(cls, error: Exception) -> sdk.OsirisError:
        if not isinstance(error, Refused):
            return super()._classify(error)
        kinds: dict[str, type[sdk.OsirisError]] = {
            "denied": sdk.AuthFailed,
            "busy": sdk.Busy,
            "not_found": sdk.NotFound,
            "forbidden": sdk.PermissionDenied,
            "gone": sdk.WriteFailed,
        }
        return kinds.get(error.code, sdk.SourceError)(str(error))

    def _connect(self) -> str:
        if self._stopped.is_set():
            raise sdk.Cancelled("the connection was interrupted")
        host, port = self.connection["host"], self.connection["port"]
        # Kept before it is connected, so that `interrupt` ends a connect that hangs.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.settimeout(self.connection.get("timeout_s", TIMEOUT_S))
        self._socket.connect((host, port))
        self._lines = self._socket.makefile("rb")
        return f"{host}:{port}"

    def _login(self) -> str:
        name = self.connection["database"]
        self.ask("login", database=name, password=self.connection.get("password"))
        return f"logged in to {name}"

    def _describe(self, resources: Any) -> str:
        for name in resources:
            self.ask("describe", table=name)
        return f"can read {', '.join(resources)}"

    def _stage_and_drop(self) -> str:
        self.ask("begin", stage="doctor", staging="table", columns=[["n", "int"]])
        self.ask("drop", stage="doctor", commit="doctor")
        return "can write"
