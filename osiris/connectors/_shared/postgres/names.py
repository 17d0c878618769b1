"""Names of tables and columns: quoting them, and splitting `schema.table`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from osiris.errors import ConfigError

RESERVED = "_osiris_"
"""Tables and columns whose names start so are Osiris's own."""
LONGEST_BYTES = 63
"""https://www.postgresql.org/docs/current/sql-syntax-lexical.html: the server cuts what is longer, without an error."""


@dataclass(frozen=True, slots=True)
class Name:
    """A table's place in its database."""

    schema: str
    table: str

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.table)}"

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"

    @classmethod
    def of(cls, text: str, schema: str | None, default: str) -> Name:
        """`text` is `table`, `schema.table`, or either part in double quotes; `default` is where a table is that is
        named without a schema. Case counts, quoted or not. Raises ConfigError for other forms and too long names."""
        found = re.fullmatch(rf"(?:({_PART})\.)?({_PART})", text)
        if found is None:
            hint = 'write table or schema.table; put a part with a dot in double quotes, such as sales."2024.orders"'
            raise ConfigError(f"{text!r} does not name a table", code="table.name", hint=hint)
        first, last = (_bare(part) if part else None for part in found.groups())
        if first and schema and first != schema:
            raise ConfigError(f"the table {text!r} and the option schema ({schema!r}) disagree", code="table.name")
        return cls(valid(first or schema or default), valid(last or ""))


def quoted(name: str) -> str:
    """`name` as an SQL identifier, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


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


_PART = r'"(?:[^"]|"")+"|[^".]+'


def _bare(part: str) -> str:
    return part[1:-1].replace('""', '"') if part[0] == '"' else part
