"""Names of tables and columns: quoting them, and splitting `schema.table`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from osiris.errors import ConfigError

RESERVED = "_osiris_"
"""Tables and columns whose names start so are Osiris's own."""
LONGEST = 64
"""Characters that a name may have: https://mariadb.com/kb/en/identifier-names/#maximum-length"""


@dataclass(frozen=True, slots=True)
class Name:
    """A table's place: `schema` is what MySQL also calls a database."""

    schema: str
    table: str

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.table)}"

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"

    @classmethod
    def of(cls, text: str, schema: str | None, default: str | None = None) -> Name:
        """`text` is `table`, `schema.table`, or either part in backticks or double quotes; `default` is the database of
        the connection. Raises ConfigError for other forms, names that no server takes, and when no schema is named."""
        found = re.fullmatch(rf"(?:({_PART})\.)?({_PART})", text)
        if found is None:
            hint = "write table or schema.table; put a part with a dot in backticks, such as sales.`2024.orders`"
            raise ConfigError(f"{text!r} does not name a table", code="table.name", hint=hint)
        first, last = (_bare(part) if part else None for part in found.groups())
        if first and schema and first != schema:
            raise ConfigError(f"the table {text!r} and the option schema ({schema!r}) disagree", code="table.name")
        where = first or schema or default
        if where is None:
            hint = "write schema.table, or give the connection a database"
            raise ConfigError(f"it is not said in which database the table {text!r} is", code="table.name", hint=hint)
        return cls(valid(where), valid(last or ""))


def quoted(name: str) -> str:
    """`name` as an SQL identifier, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"


def listed(names: Iterable[str]) -> str:
    """Column names as SQL, with commas."""
    return ", ".join(map(quoted, names))


def folded(name: str) -> str:
    """What names of columns are compared by: case does not count, accents do."""
    return name.lower()


def valid(name: str) -> str:
    """`name`, if a server can have a table, column or database of that name. Raises ConfigError otherwise."""
    reason = None
    if len(name) > LONGEST:
        reason = f"it has {len(name)} characters, a name may have {LONGEST}"
    elif name.endswith(" "):
        reason = "a name must not end with a space"
    elif not name or any(char == "\0" or ord(char) > 0xFFFF for char in name):
        reason = "a name has no NUL and no characters beyond U+FFFF, such as emoji"
    if reason:
        raise ConfigError(f"{name!r} cannot be a name: {reason}", code="table.name")
    return name


_PART = r'`(?:[^`]|``)+`|"(?:[^"]|"")+"|[^`".]+'


def _bare(part: str) -> str:
    mark = part[0]
    return part[1:-1].replace(mark * 2, mark) if mark in '`"' else part
