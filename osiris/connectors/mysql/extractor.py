"""Reads a table, a view or a query of a MySQL or MariaDB server."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import pyarrow as pa
from pymysql.err import MySQLError

from osiris.connectors import base
from osiris.connectors.base import Dataset, End, ReadPlan, Split, State
from osiris.connectors.mysql import keys, reading, selection
from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.columns import Policy, ZeroDates, field_of
from osiris.connectors.mysql.failures import READ_ONLY, number_of
from osiris.connectors.mysql.keys import Values
from osiris.connectors.mysql.keyset import Pages, Reader
from osiris.connectors.mysql.names import Name
from osiris.connectors.mysql.reading import Form
from osiris.connectors.mysql.selection import Rows, Selection, Wanted
from osiris.connectors.mysql.splits import Ranges
from osiris.connectors.mysql.tables import Table, find
from osiris.errors import ConfigError
from osiris.stream import EXHAUSTED

log = logging.getLogger(__name__)
PAGE_ROWS: Final = 100_000
SNAPSHOTS: Final = ("InnoDB", "ROCKSDB", "TokuDB")
"""The engines that keep what a row was for a transaction that began before it was changed."""


class Extractor(base.Extractor[Client]):
    """One SELECT in a snapshot, or a table page by page (`read_mode: keyset`), in splits and past lost connections."""

    def schema(self) -> pa.Schema:
        with self._telling():
            return self._schema(self._pages(self._table()).rows.select() if self._by_key else self._selection())

    def dataset(self) -> Dataset:
        if self.options.get("query") is not None:
            return replace(self.client.dataset(Name("", "")), name="query")
        return self.client.dataset(self._name())

    def estimated_rows(self) -> int | None:
        """The server's own figure, or what it expects of a condition; nobody knows of a view or a query."""
        if self.options.get("query") is not None:
            return None
        with self._telling():
            table = self._table()
            return self._estimated(table, selection.of_table(table, Wanted.of(self.options)))

    def plan(self, wanted: int, since: State | None) -> ReadPlan:
        with self._telling():
            return self._plan_pages(wanted) if self._by_key else self._plan_snapshot()

    def read(self, split: Split) -> Generator[pa.RecordBatch, None, End]:
        with self._telling():
            return (yield from (self._read_pages(split) if self._by_key else self._read_snapshot()))

    def _plan_snapshot(self) -> ReadPlan:
        if self.options.get("query") is not None:
            chosen, estimated = self._selection(), None
            why = "a query is read in one piece, in one snapshot"
        else:
            table = self._table()
            chosen = selection.of_table(table, Wanted.of(self.options))
            estimated = self._estimated(table, chosen)
            why = "a snapshot belongs to one connection; read_mode: keyset reads in splits"
            if table.engine is not None and table.engine not in SNAPSHOTS:
                log.warning(
                    "%s has no snapshots (%s): changes made while it is read are seen", table.name, table.engine
                )
        schema = self._schema(chosen)
        return ReadPlan(schema, (Split(0),), (self.dataset(),), why_one_split=why, estimated_rows=estimated)

    def _plan_pages(self, wanted: int) -> ReadPlan:
        table = self._table()
        pages = self._pages(table)
        chosen = pages.rows.select()
        limited = self.options.get("limit") is not None
        most = 1 if limited else min(wanted, self.options.get("splits", wanted))
        ends = Ranges(self.client, table, pages.index, pages.key).cut(most)
        why = "the table's key cannot be cut any further" if most > 1 else "one was wanted"
        ranges = enumerate(zip((None, *ends[:-1]), ends, strict=True) if ends else [(None, None)])
        return ReadPlan(
            self._schema(chosen),
            tuple(Split(number, {"after": _plain(start), "upto": _plain(end)}) for number, (start, end) in ranges),
            (self.dataset(),),
            why_one_split=None if len(ends) > 1 else "limit counts over all rows" if limited else why,
            estimated_rows=self._estimated(table, chosen),
        )

    def _read_snapshot(self) -> Generator[pa.RecordBatch, None, End]:
        chosen, form, limit, rows = self._selection(), self._form(), self.options.get("limit"), 0
        self.client.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.client.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        decoder = reading.begin(self.client, chosen, form)
        for batch in reading.received(self.client, decoder, form):
            rows += batch.num_rows
            yield batch
        self.client.execute("COMMIT")
        return End(rows, "limit" if rows == limit else EXHAUSTED, dict(decoder.counts))

    def _read_pages(self, split: Split) -> Generator[pa.RecordBatch, None, End]:
        start, end = split.data["after"], split.data["upto"]
        if end is None:  # the table was empty when the read was planned
            return End(0)
        limit = self.options.get("limit")
        reader = Reader(self.client, self._pages(self._table()), start and tuple(start), tuple(end), limit)
        return (yield from reader.read())

    @property
    def _by_key(self) -> bool:
        return bool(self.options.get("read_mode") == "keyset")

    def _name(self) -> Name:
        table = self.options.get("table")
        if table is None:
            raise ConfigError("mysql.extractor needs table or query", code="option.missing")
        return Name.of(table, self.options.get("schema"), self.client.database)

    def _table(self) -> Table:
        return find(self.client, self._name())

    def _selection(self) -> Selection:
        """The whole read as one SELECT."""
        query, wanted = self.options.get("query"), Wanted.of(self.options)
        if query is None:
            return selection.of_table(self._table(), wanted)
        from osiris.connectors.mysql.query import select_of  # whole tables are read without sqlglot

        return selection.of_query(self.client, select_of(query), wanted)

    def _pages(self, table: Table) -> Pages:
        index, columns = keys.chosen(table, self.options.get("split_by"))
        rows = Rows.of(table, Wanted.of(self.options))
        return Pages(rows, index, columns, self.options.get("page_rows", PAGE_ROWS), self._form())

    def _form(self) -> Form:
        return Form.of(self._policy(), self.workspace.memory_bytes, self.options.get("batch_rows"))

    def _policy(self) -> Policy:
        try:
            given = self.options["zero_dates"]
        except KeyError:
            given = "error"
        # in YAML an unquoted null is no text, but None
        zero_dates: ZeroDates = "null" if given is None else given
        return Policy(bool(self.options.get("tinyint1_as_bool", False)), zero_dates)

    def _schema(self, chosen: Selection) -> pa.Schema:
        if chosen.of_table and not self.options.get("columns"):
            # information_schema leaves out the columns that this user may not read; the server refuses them
            selection.header(self.client, f"SELECT * FROM {self._name().sql}")
        columns = chosen.columns(selection.header(self.client, chosen.sql))
        return pa.schema([field_of(column, self._policy()) for column in columns])

    def _estimated(self, table: Table, chosen: Selection) -> int | None:
        """About how many rows, without counting them; a view shows how many only when it is read."""
        rows = table.rows
        if rows is not None and self.options.get("where") is not None:
            rows = selection.estimated(self.client, chosen.sql)
        if rows is None:
            return None
        rows = max(0, rows - int(self.options.get("offset", 0)))
        return min(rows, int(self.options.get("limit", rows)))

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Says of what is wrong with the SQL in which text it is."""
        try:
            yield
        except MySQLError as error:
            known = self.client.classify(error)
            if number_of(error) == READ_ONLY:
                known = ConfigError("it writes, but a read may not", code="query.not_select")
            if isinstance(known, ConfigError):
                what = "the query" if self.options.get("query") is not None else f"the table {self._name()}"
                known.message = f"{what}: {known.message}"
                known.args = (known.message,)
            raise known from error


def _plain(values: Values | None) -> list[str] | None:
    """As JSON has it."""
    return None if values is None else list(values)
