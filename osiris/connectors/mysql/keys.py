"""The columns of a key: their values as text, as literals, and the conditions that cut a table between two of them.

Order and equality are always the server's own, in the column's collation: nothing here compares two values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from osiris.connectors.mysql.names import quoted
from osiris.connectors.mysql.tables import Key, Table, TableColumn
from osiris.errors import ConfigError, DataError, InternalError

Kind = Literal["number", "moment", "text", "bytes", "uuid"]
Values = tuple[str, ...]
"""One value for each column of a key, or for its first ones: then the rest is any."""


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A column of a key whose values can be written down exactly."""

    column: TableColumn
    kind: Kind

    @property
    def sql(self) -> str:
        return quoted(self.column.name)

    @property
    def shown(self) -> str:
        """SQL that gives a value as the text that `literal` takes back: of texts and bytes the hexadecimal digits,
        whatever character set they are in and whether they are valid in it or not."""
        return f"HEX({self.sql})" if self.kind in ("text", "bytes") else f"CAST({self.sql} AS CHAR)"

    def literal(self, value: str) -> str:
        """The value in SQL, of the column's own type, character set and collation, so that an index is used.

        Raises DataError for a date that no calendar has: a server compares it in one way or the other.
        """
        if not re.fullmatch(_FORMS[self.kind], value):
            raise InternalError(f"{value!r} is no {self.kind} of a key")
        if self.kind == "text":
            return f"_{self.column.charset} X'{value}' COLLATE {self.column.collation}"
        if self.kind == "bytes":
            return f"X'{value}'"
        if self.kind == "moment":
            self._check(value)
        if self.kind == "uuid":
            return f"CAST('{value}' AS UUID)"
        return value if self.kind == "number" else f"'{value}'"

    def _check(self, value: str) -> None:
        if value.startswith("0000") or "-00" in value:
            raise DataError(
                f"column {self.column.name!r} is part of the key and holds {value}, by which no page can begin",
                code="data.value",
                data_column=self.column.name,
                hint="correct the date, or read with read_mode: snapshot",
            )


def key_columns(table: Table, key: Key) -> tuple[KeyColumn, ...] | str:
    """The columns of a key by which rows can be told apart and put in order, or why they cannot."""
    if not key.whole:
        return f"the key {key.name} holds only the first characters of a column, or an expression"
    found = []
    for name in key.columns:
        column = table.column(name)
        kind = _kind(column)
        if column.nullable:
            return f"column {column.name!r} of the key {key.name} may be NULL, and several rows may have no key"
        if kind is None:
            return f"column {column.name!r} of the key {key.name} is of the type {column.type}, which makes no pages"
        found.append(KeyColumn(column, kind))
    return tuple(found)


def chosen(table: Table, names: Sequence[str] | None) -> tuple[Key, tuple[KeyColumn, ...]]:
    """The unique key of just these columns, else the primary key, else another one. Raises ConfigError without one."""
    wanted = None if names is None else {table.column(name).name for name in names}
    reasons = []
    for key in table.keys:
        if wanted is None or set(key.columns) == wanted:
            columns = key_columns(table, key)
            if not isinstance(columns, str):
                return key, columns
            reasons.append(columns)
    what = f"unique key of just {', '.join(names)}" if names else "primary or unique key"
    raise ConfigError(
        f"read_mode keyset: {reasons[0] if reasons else f'the table {table.name} has no {what}'}",
        code="keyset.no_key",
        hint="read with read_mode: snapshot" + ("" if names else ", or name another unique key with split_by"),
    )


def after(columns: Sequence[KeyColumn], values: Values) -> str:
    """The rows that come after these values."""
    return _cut(columns, values, ">", ">")


def upto(columns: Sequence[KeyColumn], values: Values) -> str:
    """The rows that come before these values, or have them."""
    return _cut(columns, values, "<", "<=")


def precedes(columns: Sequence[KeyColumn], one: Values, other: Values) -> str:
    """Whether `upto(one)` ends before `upto(other)` does, whatever rows there are."""
    literals = [(c.literal(a), c.literal(b)) for c, a, b in zip(columns, one, other, strict=False)]
    same = [f"{a} = {b}" for a, b in literals]
    ways = [" AND ".join([*same[:place], f"{a} < {b}"]) for place, (a, b) in enumerate(literals)]
    if len(one) > len(other):
        ways.append(" AND ".join(same))
    return "(" + " OR ".join(f"({way})" for way in ways) + ")"


def equal(columns: Sequence[KeyColumn], values: Values) -> str:
    """The rows that have these values."""
    return " AND ".join(f"{c.sql} = {c.literal(v)}" for c, v in zip(columns, values, strict=False)) or "TRUE"


def _cut(columns: Sequence[KeyColumn], values: Values, before: str, last: str) -> str:
    """`(a, b) > (1, 2)` written out: servers use an index for this form only."""
    ways = []
    for place, (column, value) in enumerate(zip(columns, values, strict=False)):
        same = [f"{c.sql} = {c.literal(v)}" for c, v in zip(columns[:place], values[:place], strict=True)]
        operator = last if place == len(values) - 1 else before
        ways.append(" AND ".join([*same, f"{column.sql} {operator} {column.literal(value)}"]))
    return "(" + " OR ".join(f"({way})" for way in ways) + ")"


def _kind(column: TableColumn) -> Kind | None:
    if column.word in ("char", "varchar"):
        return "text"
    return next((kind for kind, words in _WORDS.items() if column.word in words), None)


_WORDS: Final[dict[Kind, tuple[str, ...]]] = {
    "number": ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal"),
    "moment": ("date", "datetime", "timestamp"),
    "bytes": ("binary", "varbinary"),
    "uuid": ("uuid",),
}
_FORMS: Final[dict[Kind, str]] = {
    "number": r"-?\d+(\.\d+)?",
    "moment": r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d+)?)?",
    "text": r"([0-9A-F]{2})*",
    "bytes": r"([0-9A-F]{2})*",
    "uuid": r"[0-9a-f-]{36}",
}
