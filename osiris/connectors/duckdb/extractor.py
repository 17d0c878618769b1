"""Reads a table, a view or a query of a DuckDB file."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TYPE_CHECKING

import pyarrow as pa

from osiris.connectors import base
from osiris.connectors.base import Dataset, End, Split
from osiris.connectors.duckdb import reading, sandbox
from osiris.connectors.duckdb.client import Client
from osiris.connectors.duckdb.reading import Selection, Source
from osiris.connectors.duckdb.tables import Name, Table, find, quoted
from osiris.errors import ConfigError, NotFound, did_you_mean
from osiris.stream import EXHAUSTED

if TYPE_CHECKING:
    import duckdb


class Extractor(base.Extractor[Client]):
    """One SELECT, in one read-only transaction: a snapshot, whatever else writes to the file meanwhile.

    It is one split, since DuckDB reads one query with all its threads, and handles share no snapshot.
    """

    def schema(self) -> pa.Schema:
        with self.client.reading() as con:
            return self._selection(con).schema

    def dataset(self) -> Dataset:
        if self.options.get("query") is not None:
            return self.client.dataset("query")
        return self.client.dataset(str(self._name()))

    def estimated_rows(self) -> int | None:
        """DuckDB's own figure for the table; of a view, a query or a part of the table nobody knows."""
        options = self.options
        if options.get("query") is not None or options.get("where") is not None:
            return None
        table = self._table()
        if table.is_view:
            return None
        sql = (
            "SELECT estimated_size FROM duckdb_tables() "
            "WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2"
        )
        ((size,),) = self.client.rows(sql, [table.name.schema, table.name.table])
        rows = max(0, int(size) - int(options.get("offset", 0)))
        return min(rows, int(options.get("limit", rows)))

    def read(self, split: Split) -> Generator[pa.RecordBatch, None, End]:
        limit = self.options.get("limit")
        rows = 0
        self.client.limit_memory(self.workspace.memory_bytes)
        with self.client.reading() as con:
            chosen = self._selection(con)
            try:
                for batch in reading.stream(self.client.keep(reading.started(con, chosen)), chosen):
                    rows += batch.num_rows
                    yield batch
                    self.client.raise_if_interrupted()
            except Exception as error:
                raise reading.failed(error, chosen, self._called()) from error
        return End(rows, "limit" if limit is not None and rows == limit else EXHAUSTED)

    def _called(self) -> str:
        """What messages call the thing that is read."""
        return "the query" if self.options.get("query") is not None else f"the table {self._name()}"

    def _name(self) -> Name:
        table = self.options.get("table")
        if table is None:
            raise ConfigError("duckdb.extractor needs table or query", code="option.missing")
        return Name.of(table, self.options.get("schema"))

    def _selection(self, con: duckdb.DuckDBPyConnection) -> Selection:
        query = self.options.get("query")
        if query is None:
            table = self._table()
            source = Source(f"FROM {table.name.sql}", self._called(), _facts(table))
        else:
            source = Source(sandbox.select_of(con, query, self._called()), self._called())
        return reading.selection(con, source, self.options.get("columns"), self._tail(con))

    def _table(self) -> Table:
        name = self._name()
        found = find(self.client, name)
        if found is None:
            known = [table for _, table in self.client.rows(_NAMES)]
            raise NotFound(
                f"there is no table {name} in {self.client.path}",
                code="table.missing",
                hint=did_you_mean(name.table, known) or "run osiris discover to see what there is",
            )
        return found

    def _tail(self, con: duckdb.DuckDBPyConnection) -> str:
        """WHERE, ORDER BY, LIMIT and OFFSET."""
        parts = []
        where = self.options.get("where")
        if where is not None:
            where = sandbox.predicate_of(con, where, "where")
            parts.append(f"WHERE (\n{where}\n)")
        if self.options.get("order_by") is not None:
            parts.append(f"ORDER BY {', '.join(map(_ordering, self.options['order_by']))}")
        for word in ("limit", "offset"):
            number = self.options.get(word)
            if number is not None:
                parts.append(f"{word.upper()} {int(number)}")
        return "\n" + "\n".join(parts) if parts else ""


def _facts(table: Table) -> dict[str, dict[str, str]]:
    """What the catalog knows of each column beyond its type, as field metadata."""
    flags = {False: "false", True: "true"}
    return {
        column.name: {"osiris.nullable": flags[column.nullable], "osiris.primary_key": flags[column.primary_key]}
        for column in table.columns
    }


def _ordering(text: str) -> str:
    """`column`, `column asc` or `column desc`, the column quoted."""
    found = re.fullmatch(r"(.+?)(?:\s+(asc|desc))?", text.strip(), re.IGNORECASE)
    if found is None:
        raise ConfigError(f"order_by: {text!r} names no column", code="option.value")
    return f"q.{quoted(found.group(1))} {(found.group(2) or 'asc').upper()}"


_NAMES = (
    "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() UNION ALL "
    "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = current_database() AND NOT internal"
)
