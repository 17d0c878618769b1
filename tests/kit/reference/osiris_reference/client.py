"""Opens a folder of tables with a password, after a while if so wished."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from osiris import sdk
from tests.kit.reference.osiris_reference.table import Table


class Client(sdk.Client, sdk.Discovers):
    """`lag_s` is how long opening takes; `key` has to be what the folder's file `.key` says."""

    def __init__(self, connection: sdk.Connection) -> None:
        super().__init__(connection)
        self.stop = threading.Event()
        self.opened: list[IO[str]] = []

    @property
    def folder(self) -> Path:
        return self.connection.root / str(self.connection["folder"])

    def open(self) -> None:
        lag_s = self.connection.get("lag_s", 0.0)
        if lag_s and self.stop.wait(lag_s):
            raise sdk.Cancelled("interrupted while opening")
        if not self.folder.is_dir():
            raise sdk.NotFound(f"there is no folder {self.folder}")
        self.log_in()

    def log_in(self) -> None:
        if (self.folder / ".key").read_text(encoding="utf-8") != self.connection["key"]:
            raise sdk.AuthFailed("the key is wrong")

    def close(self) -> None:
        opened, self.opened = self.opened, []
        for file in opened:
            file.close()

    def interrupt(self) -> None:
        self.stop.set()

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise sdk.Cancelled("interrupted")

    def table(self, name: str) -> Table:
        return Table(self.folder / f"{name}.jsonl")

    def discover(self, like: str | None = None) -> Iterator[sdk.Resource]:
        for path in sorted(self.folder.glob("*.jsonl")):
            if fnmatchcase(path.stem, like or "*"):
                fields = tuple(sdk.Field(name, kind) for name, kind in Table(path).header().columns)
                yield sdk.Resource(path.stem, "table", fields)

    def checks(self, resources: Sequence[str] = ()) -> Sequence[sdk.Check]:
        def login() -> str:
            self.open()
            return "logged in"

        return (sdk.Check("auth.login", login), sdk.Check("perm.read", lambda: f"{len(list(self.discover()))} tables"))
