"""The client of one DuckDB file: open, close, interrupt, doctor and discover."""

from __future__ import annotations

import contextlib
import fnmatch
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from osiris.connectors import base
from osiris.connectors.base import Check, Connection, Dataset, Discovers, Field, Finding, Resource
from osiris.connectors.duckdb import sandbox
from osiris.connectors.duckdb.handle import Handle
from osiris.connectors.duckdb.tables import RESERVED, Name, find, folded, primary_key, quoted
from osiris.errors import Cancelled, ConfigError, NotFound, PermissionDenied

MEMORY = ":memory:"


class Client(Handle, base.Client, Discovers):
    """One handle on the connection's file. All handles of this process on one file share one database instance.

    Opening never creates the file: `database` of a file that is not there raises NotFound, `create` makes it.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._held: Path | None = None

    @property
    def path(self) -> Path:
        """The file, absolute, links resolved. Raises ConfigError for `:memory:`, which keeps nothing between steps."""
        given = str(self.connection["path"])
        if given == MEMORY:
            raise ConfigError(
                f"{self.connection.reference}: a database in memory is gone when the step ends",
                code="duckdb.in_memory",
                hint="give path a file to read from or write to",
            )
        return (self.connection.root / given).resolve()

    @property
    def read_only(self) -> bool:
        return bool(self.connection.get("read_only", False))

    def dataset(self, name: str) -> Dataset:
        """One spelling for one table, as DuckDB folds names: leases and lineage compare them."""
        return Dataset(f"duckdb://{self.path.as_posix()}", folded(name))

    def open(self) -> None:
        """Open the file if it is there; with `read_only` it must be."""
        if self.connection["path"] == MEMORY:
            self._con = self._con or sandbox.connected(MEMORY)
        elif self.path.exists():
            self._connect()
        elif self.read_only:
            raise self._missing()

    def create(self) -> None:
        """Open the file; make it if it is not there, but not its folder (NotFound)."""
        self.check_writable()
        assert not self.connection.look_only, "a client that looks only makes no file"
        self._connect()

    def check_writable(self) -> None:
        """Raise what keeps a writer from the file, before it is opened."""
        if self.read_only:
            raise ConfigError(
                f"{self.connection.reference} is read-only",
                code="duckdb.read_only",
                hint="write through a connection without read_only: true",
            )
        if not self.path.parent.is_dir():
            raise NotFound(
                f"the folder of the database is not there: {self.path.parent}",
                code="file.missing",
                hint="make it first",
            )

    @property
    def is_open(self) -> bool:
        return self._con is not None

    def raise_if_interrupted(self) -> None:
        if self._interrupted.is_set():
            raise Cancelled("stopped before DuckDB was asked")

    @property
    def database(self) -> duckdb.DuckDBPyConnection:
        """The open handle. Raises Cancelled after `interrupt`, NotFound when there is no file to read."""
        self.raise_if_interrupted()
        if self._con is None:
            self.open()
        if self._con is None:
            raise self._missing()
        return self._con

    def rows(self, sql: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement with a small result."""
        cursor = self.database.execute(sql, parameters)
        return list(iter(cursor.fetchone, None))

    def limit_memory(self, size_bytes: int) -> None:
        """What the database instance may take in memory, for all handles of this process on the file."""
        self.database.execute(f"SET GLOBAL memory_limit = '{size_bytes} B'")

    @contextlib.contextmanager
    def reading(self) -> Generator[duckdb.DuckDBPyConnection]:
        """The handle in a read-only transaction: one snapshot, and nothing that a statement could change."""
        con = self.database
        self._end_query()
        self.rollback()
        con.execute("BEGIN TRANSACTION READ ONLY")
        try:
            yield con
        except Exception:
            self.rollback()
            raise
        con.execute("COMMIT")

    def keep(self, reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
        """Own a running query: it ends with the next one, or when the client is closed."""
        self._end_query()
        self._reader = reader
        return reader

    def rollback(self) -> None:
        """End an open transaction without its effects; no error when there is none. Works after `interrupt` too."""
        if self._con is not None:
            with contextlib.suppress(duckdb.Error):
                self._con.execute("ROLLBACK")

    def close(self) -> None:
        held, self._held = self._held, None
        self._disconnect()
        if held is not None:
            _let_go(held)

    def checks(self, resources: Sequence[str] = ()) -> Sequence[Check]:
        return (
            Check("auth.login", self._check_open),
            Check("server.version", self._check_version),
            Check("perm.read", lambda: self._check_read(resources), "full"),
            Check("perm.write", self._check_write, "write"),
        )

    def discover(self, like: str | None = None) -> Iterator[Resource]:
        tables = self.rows(
            "SELECT schema_name, table_name, 'table', estimated_size FROM duckdb_tables() "
            "WHERE database_name = current_database() AND NOT internal UNION ALL "
            "SELECT schema_name, view_name, 'view', NULL FROM duckdb_views() "
            "WHERE database_name = current_database() AND NOT internal ORDER BY 1, 2"
        )
        for schema, name, kind, estimated_rows in tables:
            if not name.startswith(RESERVED) and _matches(schema, name, like):
                yield Resource(name, kind, self._fields(schema, name), schema, estimated_rows)

    def _connect(self) -> None:
        if self._con is not None:
            return
        path = self.path
        with _OPENING:
            count, is_read_only = _OPEN.get(path, (0, False))
            recovering = not count and path.with_name(path.name + ".wal").exists()
            read_only = self.read_only
            if self.connection.look_only:
                # any other handle would write the log that a killed process left into the file
                read_only = is_read_only if count else read_only or recovering
            # What a killed process left in the log reads wrong in some cases until it is in the file.
            first = "CHECKPOINT" if recovering and not read_only else ""
            con = sandbox.connected(str(path), read_only=read_only, first=first)
            _OPEN[path] = (count + 1, read_only)
        self._con, self._held = con, path

    def _missing(self) -> NotFound:
        return NotFound(
            f"there is no database file {self.path}",
            code="file.missing",
            hint=f"check path of {self.connection.reference}; a duckdb.writer makes the file",
        )

    def _fields(self, schema: str, name: str) -> tuple[Field, ...]:
        keys = primary_key(self, schema, name)
        found = self.rows(
            "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
            "WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 ORDER BY column_index",
            [schema, name],
        )
        return tuple(Field(column, kind, nullable, column in keys) for column, kind, nullable in found)

    def _check_open(self) -> str | Finding:
        self.open()
        if self.connection["path"] == MEMORY:
            return "in memory: only for processors"
        if self._con is not None:
            return f"{self.path} opened{' read-only' if self.read_only else ''}"
        if not self.path.parent.is_dir():
            raise NotFound(f"the folder {self.path.parent} is not there", code="file.missing", hint="make it first")
        return Finding(f"there is no file {self.path} yet", hint="a duckdb.writer makes it; an extractor needs it")

    def _check_version(self) -> str:
        return f"DuckDB {duckdb.__version__}"

    def _check_read(self, resources: Sequence[str]) -> str | Finding:
        if self._con is None:
            return "nothing to read yet"
        missing = [name for name in resources if find(self, Name.of(name, None)) is None]
        if missing:
            hint = "a writer with create_if_missing makes it; an extractor needs it"
            return Finding(f"there is no table {', '.join(missing)}", hint=hint)
        for name in resources:
            self.rows(f"SELECT 1 FROM {Name.of(name, None).sql} LIMIT 1")
        if resources:
            return f"{', '.join(resources)} can be read"
        return f"{sum(1 for _ in self.discover())} tables and views"

    def _check_write(self) -> str | Finding:
        """Makes a table and takes it back; where there is no file yet, a temporary one in its folder."""
        if self.read_only:
            return Finding("the connection is read-only: writing was not tried", "ok")
        if self._con is None:
            try:
                with tempfile.TemporaryFile(dir=self.path.parent):
                    return f"files can be made in {self.path.parent}"
            except PermissionError as error:
                raise PermissionDenied(f"no file can be made in {self.path.parent}", code="file.permission") from error
        table = quoted(f"{RESERVED}doctor")
        self.rows("BEGIN")
        self.rows(f"CREATE TABLE {table} (x INTEGER)")
        self.rows(f"INSERT INTO {table} VALUES (1)")
        self.rollback()
        return "a table was made and taken back"


def _let_go(path: Path) -> None:
    with _OPENING:
        count, read_only = _OPEN.pop(path)
        if count > 1:
            _OPEN[path] = (count - 1, read_only)


def _matches(schema: str, name: str, like: str | None) -> bool:
    """Whether the glob fits `schema.table`, or the bare table's name where the glob has no dot."""
    if like is None:
        return True
    full = f"{schema}.{name}" if "." in like else name
    return fnmatch.fnmatchcase(full.casefold(), like.casefold())


_OPENING = threading.Lock()
_OPEN: dict[Path, tuple[int, bool]] = {}
"""How many handles this process has on each file, and whether they are read-only."""
