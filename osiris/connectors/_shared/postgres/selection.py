"""The SELECT of a read: from a table, or around a user's query. The server itself says whether a text is one query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg

from osiris.connectors._shared.names import alike
from osiris.connectors._shared.postgres.channel import Channel
from osiris.connectors._shared.postgres.columns import Column, Policy
from osiris.connectors._shared.postgres.names import quoted
from osiris.connectors._shared.postgres.tables import Table
from osiris.connectors._shared.postgres.types import types_of
from osiris.connectors.base import Options
from osiris.errors import ConfigError, did_you_mean

READING: Final = "a SELECT, WITH, VALUES or TABLE"


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
        return cls(
            tuple(options.get("columns", ())),
            options.get("where"),
            tuple(options.get("order_by", ())),
            options.get("limit"),
            options.get("offset"),
        )

    @property
    def is_one_piece(self) -> bool:
        """Whether it is about all rows together, so that they cannot be read in parts."""
        return bool(self.order_by) or self.limit is not None or self.offset is not None

    def tail(self, names: Sequence[str], owner: str, given: Sequence[str] | None = None) -> str:
        """ORDER BY, LIMIT and OFFSET. Columns are looked up in `names` of `owner`; `given` is what SQL calls them."""
        parts = []
        for text in self.order_by:
            found = re.fullmatch(r"(.+?)(?:\s+(asc|desc))?", text.strip(), re.IGNORECASE | re.DOTALL)
            name, direction = (text, None) if text in names or found is None else found.groups()
            (place,) = places([name], names, owner)
            parts.append(f"{quoted((given or names)[place])} {(direction or 'asc').upper()}")
        order = f" ORDER BY {', '.join(parts)}" if parts else ""
        limit = f" LIMIT {self.limit}" if self.limit is not None else ""
        return order + limit + (f" OFFSET {self.offset}" if self.offset is not None else "")


@dataclass(frozen=True, slots=True)
class Selection:
    """A SELECT of `columns`, each cast as `policy` wants it: `source` is what stands behind FROM, `given` what the
    columns are called there, `where` are conditions in brackets; `tables` the OIDs of those from which columns of a
    query come as they are."""

    columns: tuple[Column, ...]
    given: tuple[str, ...]
    source: str
    where: tuple[str, ...] = ()
    tail: str = ""
    tables: tuple[int, ...] = ()

    def sql(self, policy: Policy, *conditions: str) -> str:
        """With further conditions."""
        pairs = zip(self.columns, self.given, strict=True)
        chosen = ", ".join(column.kind(policy).sql(quoted(name)) for column, name in pairs)
        where = " AND ".join([*self.where, *conditions])
        return f"SELECT {chosen} FROM {self.source}{' WHERE ' + where if where else ''}{self.tail}"


def of_table(channel: Channel, table: Table, wanted: Wanted) -> Selection:
    """Raises ConfigError, with "did you mean", for a column that is not there, and for a `where` that is none."""
    names, owner = [column.name for column in table.columns], f"the table {table.name}"
    chosen = [table.columns[place] for place in places(wanted.columns, names, owner)] or list(table.columns)
    keys = table.primary_key
    columns = [Column(c.name, c.type, c.nullable and c.name not in keys, c.name in keys) for c in chosen]
    source = table.name.sql
    where = (_condition(channel, wanted.where, source),) if wanted.where is not None else ()
    given = tuple(column.name for column in columns)
    return Selection(tuple(columns), given, source, where, wanted.tail(names, owner))


def of_query(channel: Channel, query: str, wanted: Wanted) -> Selection:
    """The query as a table of its own, its columns numbered, since two may have one name.

    Raises ConfigError for what is not one statement that gives rows.
    """
    with _telling("the query", f"write one statement: {READING}"):
        header = channel.described(query)
    if not header:
        raise ConfigError("the query must be a SELECT, but it gives no rows", code="query.not_select")
    types = types_of(channel, [(column.type, column.modifier) for column in header])
    found = [Column(column.name, types[column.type, column.modifier]) for column in header]
    names = [column.name for column in header]
    numbered = tuple(f"c{number}" for number in range(1, len(header) + 1))
    if wanted.columns or wanted.order_by:
        _distinct(names)
    chosen = places(wanted.columns, names, "the query") or range(len(names))
    # where may name the columns as the query does, as long as that is clear
    clear = tuple(names) if len(set(names)) == len(names) else numbered
    source = f"(\n{query.strip().rstrip(';')}\n) AS q({', '.join(map(quoted, clear))})"
    with _telling(
        "the query must be one SELECT that only reads", f"write {READING}, and no semicolon with a comment behind it"
    ):
        channel.described(f"SELECT * FROM {source}")
    return Selection(
        tuple(found[place] for place in chosen),
        tuple(clear[place] for place in chosen),
        source,
        (_condition(channel, wanted.where, source),) if wanted.where is not None else (),
        wanted.tail(names, "the query", clear),
        tuple({column.table for column in header if column.table}),
    )


def places(wanted: Sequence[str], names: Sequence[str], owner: str) -> list[int]:
    """Where each wanted column is among `names`. Raises ConfigError for one that is missing, or wanted twice."""
    found = []
    for name in wanted:
        if name not in names:
            hint = did_you_mean(name, list(names)) or f"columns: {', '.join(names[:30])}"
            raise ConfigError(f"{owner} has no column {name!r}", code="column.missing", hint=hint)
        if names.index(name) in found:
            raise ConfigError(f"the column {name!r} is named twice", code="column.duplicate")
        found.append(names.index(name))
    return found


def _condition(channel: Channel, where: str, source: str) -> str:
    """The condition in brackets, which it does not close: the server refuses it where it stands without any."""
    with _telling("where", "write one condition, as it stands behind WHERE"):
        channel.described(f"SELECT CASE WHEN\n{where}\nTHEN 1 END FROM {source}")
    return f"(\n{where}\n)"


def _distinct(names: Sequence[str]) -> None:
    if (pair := alike(names, str)) is not None:
        raise ConfigError(
            f"the query gives two columns of one name: {pair}",
            code="column.duplicate",
            hint="give them names of their own with AS",
        )


@contextmanager
def _telling(text: str, hint: str | None = None) -> Iterator[None]:
    """Says of what is wrong with the SQL in which text it is."""
    try:
        yield
    except psycopg.Error as error:
        known = Channel.classify(error)
        known.message = f"{text}: {known.message}"
        known.args = (known.message,)
        known.hint = known.hint or hint
        raise known from error
