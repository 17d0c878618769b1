"""Writes a table of a DuckDB file: append, replace or upsert, all rows visible at once."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from itertools import chain
from typing import Final, Literal

import duckdb
import pyarrow as pa

from osiris.connectors import base
from osiris.connectors._shared.writing import place_of
from osiris.connectors.base import Batches, End, Part, Run, State, Token, Written
from osiris.connectors.duckdb import landing, layout, ledger
from osiris.connectors.duckdb.client import Client
from osiris.connectors.duckdb.fits import restorable
from osiris.connectors.duckdb.layout import Incoming, Layout, Wanted
from osiris.connectors.duckdb.tables import RESERVED, Name, find, listed, quoted, schema_exists
from osiris.errors import InternalError, OsirisError, WriteFailed


class Writer(base.Writer[Client]):
    """The flow's only writer fills the target inside the transaction that commits it; with others beside it, rows wait
    in a staging table of the same file, which outlives the process.

    An upsert always goes through staging (its own, temporary one at least), where the last row of each key wins.
    """

    _layout: Layout | None = None

    def last(self, key: str) -> State | None:
        return ledger.last_state(self.client, key)

    def token(self, schema: pa.Schema, run: Run) -> Token:
        wanted = self._wanted()
        landing.landing_schema(schema)
        wanted.check_keys(schema.names)
        left_as = {field.name: kind for field in schema if restorable(kind := _source_type(field))}
        data = {"stage": f"{RESERVED}stage_{place_of(run)}", "key": run.key, "left_as": left_as}
        return Token(run.id, run.step, self.client.dataset(str(wanted.name)), durable=not run.sole, data=data)

    def foresee(self, token: Token, schema: pa.Schema) -> tuple[str, ...]:
        self.client.check_writable()
        wanted = self._wanted()
        landed = landing.landing_schema(schema)
        if not self.client.path.exists():
            wanted.check_may_make()
            return (f"there is no database file yet: it is made, with the table {wanted.name}",)
        plan = self._plan(self._arriving(token, landed), wanted)
        if plan.drop:
            return (f"{wanted.name} is made anew: its columns or types are others",)
        if plan.make:
            return (f"there is no table {wanted.name} yet: it is made",)
        return (f"{wanted.name} gets new columns: {', '.join(plan.add)}",) if plan.add else ()

    def begin(self, token: Token, schema: pa.Schema) -> None:
        wanted = self._wanted()
        self.client.create()
        self.client.limit_memory(self.workspace.memory_bytes)
        ledger.make(self.client)
        self._make_schema(wanted)
        arriving = self._arriving(token, landing.landing_schema(schema))
        if token.durable:
            self._layout = self._plan(arriving, wanted)
            self.client.rows(f"CREATE OR REPLACE TABLE {_stage(token)} ({_stage_columns(arriving, wanted)})")
            return
        self.client.rows("BEGIN")
        self._layout = self._plan(arriving, wanted)
        for statement in self._layout.prepare():
            self.client.rows(statement)
        if wanted.mode == "upsert":
            self.client.rows(f"CREATE TEMP TABLE {_stage(token)} ({_stage_columns(arriving, wanted)})")

    def write(self, token: Token, batches: Batches) -> Part:
        wanted, stage = self._wanted(), _stage(token)
        plan = self._begun()
        staged = token.durable or wanted.mode == "upsert"
        if token.durable:
            self.client.rows("BEGIN")
        rows = self._load(batches, f"INSERT INTO {stage} SELECT s.* FROM {SOURCE} AS s" if staged else plan.insert(_S))
        superseded = 0
        if wanted.mode == "upsert" and rows:
            groups = f"SELECT 1 FROM {stage} GROUP BY {listed(wanted.keys)}"
            superseded = rows - int(self.client.rows(f"SELECT count(*) FROM ({groups})")[0][0])
        if token.durable:
            self.client.rows("COMMIT")
        elif staged:
            self._move(plan, stage)
        return Part(rows - superseded, superseded=superseded, size_bytes=batches.size_bytes)

    def commit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        done = ledger.committed_rows(self.client, token)
        if done is not None:
            self.abort(token)
            return Written(done)
        rows = sum(part.rows for part in parts)
        try:
            plan = self._publish(token) if token.durable else self._begun()
            ledger.note_commit(self.client, token, rows)
            if state is not None:
                ledger.note_state(self.client, token, token.data["key"], state)
            self.client.rows("COMMIT")
        except (duckdb.Error, OsirisError):
            self.client.rollback()
            if (done := ledger.committed_rows(self.client, token)) is None:
                raise
            return Written(done)
        return Written(rows, plan.notes, plan.warnings)

    def settle(self, token: Token, parts: Sequence[Part]) -> Literal["committed", "not_committed", "unknown"]:
        return "not_committed" if ledger.committed_rows(self.client, token) is None else "committed"

    def abort(self, token: Token) -> None:
        self._layout = None
        self.client.rollback()
        self._drop_stage(token)

    def finish(self, token: Token) -> None:
        self._drop_stage(token)

    def _wanted(self) -> Wanted:
        options = self.options
        return Wanted.of(options, Name.of(options["table"], options.get("schema")))

    def _make_schema(self, wanted: Wanted) -> None:
        """Make the SQL schema of a table that may be made; before the transaction, since two steps would conflict."""
        if wanted.create_if_missing and not schema_exists(self.client, wanted.name.schema):
            self.client.rows(f"CREATE SCHEMA IF NOT EXISTS {quoted(wanted.name.schema)}")

    def _arriving(self, token: Token, schema: pa.Schema) -> list[Incoming]:
        """The columns as DuckDB sees them: it is asked with an empty stream."""
        con = self.client.database
        con.register(SOURCE, pa.RecordBatchReader.from_batches(schema, iter(())))
        types = list(con.sql(f"FROM {SOURCE}").types)
        con.unregister(SOURCE)
        self._schema = schema
        return layout.incoming_columns(schema.names, types, token.data["left_as"])

    def _plan(self, arriving: list[Incoming], wanted: Wanted) -> Layout:
        return layout.plan(self.client.database, arriving, find(self.client, wanted.name), wanted)

    def _begun(self) -> Layout:
        if self._layout is None:
            raise InternalError("nothing was begun, and rows inside an open transaction do not outlive their client")
        return self._layout

    def _load(self, batches: Batches, insert: str) -> int:
        """Run `insert` once over the whole stream, as relation s; no statement at all for a stream without rows."""
        schema = self._schema
        if self._wanted().mode == "upsert":
            schema = pa.schema([pa.field(landing.ROW, pa.int64()), *schema])
        arriving = Batches(schema, self._landing(batches), name=batches.name, first_error=batches.first_error)
        source = iter(arriving)
        first = next(source, None)
        if first is None:
            return 0
        con = self.client.database
        con.register(SOURCE, pa.RecordBatchReader.from_batches(schema, chain([first], source)))
        try:
            inserted = self.client.rows(insert)[0][0]
        except Exception:
            self.client.rollback()
            with contextlib.suppress(duckdb.Error):
                con.unregister(SOURCE)
            batches.first_error.raise_if_any()
            raise
        con.unregister(SOURCE)
        if inserted != arriving.rows or arriving.end is None:
            raise WriteFailed(f"DuckDB took {inserted} of {arriving.rows} rows", code="write.count")
        return arriving.rows

    def _landing(self, batches: Batches) -> Generator[pa.RecordBatch, None, End]:
        wanted, plan = self._wanted(), self._begun()
        places = [self._schema.names.index(name) for name in plan.not_null]
        reason = "which is part of the key" if wanted.mode == "upsert" else "but the table takes no null there"
        rows = 0
        for batch in batches:
            self.client.raise_if_interrupted()
            if not batch.num_rows:
                continue
            landing.refuse_nulls(batch, places, reason, rows)
            landed = landing.landed(batch, self._schema, rows)
            yield landing.numbered(landed, rows) if wanted.mode == "upsert" else landed
            rows += batch.num_rows
        return End(rows)

    def _publish(self, token: Token) -> Layout:
        """In a new transaction, move the rows from durable staging into the target."""
        wanted, stage = self._wanted(), _stage(token)
        self.client.rows("BEGIN")
        staged = find(self.client, Name("main", token.data["stage"]))
        if staged is None:
            raise WriteFailed(f"the staging of {token.commit_id} is gone", code="write.no_staging")
        con = self.client.database
        columns = [column for column in staged.columns if column.name != landing.ROW]
        names, types = [c.name for c in columns], [con.sqltype(c.type) for c in columns]
        plan = self._plan(layout.incoming_columns(names, types, token.data["left_as"]), wanted)
        for statement in plan.prepare():
            self.client.rows(statement)
        self._move(plan, stage)
        return plan

    def _move(self, plan: Layout, stage: str) -> None:
        if self.client.rows(f"SELECT 1 FROM {stage} LIMIT 1"):
            self.client.rows(plan.upsert(stage) if plan.wanted.mode == "upsert" else plan.insert(f"{stage} AS s"))
        self.client.rows(f"DROP TABLE {stage}")

    def _drop_stage(self, token: Token) -> None:
        if self.client.is_open and token.durable:
            self.client.rows(f"DROP TABLE IF EXISTS {_stage(token)}")


def _stage(token: Token) -> str:
    return f"{'main' if token.durable else 'temp'}.{quoted(token.data['stage'])}"


def _stage_columns(arriving: list[Incoming], wanted: Wanted) -> str:
    columns = [f"{quoted(landing.ROW)} BIGINT"] if wanted.mode == "upsert" else []
    return ", ".join([*columns, *(f"{quoted(column.name)} {column.type}" for column in arriving)])


def _source_type(field: pa.Field) -> str:
    return str((field.metadata or {}).get(b"osiris.type", b"").decode(errors="replace"))


SOURCE: Final = f"{RESERVED}source"
_S: Final = f"{SOURCE} AS s"
