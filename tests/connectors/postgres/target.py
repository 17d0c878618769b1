"""A database in use by a writer: written through the connector, looked at with psycopg alone."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.connectors.base import Batches, Options, Part, Run, State, Token, Workspace, Written
from osiris.connectors.postgres.client import Client
from osiris.connectors.postgres.writer import Writer
from tests.connectors.postgres.clients import made
from tests.servers.postgres import Database

NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Target:
    """`changes` are fields of the connection that are other than those of `database`."""

    database: Database
    root: Path
    changes: Mapping[str, Any] = field(default_factory=dict)

    def over(self, **changes: Any) -> Target:
        """The same database over another connection."""
        return replace(self, changes={**self.changes, **changes})

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.database.sql(*statements)

    def rows(self, table: str = "t", columns: str = "*", order: str = "1") -> list[tuple[Any, ...]]:
        return self.sql(f"SELECT {columns} FROM {table} ORDER BY {order}")

    def tables(self) -> set[str]:
        return {
            name for (name,) in self.sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname !~ '^(pg|sql)_'")
        }

    def staging(self) -> set[str]:
        """What is left of staging."""
        return {name for name in self.tables() if name.startswith("_osiris_")} - {"_osiris_commits", "_osiris_state"}

    def types(self, table: str = "t") -> dict[str, str]:
        found = self.sql(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            f"WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        return dict(found)

    @contextmanager
    def client(self) -> Generator[Client]:
        """An open client; what it raises is classified, as the drivers do."""
        client = made({**self.database.fields(), **self.changes})
        try:
            client.open()
            yield client
        except Exception as error:
            raise Client.classify(error) from error
        finally:
            client.close()

    def writer(self, client: Client, **options: Any) -> Writer:
        workspace = Workspace(self.root / "scratch", self.root / "out", memory_bytes=256 * 2**20)
        return Writer(client, Options({"table": "t", **options}), workspace)

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
