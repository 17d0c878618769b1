"""`Target`: a database in use by a writer: written and read through the connector, looked at without it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Generic, Self

import pyarrow as pa

from osiris.connectors import base
from osiris.connectors.base import Batches, Options, Part, Run, Split, State, Token, Workspace, Written
from tests.connectors.clients import C, Clients
from tests.connectors.database import D

NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Target(ABC, Generic[C, D]):
    """`changes` are fields of the connection that are other than those of `database`."""

    clients: ClassVar[Clients[Any]]
    writer_type: ClassVar[type[base.Writer[Any]]]
    reader_type: ClassVar[type[base.Extractor[Any]]]
    order: ClassVar[str] = "1"
    """By which columns `rows` are put in order, unless it is told."""

    database: D
    root: Path
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root / "scratch", self.root / "out", memory_bytes=256 * 2**20)

    @abstractmethod
    def tables(self) -> set[str]: ...

    def over(self, **changes: Any) -> Self:
        """The same database over another connection."""
        return replace(self, changes={**self.changes, **changes})

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.database.sql(*statements)

    def rows(self, table: str = "t", columns: str = "*", order: str = "") -> list[tuple[Any, ...]]:
        return self.sql(f"SELECT {columns} FROM {table} ORDER BY {order or self.order}")

    def staging(self) -> set[str]:
        """What is left of staging, and of locks that sessions hold."""
        return {name for name in self.tables() if name.startswith("_osiris_")} - {"_osiris_commits", "_osiris_state"}

    def client(self) -> AbstractContextManager[C]:
        """An open client; what it raises is classified."""
        return self.clients.in_use({**self.database.fields(), **self.changes})

    def writer(self, client: C, **options: Any) -> base.Writer[Any]:
        return self.writer_type(client, Options({"table": "t", **options}), self.workspace)

    def write(
        self, rows: pa.Table, *, run: Run | None = None, state: State | None = None, **options: Any
    ) -> tuple[Part, Written]:
        """The whole of a write, in several batches; undone on another client if it fails."""
        token: Token | None = None
        try:
            with self.client() as client:
                writer = self.writer(client, **options)
                token = writer.token(rows.schema, run or new_run())
                writer.begin(token, rows.schema)
                part = writer.write(token, in_pieces(rows))
                written = writer.commit(token, [part], state)
        except Exception:
            if token is not None:
                self.fresh("abort", token, **options)
            raise
        self.fresh("finish", token, **options)
        return part, written

    def fresh(self, call: str, *arguments: Any, **options: Any) -> Any:
        """A call on a new instance, with a client of its own."""
        with self.client() as client:
            return getattr(self.writer(client, **options), call)(*arguments)

    def read(self, table: str = "t", **options: Any) -> pa.Table:
        """The table through the connector."""
        with self.client() as client:
            extractor = self.reader_type(client, Options({"table": table, **options}), self.workspace)
            stream = Batches(extractor.schema(), extractor.read(Split(0)))
            return pa.Table.from_batches(stream, stream.schema)


def new_run(*, sole: bool = True, key: str = "", attempt: int = 1, number: int | None = None) -> Run:
    return Run(f"run{number or next(NUMBERS)}", "pipeline", "load", attempt, key=key, sole=sole)


def in_pieces(rows: pa.Table, name: str = "rows") -> Batches:
    """A stream of several batches, whatever the number of rows."""
    return Batches.of(rows.schema, rows.to_batches(max_chunksize=max(3, rows.num_rows // 20)), name)


def endless(batch: pa.RecordBatch) -> Batches:
    def give() -> Iterable[pa.RecordBatch]:
        while True:
            yield batch

    return Batches.of(batch.schema, give(), "endless")
