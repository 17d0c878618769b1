"""Names of tables and columns: quoting them, and splitting `schema.table`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from osiris.connectors._shared import names
from osiris.errors import ConfigError

RESERVED = names.RESERVED
LONGEST = 64
"""Characters that a name may have: https://mariadb.com/kb/en/identifier-names/#maximum-length"""


@dataclass(frozen=True, slots=True)
class Name(names.Name):
    """A table's place: `schema` is what MySQL also calls a database."""

    MARK: ClassVar[str] = "`"

    @classmethod
    def of(cls, text: str, schema: str | None, default: str | None = None) -> Name:
        """`text` is `table`, `schema.table`, or either part in backticks or double quotes; `default` is the database of
        the connection. Raises ConfigError for other forms, names that no server takes, and when no schema is named."""
        first, last = names.split(text, schema, '`"')
        where = first or default
        if where is None:
            hint = "write schema.table, or give the connection a database"
            raise ConfigError(f"it is not said in which database the table {text!r} is", code="table.name", hint=hint)
        return cls(valid(where), valid(last))

    @staticmethod
    def folded(name: str) -> str:
        return folded(name)


def quoted(name: str) -> str:
    """`name` as an SQL identifier, whatever is in it."""
    return Name.quoted(name)


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
