"""Runs one SQL query over a step's inputs, in a DuckDB of its own that sees nothing else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from osiris.connectors import base
from osiris.connectors.base import Batches, End, Options, Workspace
from osiris.connectors.duckdb import landing, reading, sandbox, scans
from osiris.connectors.duckdb.handle import Handle
from osiris.connectors.duckdb.reading import Selection, Source
from osiris.connectors.duckdb.tables import RESERVED, folded, quoted
from osiris.errors import Cancelled, ConfigError, NotFound
from osiris.stream import EXHAUSTED

QUERY = "the query"
STREAM = f"{RESERVED}stream"


class Processor(Handle, base.Processor):
    """Each input is a table under its step's id, dashes as underscores, as `df_<id>`, and `input_df` if it is alone."""

    def __init__(self, options: Options, workspace: Workspace) -> None:
        super().__init__(options, workspace)
        self._folder: Path | None = None
        self._known: tuple[Mapping[str, pa.Schema], frozenset[str]] | None = None

    def rescans(self, schemas: Mapping[str, pa.Schema]) -> frozenset[str]:
        if self._known is None or self._known[0] != dict(schemas):
            self._known = dict(schemas), self._repeated(schemas)
        return self._known[1]

    def schema(self, inputs: Mapping[str, pa.Schema]) -> pa.Schema | None:
        """The query bound to inputs without rows."""
        con = self._open()
        try:
            if sandbox.makes_columns_of_rows(con, self.options["query"]):
                return None
            for name, given in inputs.items():
                empty = pa.RecordBatchReader.from_batches(landing.landing_schema(given), iter(()))
                con.register(_table(name), empty)
            return self._chosen(con, list(inputs)).schema
        finally:
            self._close()

    def run(self, inputs: Mapping[str, Batches]) -> Batches:
        again = self.rescans({name: batches.schema for name, batches in inputs.items()})
        con = self._open()
        try:
            for name, batches in inputs.items():
                self._offer(con, name, batches, again=name in again)
            chosen = self._chosen(con, list(inputs))
        except BaseException:
            self._close()
            raise
        once = [batches for name, batches in inputs.items() if name not in again]
        return Batches(chosen.schema, self._give(chosen, list(inputs.values()), once), on_close=self._close)

    def _repeated(self, schemas: Mapping[str, pa.Schema]) -> frozenset[str]:
        with sandbox.connected(":memory:") as con:
            named = _names(list(schemas))
            for name, given in named.items():
                schema = landing.landing_schema(schemas[given])
                con.register(name, pa.RecordBatchReader.from_batches(schema, iter(())))
            return scans.repeated(con, self.options["query"], named)

    def _chosen(self, con: duckdb.DuckDBPyConnection, inputs: list[str]) -> Selection:
        """The query, bound to the inputs that were registered, under all names that it may use for them."""
        named = _names(inputs)
        try:
            for name, given in named.items():
                if name != _table(given):
                    con.execute(f"CREATE TEMP VIEW {quoted(name)} AS FROM {quoted(_table(given))}")
            con.execute("SET lock_configuration = true")
            source = Source(sandbox.select_of(con, self.options["query"], QUERY), QUERY)
            return reading.selection(con, source)
        except NotFound as error:
            hint = f"the tables here: {', '.join(named)}" if named else "this step has no input"
            raise ConfigError(error.message, code="query.unknown_table", hint=hint) from error

    def _open(self) -> duckdb.DuckDBPyConnection:
        self._close()
        self.workspace.scratch.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="duckdb-", dir=self.workspace.scratch))
        settings: dict[str, sandbox.Setting] = {
            "memory_limit": self.options.get("memory_limit", f"{self.workspace.memory_bytes} B"),
            "temp_directory": str(self._folder),
            "secret_directory": str(self._folder),
        }
        if self.options.get("threads") is not None:
            settings["threads"] = int(self.options["threads"])
        self._con = sandbox.connected(":memory:", more=settings)
        return self._con

    def _close(self) -> None:
        folder, self._folder = self._folder, None
        self._disconnect()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _offer(self, con: duckdb.DuckDBPyConnection, name: str, batches: Batches, *, again: bool) -> None:
        """Register an input: as a dataset if it is read again, else as a stream; copied in where both cannot be."""
        schema = landing.landing_schema(batches.schema)
        table = _table(name)
        if again and schema.equals(batches.schema):
            con.register(table, batches.dataset())
            return
        reader = pa.RecordBatchReader.from_batches(schema, self._landed(batches, schema))
        con.register(STREAM if again else table, reader)
        if again:
            con.execute(f"CREATE TEMP TABLE {quoted(table)} AS FROM {STREAM}")
            con.unregister(STREAM)

    def _landed(self, batches: Batches, schema: pa.Schema) -> Generator[pa.RecordBatch]:
        rows = 0
        for batch in batches:
            if self._interrupted.is_set():
                raise Cancelled("stopped while the query was reading its inputs")
            yield landing.landed(batch, schema, rows)
            rows += batch.num_rows

    def _give(
        self, chosen: Selection, inputs: list[Batches], once: list[Batches]
    ) -> Generator[pa.RecordBatch, None, End]:
        rows = 0
        if self._interrupted.is_set() or self._con is None:
            raise Cancelled("stopped before the query was started")
        try:
            self._reader = reading.started(self._con, chosen)
            for batch in reading.stream(self._reader, chosen):
                rows += batch.num_rows
                yield batch
                if self._interrupted.is_set():
                    raise Cancelled("stopped while the query was running")
        except Exception as error:
            if self._interrupted.is_set():
                raise Cancelled("stopped while the query was running") from error
            for batches in inputs:
                if batches.error is not None:
                    raise batches.error from error
            raise reading.failed(error, chosen, QUERY) from error
        return End(rows, EXHAUSTED if all(batches.end for batches in once) else "query")


def _table(name: str) -> str:
    return name.replace("-", "_")


def _names(inputs: list[str]) -> dict[str, str]:
    """Each name that a query may use, with the input that it means. Raises ConfigError for one that means two."""
    found: dict[str, str] = {}
    for given in inputs:
        plain = _table(given)
        for name in (plain, f"df_{plain}", *(("input_df",) if len(inputs) == 1 else ())):
            other = next((found[taken] for taken in found if folded(taken) == folded(name)), given)
            if other != given:
                raise ConfigError(
                    f"the inputs {other!r} and {given!r} would both be the table {name}",
                    code="input.duplicate",
                    hint="give one of these steps another id",
                )
            found[name] = given
    return found
