"""The SELECT of a read: from a table, or around a user's query; and what is known of its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa
from pymysql.constants import FIELD_TYPE, FLAG

from osiris.connectors.base import Options
from osiris.connectors.mysql import tables
from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.columns import Column, Policy, field_of
from osiris.connectors.mysql.link import Columns
from osiris.connectors.mysql.names import Name, quoted
from osiris.connectors.mysql.query import Query, condition_of
from osiris.connectors.mysql.tables import Table, TableColumn
from osiris.errors import ConfigError, did_you_mean


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options ask of the rows, whatever they come from."""

    columns: tuple[str, ...]
    where: str | None
    order_by: tuple[str, ...]
    limit: int | None
    offset: int | None

    @classmethod
    def of(cls, options: Options) -> Wanted:
        """Raises ConfigError for a condition that is more than one."""
        where = options.get("where")
        return cls(
            tuple(options.get("columns", ())),
            None if where is None else condition_of(where),
            tuple(options.get("order_by", ())),
            options.get("limit"),
            options.get("offset"),
        )

    @property
    def cut(self) -> str:
        """LIMIT and OFFSET."""
        if self.limit is None and self.offset is None:
            return ""
        return f" LIMIT {_ALL if self.limit is None else self.limit} OFFSET {self.offset or 0}"

    def order(self, names: Sequence[str], owner: str) -> str:
        """ORDER BY, its columns looked up in `names` of `owner`."""
        parts = []
        for text in self.order_by:
            found = re.fullmatch(r"(.+?)(?:\s+(asc|desc))?\s*", text.strip(), re.IGNORECASE | re.DOTALL)
            name, direction = (text, None) if text in names or found is None else found.groups()
            parts.append(f"{quoted(named(name, names, owner))} {(direction or 'asc').upper()}")
        return f" ORDER BY {', '.join(parts)}" if parts else ""


