"""`Extractor`: a table, a view or a query of PostgreSQL by COPY, in one snapshot however many connections read it."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, TypeVar

import psycopg
import pyarrow as pa

from osiris.connectors import base
from osiris.connectors._shared.postgres import selection, splits
from osiris.connectors._shared.postgres.channel import SNAPSHOT, Channel
from osiris.connectors._shared.postgres.columns import Policy
from osiris.connectors._shared.postgres.decode import BATCH_ROWS, Decoder
from osiris.connectors._shared.postgres.kinds import Reading, Specials
from osiris.connectors._shared.postgres.names import Name
from osiris.connectors._shared.postgres.selection import Selection, Wanted
from osiris.connectors._shared.postgres.tables import Table, find
from osiris.connectors.base import Dataset, End, ReadPlan, Split, State
from osiris.errors import Busy, ConfigError
from osiris.stream import EXHAUSTED

log = logging.getLogger(__name__)
C = TypeVar("C", bound=Channel)
CHUNK_BYTES: Final = 4 * 1024 * 1024
LEAST_BYTES: Final = 64 * 1024
SHARE: Final = 16
"""Which part of the memory a chunk may take: beside it there are the batch made of it, and what decoding needs."""


class Extractor(base.Extractor[C]):
    """A family's extractor is this one with its own client. The session that plans several splits holds their snapshot
    open until the last of them is read."""

    _exported: str | None = None
    """The snapshot that this instance's own transaction holds."""

    def schema(self) -> pa.Schema:
        with self._transaction():
            return self._schema(self._selection())

    def dataset(self) -> Dataset:
        if self.options.get("query") is not None:
            return replace(self.client.dataset(Name("", "")), name="query")
        return self.client.dataset(self._name())

    def plan(self, wanted: int, since: State | None) -> ReadPlan:
        with self._transaction(keep=True):
            table = None if self.options.get("query") is not None else find(self.client, self._name())
            chosen = self._selection(table)
            self._warn_of_policies(table.oid if table else None, *chosen.tables)
            conditions = self._conditions(table, chosen, wanted)
            parts: tuple[Split, ...] = (Split(0),)
            if not isinstance(conditions, str):
                ((self._exported,),) = self.client.rows("SELECT pg_catalog.pg_export_snapshot()")
                data = ({"snapshot": self._exported, "condition": condition} for condition in conditions)
                parts = tuple(Split(number, part) for number, part in enumerate(data))
            plan = ReadPlan(
                self._schema(chosen),
                parts,
                (self.dataset(),),
                why_one_split=conditions if isinstance(conditions, str) else None,
                estimated_rows=self._estimated(table, chosen),
            )
        if len(parts) == 1:
            self.client.rollback()
        return plan

    def read(self, split: Split) -> Generator[pa.RecordBatch, None, End]:
        snapshot, condition = split.data.get("snapshot"), split.data.get("condition")
        is_held = snapshot is not None and snapshot == self._exported
        with self._telling():
            if not is_held:
                self._begin(snapshot)
            chosen = self._selection()
            policy, reading = self._policy(chosen), Reading(self._specials)
            kinds = [column.kind(policy) for column in chosen.columns]
            decoder = Decoder(self._schema(chosen), kinds, reading)
            sql = chosen.sql(policy, *([condition] if condition else []))
            most_rows = self.options.get("batch_rows", BATCH_ROWS)
            chunk_bytes = self._chunk_bytes if condition is None else self._chunk_bytes // 2  # others read beside it
            for rows in self.client.copy_out(f"COPY (\n{sql}\n) TO STDOUT (FORMAT BINARY)", chunk_bytes):
                yield from decoder.received(rows, most_rows)
            decoder.finish()
            if not is_held:
                self.client.rollback()  # what a function of the query has set for the session goes with it
        count = decoder.rows
        return End(count, "limit" if count == self.options.get("limit") else EXHAUSTED, dict(reading.counts))

    @property
    def _chunk_bytes(self) -> int:
        return max(LEAST_BYTES, min(CHUNK_BYTES, self.workspace.memory_bytes // SHARE))

    @property
    def _specials(self) -> Specials:
        try:
            given: Specials | None = self.options["special_values"]
        except KeyError:
            given = "error"
        # in YAML an unquoted null is no text, but None
        return "null" if given is None else given

    def _name(self) -> Name:
        table = self.options.get("table")
        if table is None:
            raise ConfigError(f"{self.client.connection.family}.extractor needs table or query", code="option.missing")
        return Name.of(table, None, self.client.schema)

    def _warn_of_policies(self, *oids: int | None) -> None:
        for schema, table in self.client.rows(_BOUND, ([oid for oid in oids if oid],)):
            name = Name(schema, table)
            log.warning("%s has row level security: policies say which of its rows this user sees", name)

    def _selection(self, table: Table | None = None) -> Selection:
        """The whole read as one SELECT. For transactions only."""
        query, wanted = self.options.get("query"), Wanted.of(self.options)
        if query is not None:
            return selection.of_query(self.client, query, wanted)
        return selection.of_table(self.client, table or find(self.client, self._name()), wanted)

    def _policy(self, chosen: Selection) -> Policy:
        lists = self.options.get("arrays", "string") == "list"
        policy = Policy.of(self._specials, self.options.get("dtypes", {}), lists=lists)
        selection.places(list(policy.decimals), [column.name for column in chosen.columns], "dtypes: the read")
        if any(column.type.name == "money" for column in chosen.columns):
            ((cents,),) = self.client.rows("SELECT pg_catalog.scale('1'::pg_catalog.money::pg_catalog.numeric)")
            policy = replace(policy, cents=cents)
        return policy

    def _schema(self, chosen: Selection) -> pa.Schema:
        policy = self._policy(chosen)
        return pa.schema([column.field(policy) for column in chosen.columns])

    def _conditions(self, table: Table | None, chosen: Selection, wanted: int) -> tuple[str, ...] | str:
        """What cuts the read into parts, or why it is one."""
        if table is None:
            return "a query is read in one piece"
        if Wanted.of(self.options).is_one_piece:
            return "order_by, limit and offset are about all rows together"
        most = min(wanted, self.options.get("splits", wanted))
        column = self.options.get("split_by")
        if most < 2:
            return "one was wanted"
        if column is None:
            return splits.by_pages(self.client, table, most)
        where = f" WHERE {' AND '.join(chosen.where)}" if chosen.where else ""
        return splits.by_column(self.client, chosen.source + where, table.column(column), most)

    def _estimated(self, table: Table | None, chosen: Selection) -> int | None:
        """About how many rows, without counting them."""
        limit, rows = self.options.get("limit"), table.rows if table else None
        if rows is not None and chosen.where:
            ((plan,),) = self.client.rows(f"EXPLAIN (FORMAT JSON) {chosen.sql(self._policy(chosen))}")
            rows = int(plan[0]["Plan"]["Plan Rows"])
        return min(rows, limit) if rows is not None and limit is not None else rows

    def _begin(self, snapshot: str | None = None) -> None:
        self._exported = None
        self.client.rollback()
        try:
            self.client.begin(SNAPSHOT, snapshot)
        except (psycopg.errors.InvalidParameterValue, psycopg.errors.UndefinedObject) as error:
            raise Busy(
                "the snapshot of the read is gone: the session that held it has ended",
                code="snapshot.gone",
                hint="run again",
            ) from error

    @contextmanager
    def _transaction(self, *, keep: bool = False) -> Iterator[None]:
        """In a snapshot of its own, which is left open only if it is to be kept and nothing failed."""
        with self._telling():
            self._begin()
            try:
                yield
            except BaseException:
                self.client.rollback()
                raise
            if not keep:
                self.client.rollback()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Says of what is wrong with the SQL in which text it is."""
        try:
            yield
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise ConfigError(f"{self._what}: it writes, but a read may not", code="query.not_select") from error
        except psycopg.Error as error:
            known = self.client.classify(error)
            if isinstance(known, ConfigError):
                known.message = f"{self._what}: {known.message}"
                known.args = (known.message,)
            raise known from error

    @property
    def _what(self) -> str:
        return "the query" if self.options.get("query") is not None else f"the table {self._name()}"


_BOUND: Final = """
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY(%s::oid[]) AND pg_catalog.row_security_active(c.oid) ORDER BY 1, 2
"""
