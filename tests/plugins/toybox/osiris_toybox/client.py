"""The client of the toy box. `behaviour` makes it hang, stumble or break on purpose."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import pyarrow as pa

from osiris import sdk

PASSWORD = "open sesame!"


class WrongPassword(Exception):
    """As a library's own error would be: its text quotes the password."""


class Client(sdk.Client, sdk.Discovers):
    def __init__(self, connection: sdk.Connection) -> None:
        super().__init__(connection)
        self._interrupted = threading.Event()
        self.is_open = False

    @property
    def folder(self) -> Path:
        return self.connection.root / str(self.connection["folder"])

    def open(self) -> None:
        password = self.connection.get("password")
        if password != PASSWORD:
            raise WrongPassword(f"{password!r} does not open the box")
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def interrupt(self) -> None:
        self._interrupted.set()

    def checks(self, resources: Sequence[str] = ()) -> Sequence[sdk.Check]:
        behaviour = self.connection.get("behaviour", "fine")
        if behaviour == "no checks":
            raise ZeroDivisionError("checks() itself is wrong")

        def reach() -> str:
            if behaviour == "silent":
                self._interrupted.wait(30)
                raise TimeoutError("the wait was interrupted")
            if behaviour == "exits":
                raise SystemExit("a library called sys.exit")
            return str(self.folder)

        def version() -> sdk.Finding:
            return sdk.Finding("the lid squeaks", hint="oil it") if behaviour == "old" else sdk.Finding("1.0", "ok")

        def look() -> str:
            missing = [name for name in resources if not (self.folder / f"{name}.arrow").is_file()]
            if missing:
                raise sdk.NotFound(f"there is no table {missing[0]}")
            return f"{len(resources)} tables"

        return (
            sdk.Check("net.tcp", reach),
            sdk.Check("auth.login", self._login),
            sdk.Check("server.version", version),
            sdk.Check("perm.read", look, level="full"),
        )

    def discover(self, like: str | None = None) -> Iterator[sdk.Resource]:
        for path in sorted(self.folder.glob("*.arrow")):
            if like is None or fnmatch(path.stem, like):
                with pa.OSFile(str(path)) as file:
                    schema = pa.ipc.open_file(file).schema
                fields = tuple(sdk.Field(field.name, str(field.type), field.nullable) for field in schema)
                yield sdk.Resource(path.stem, "table", fields)

    def _login(self) -> str:
        self.open()
        return "opened"

    @classmethod
    def _classify(cls, error: Exception) -> sdk.OsirisError:
        if isinstance(error, WrongPassword):
            return sdk.AuthFailed(str(error))
        return super()._classify(error)
