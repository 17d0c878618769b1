"""The SELECT of a read: from a table, or around a user's query; and what is known of its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pymysql.constants import FLAG

from osiris.connectors._shared.names import alike
from osiris.connectors.base import Options
from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.columns import Column
from osiris.connectors.mysql.names import Name, folded, quoted
from osiris.connectors.mysql.tables import Table, TableColumn, columns_of
from osiris.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from osiris.connectors.mysql.query import Query


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
        if where is not None:
            from osiris.connectors.mysql.query import condition_of  # whole tables are read without sqlglot

            where = condition_of(where)
        return cls(
            tuple(options.get("columns", ())),
            where,
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

    def order(self, names: Sequence[str], owner: str, source: str) -> str:
        """ORDER BY, its columns looked up in `names` of `owner`; `source` is the table's name in SQL."""
        parts = []
        for text in self.order_by:
            found = re.fullmatch(r"(.+?)(?:\s+(asc|desc))?", text.strip(), re.IGNORECASE | re.DOTALL)
            name, direction = (text, None) if text in names or found is None else found.groups()
            (column,) = picked([name], names, owner)
            parts.append(f"{source}.{quoted(column)} {(direction or 'asc').upper()}")
        return f" ORDER BY {', '.join(parts)}" if parts else ""


@dataclass(frozen=True, slots=True)
class Selection:
    """A SELECT. `known` has, for each of its columns in turn, what information_schema says of it, None: nothing.

    `primary_key` names the columns of a table's key; None for a query, whose rows may have another.
    """

    sql: str
    known: tuple[TableColumn | None, ...]
    primary_key: tuple[str, ...] | None = None

    @property
    def of_table(self) -> bool:
        return self.primary_key is not None

    def columns(self, given: Sequence[Column]) -> tuple[Column, ...]:
        """The columns of its result, as the server gives them, with what is known of them."""
        known = (*self.known, *[None] * (len(given) - len(self.known)))
        return tuple(self._column(column, about) for column, about in zip(given, known, strict=True))

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
        shown = [column.name for column in table.columns if not column.hidden]
        known = {column.name: column for column in table.columns}
        chosen = picked(wanted.columns, list(known), f"the table {table.name}") or shown
        return cls(table, tuple(known[name] for name in chosen), wanted.where)

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
    order = wanted.order(names, f"the table {table.name}", table.name.sql)
    return Rows.of(table, wanted).select(tail=order + wanted.cut)


def of_query(client: Client, query: Query, wanted: Wanted) -> Selection:
    """The query as it is, cut if wanted; columns, where and order_by stand around it.

    Asks the server for the query's columns. Raises ConfigError for columns that it does not have, and where its order
    or its own LIMIT would be lost.
    """
    given = header(client, query.sql)
    known = _looked_up(client, given, query.aliases)
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
    names = [column.name for column in given]
    distinct(names, "the query")
    chosen = picked(wanted.columns, names, "the query") or names
    where = f" WHERE ({wanted.where})" if wanted.where else ""
    tail = where + wanted.order(names, "the query", "q") + wanted.cut
    about = dict(zip(names, known, strict=True))
    sql = f"SELECT {', '.join(map(quoted, chosen))} FROM ({query.sql}) AS q{tail}"
    return Selection(sql, tuple(about[name] for name in chosen))


def header(client: Client, sql: str) -> tuple[Column, ...]:
    """The columns that a statement would give; it is not run."""
    prepared = client.prepare(sql)
    client.close_prepared(prepared)
    return prepared.columns


def estimated(client: Client, sql: str) -> int | None:
    """About how many rows the server will look at for a SELECT, without reading them; None when it does not know."""
    plan = client.rows(f"EXPLAIN FORMAT=TRADITIONAL {sql}")
    # … rows, Extra on MariaDB; … rows, filtered, Extra on MySQL
    rows = plan[0][-2 if client.flavour == "mariadb" else -3]
    return None if rows is None else int(rows)


def picked(wanted: Sequence[str], names: Sequence[str], owner: str) -> list[str]:
    """`wanted` as `names` of `owner` spell them: case does not count. Raises ConfigError for one that is not there,
    with "did you mean", and for one that is named twice."""
    known = {folded(name): name for name in names}
    for name in wanted:
        if folded(name) not in known:
            hint = did_you_mean(name, list(names)) or f"columns: {', '.join(names[:30])}"
            raise ConfigError(f"{owner} has no column {name!r}", code="column.missing", hint=hint)
    found = [known[folded(name)] for name in wanted]
    distinct(found, f"columns of {owner}")
    return found


def distinct(names: Sequence[str], owner: str) -> None:
    """Raises ConfigError for two columns that are one name to MySQL."""
    if (pair := alike(names, folded)) is not None:
        raise ConfigError(
            f"{owner}: two columns are one name to MySQL: {pair}",
            code="query.duplicate_column",
            hint="name them apart: SELECT a.id AS a_id, b.id AS b_id",
        )


def _looked_up(client: Client, given: Sequence[Column], aliases: frozenset[str]) -> tuple[TableColumn | None, ...]:
    """What information_schema says of those columns that come straight from a table."""
    places = {(column.org_schema, column.org_table) for column in given if column.org_name}
    # the server gives the alias of a view for its name: that may be the name of another table
    known = {
        (schema, table): {about.name: about for about in columns_of(client, Name(schema, table))}
        for schema, table in sorted(places)
        if schema and table and table not in aliases
    }
    return tuple(known.get((column.org_schema, column.org_table), {}).get(column.org_name) for column in given)


def _expression(column: TableColumn) -> str:
    """How a column is read: FLOAT and DOUBLE(M,D) as plain DOUBLE, since the server rounds them in its text."""
    name = quoted(column.name)
    is_rounded = column.word == "float" or column.type.lower().startswith("double(")
    return f"CAST({name} AS DOUBLE) AS {name}" if is_rounded else name


_ALL: Final = 2**64 - 1
