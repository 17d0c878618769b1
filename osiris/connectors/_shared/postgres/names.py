"""Names of tables and columns: quoting them, and splitting `schema.table`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from osiris.connectors._shared import names
from osiris.errors import ConfigError

RESERVED = names.RESERVED
LONGEST_BYTES = 63
"""https://www.postgresql.org/docs/current/sql-syntax-lexical.html: the server cuts what is longer, without an error."""


@dataclass(frozen=True, slots=True)
class Name(names.Name):
    """A table's place in its database. Case counts, quoted or not."""

    @classmethod
    def of(cls, text: str, schema: str | None, default: str) -> Name:
        """`text` is `table`, `schema.table`, or either part in double quotes; `default` is where a table is that is
        named without a schema. Raises ConfigError for other forms, and names that no server takes."""
        first, last = names.split(text, schema, '"')
        return cls(valid(first or default), valid(last))


def quoted(name: str) -> str:
    """`name` as an SQL identifier, whatever is in it."""
    return Name.quoted(name)


def literal(text: str) -> str:
    """`text` as an SQL string, whatever is in it and whatever standard_conforming_strings is."""
    body = text.replace("'", "''")
    return " E'" + body.replace("\\", "\\\\") + "'" if "\\" in body else f"'{body}'"


def listed(names: Iterable[str]) -> str:
    """Column names as SQL, with commas."""
    return ", ".join(map(quoted, names))


def valid(name: str) -> str:
    """`name`, if the server can have a table, column or schema of that name. Raises ConfigError otherwise."""
    size, reason = len(name.encode("utf-8", "surrogatepass")), None
    if size > LONGEST_BYTES:
        reason = f"it takes {size} bytes, a name may take {LONGEST_BYTES}"
    elif not name or "\0" in name:
        reason = "a name has at least one character, and none of them is NUL"
    if reason:
        raise ConfigError(f"{name!r} cannot be a name: {reason}", code="table.name")
    return name