@dataclass(frozen=True, slots=True)
class Selection:
    """A SELECT. `known` has, for each of its columns in turn, what information_schema says of it, None: nothing.

    `primary_key` names the columns of a table's key; None for a query, whose rows may have another.
    """

    sql: str
    known: tuple[TableColumn | None, ...]
    primary_key: tuple[str, ...] | None = None

    def columns(self, packets: Columns) -> tuple[Column, ...]:
        """The columns of its result, given their definitions."""
        known = (*self.known, *[None] * (len(packets) - len(self.known)))
        return tuple(self._column(Column.of(packet), about) for packet, about in zip(packets, known, strict=True))

    def schema(self, packets: Columns, policy: Policy) -> pa.Schema:
        return pa.schema([field_of(column, policy) for column in self.columns(packets)])

    def _column(self, column: Column, about: TableColumn | None) -> Column:
        if about is None:
            return column
        if self.primary_key is None:
            return replace(column, declared=about.type)
        flags = column.flags if about.nullable else column.flags | FLAG.NOT_NULL
        return replace(column, declared=about.type, primary_key=about.name in self.primary_key, flags=flags)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table that are asked for, before they are put in order or cut."""

    table: Table
    columns: tuple[TableColumn, ...]
    where: str | None

    @classmethod
    def of(cls, table: Table, wanted: Wanted) -> Rows:
        """Raises ConfigError, with "did you mean", for a column that is not there."""
        found = [table.column(name) for name in wanted.columns] or [c for c in table.columns if not c.hidden]
        distinct([column.name for column in found], f"columns of {table.name}")
        return cls(table, tuple(found), wanted.where)

    def select(self, *conditions: str, tail: str = "", more: Sequence[str] = (), index: str = "") -> Selection:
        """The SELECT under further conditions, with `more` expressions behind its columns, through one `index`."""
        expressions = [*map(_expression, self.columns), *more]
        hint = f" FORCE INDEX ({quoted(index)})" if index else ""
        where = [*([f"({self.where})"] if self.where else []), *conditions]
        found = f" WHERE {' AND '.join(where)}" if where else ""
        sql = f"SELECT {', '.join(expressions)} FROM {self.table.name.sql}{hint}{found}{tail}"
        return Selection(sql, self.columns, self.table.primary_key)


def of_table(table: Table, wanted: Wanted) -> Selection:
    """All that is asked of a table, in one SELECT."""
    names = [column.name for column in table.columns]
    order = wanted.order(names, f"the table {table.name}").replace(" ORDER BY ", f" ORDER BY {table.name.sql}.", 1)
    return Rows.of(table, wanted).select(tail=order + wanted.cut)


def of_query(client: Client, query: Query, wanted: Wanted) -> Selection:
    """The query as it is, cut if wanted; columns, where and order_by stand around it.

    Asks the server for the query's columns. Raises ConfigError for columns that it does not have, and where its order
    or its own LIMIT would be lost.
    """
    packets = header(client, query.sql)
    known = _looked_up(client, packets, query.aliases)
    if not (wanted.columns or wanted.where or wanted.order_by):
        if wanted.cut and query.has_limit:
            raise ConfigError(
                "the query has a LIMIT of its own, and limit or offset would be a second one",
                code="query.limit",
                hint="write it into the query",
            )
        return Selection(query.sql + wanted.cut, known)
    if query.has_order and not query.has_limit and not wanted.order_by:
        raise ConfigError(
            "the query's ORDER BY would be lost: columns and where stand around it",
            code="query.order",
            hint="write them into the query, or give the order with order_by",
        )
    names = [packet.name for packet in packets]
    distinct(names, "the query")
    chosen = [named(name, names, "the query") for name in wanted.columns] or names
    distinct(chosen, "columns of the query")
    where = f" WHERE ({wanted.where})" if wanted.where else ""
    tail = where + wanted.order(names, "the query") + wanted.cut
    about = dict(zip(names, known, strict=True))
    sql = f"SELECT {', '.join(map(quoted, chosen))} FROM ({query.sql}) AS q{tail}"
    return Selection(sql, tuple(about[name] for name in chosen))


def header(client: Client, sql: str) -> Columns:
    """The columns that a statement would give; it is not run."""
    prepared = client.prepare(sql)
    client.close_prepared(prepared)
    return prepared.columns


def named(name: str, names: Sequence[str], owner: str) -> str:
    """`name` as `names` spell it: case does not count. Raises ConfigError with "did you mean"."""
    for known in names:
        if known.casefold() == name.casefold():
            return known
    hint = did_you_mean(name, list(names)) or f"columns: {', '.join(names[:30])}"
    raise ConfigError(f"{owner} has no column {name!r}", code="column.missing", hint=hint)


def distinct(names: Sequence[str], owner: str) -> None:
    """Raises ConfigError for two columns that are one name to MySQL."""
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(name.casefold(), name)) is not name or names.count(name) > 1:
            raise ConfigError(
                f"{owner}: two columns are one name to MySQL: {other!r} and {name!r}",
                code="query.duplicate_column",
                hint="name them apart: SELECT a.id AS a_id, b.id AS b_id",
            )


def _looked_up(client: Client, packets: Columns, aliases: frozenset[str]) -> tuple[TableColumn | None, ...]:
    """What information_schema says of those columns that come straight from a table."""
    places = [(packet.db.decode(), packet.org_table, packet.org_name) for packet in packets]
    # the server gives the alias of a view for its name: that may be the name of another table
    known = {
        (schema, table): tables.columns(client, Name(schema, table))
        for schema, table, column in places
        if schema and table and column and packet_is_text(packets) and table not in aliases
    }
    found = []
    for schema, table, column in places:
        columns = known.get((schema, table), ())
        found.append(next((about for about in columns if about.name == column), None))
    return tuple(found)


def _expression(column: TableColumn) -> str:
    """How a column is read: FLOAT as the DOUBLE of the same value, since the server rounds FLOAT where it writes it."""
    name = quoted(column.name)
    return f"CAST({name} AS DOUBLE) AS {name}" if column.word == "float" else name


_ALL: Final = 2**64 - 1
