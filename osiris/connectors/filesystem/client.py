"""The filesystem client: the folder of a connection, its checks, and what there is to read in it."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial
from typing import Protocol, TypeVar

from osiris.connectors import base
from osiris.connectors.base import Check, Connection, Finding, Resource
from osiris.connectors.filesystem.paths import File, Place
from osiris.errors import Cancelled, NotFound

LOW_SPACE_BYTES = 1 << 30


class Closable(Protocol):
    """What can be closed more than once."""

    def close(self) -> None: ...


Opened = TypeVar("Opened", bound=Closable)


class Client(base.Client, base.Discovers):
    """One connection to a folder. `keep` holds open files until `close`; `stop` is set by `interrupt`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.place = Place.of(connection)
        self.stop = threading.Event()
        self._opened: list[Closable] = []

    def open(self) -> None:
        """Nothing to do: a writer may yet create the folder, and a reader will say that its file is not there."""

    def close(self) -> None:
        opened, self._opened = self._opened, []
        for each in opened:
            with suppress(OSError, ValueError):
                each.close()

    def interrupt(self) -> None:
        self.stop.set()

    def check_stop(self) -> None:
        """Raise Cancelled once the client was interrupted."""
        if self.stop.is_set():
            raise Cancelled(f"{self.connection.reference} was stopped")

    def keep(self, opened: Opened) -> Opened:
        """Close it with the client: the generator that reads it may never be closed."""
        self._opened.append(opened)
        return opened

    def checks(self, resources: Sequence[str] = ()) -> Sequence[Check]:
        """The folder can be listed and has space; `full`: `resources` can be read; `write`: a file can be made."""
        return (
            Check("perm.read", self._list),
            Check("server.limits", self._space),
            *(Check("perm.read", partial(self._look_at, name), "full") for name in resources),
            Check("perm.write", self._write, "write"),
        )

    def discover(self, like: str | None = None) -> Iterator[Resource]:
        """Each CSV and Parquet file below the folder, by its path from there; one that cannot be read has no fields.

        Raises NotFound when the folder is not there."""
        from osiris.connectors.filesystem.discovery import SUFFIXES, describe

        self._list()
        for file in self.place.walk(SUFFIXES):
            if like is None or fnmatchcase(file.name, like):
                yield describe(file, self.stop)

    def _list(self) -> str:
        if not self.place.base.is_dir():
            hint = "create it, or correct base_dir"
            raise NotFound(f"there is no folder {self.place.base}", code="folder.missing", hint=hint)
        next(self.place.base.iterdir(), None)
        return f"the folder {self.place.base} can be listed"

    def _space(self) -> str | Finding:
        free_bytes = shutil.disk_usage(self.place.base).free
        text = f"{free_bytes / 1e9:.1f} GB are free"
        return text if free_bytes >= LOW_SPACE_BYTES else Finding(text, hint="make space before you write")

    def _look_at(self, name: str) -> str | Finding:
        try:
            files = self.place.find(name, ("",))
        except NotFound as error:
            return Finding(error.message, hint="create the file first, unless a step writes it")
        for file in files:
            _touch(file)
        return f"{name}: {len(files)} file{'s' if len(files) > 1 else ''} can be read"

    def _write(self) -> str:
        trial = self.place.base / f".osiris-doctor-{uuid.uuid4().hex}.tmp"
        try:
            trial.write_bytes(b"trial")
        finally:
            trial.unlink(missing_ok=True)
        return f"the folder {self.place.base} can be written"


def _touch(file: File) -> None:
    with open(file.path, "rb") as opened:  # noqa: PTH123 - the path is text, as it travels in splits
        opened.read(1)
