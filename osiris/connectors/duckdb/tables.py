"""Tables by name: quoting, splitting `schema.table`, and what the catalog says of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from osiris.connectors._shared import names

RESERVED = names.RESERVED


class Database(Protocol):
    """What can be asked in SQL: an open client."""

    def rows(self, sql: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True, slots=True)
class Name(names.Name):
    """A table's place. Names are compared without case, as DuckDB does."""

    @classmethod
    def of(cls, text: str, schema: str | None) -> Name:
        """`text` is `table`, `schema.table`, or either part in double quotes. Raises ConfigError for other forms."""
        first, last = names.split(text, schema, '"', folded)
        return cls(first or "main", last)

    @staticmethod
    def folded(name: str) -> str:
        return folded(name)


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalog has it; `type` is DuckDB's spelling, `has_default` is also true of a generated one."""

    name: str
    type: str
    nullable: bool
    has_default: bool
    primary_key: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view that is there."""

    name: Name
    is_view: bool
    columns: tuple[Column, ...]


def quoted(name: str) -> str:
    """`name` as an SQL identifier, whatever is in it."""
    return Name.quoted(name)


def folded(name: str) -> str:
    """What DuckDB compares names by: it takes A for a, and nothing more."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def alike(columns: Iterable[str]) -> str | None:
    """The first two that are one name to DuckDB, for people."""
    return names.alike(columns, folded)


def listed(columns: Iterable[str]) -> str:
    """Column names as SQL, with commas."""
    return ", ".join(map(quoted, columns))


def find(database: Database, name: Name) -> Table | None:
    """What the catalog says of a table or view of the opened database; None when there is none."""
    tables = database.rows(
        "SELECT schema_name, table_name, false FROM duckdb_tables() "
        "WHERE database_name = current_database() AND lower(schema_name) = lower($1) AND lower(table_name) = lower($2) "
        "UNION ALL SELECT schema_name, view_name, true FROM duckdb_views() "
        "WHERE database_name = current_database() AND lower(schema_name) = lower($1) AND lower(view_name) = lower($2)",
        [name.schema, name.table],
    )
    wanted = (folded(name.schema), folded(name.table))
    found = [row for row in tables if (folded(row[0]), folded(row[1])) == wanted]
    if not found:
        return None
    schema, table, is_view = found[0]
    return Table(Name(schema, table), is_view, _columns(database, schema, table))


def schema_exists(database: Database, schema: str) -> bool:
    sql = "SELECT 1 FROM duckdb_schemas() WHERE database_name = current_database() AND lower(schema_name) = lower($1)"
    return bool(database.rows(sql, [schema]))


def _columns(database: Database, schema: str, table: str) -> tuple[Column, ...]:
    keys = primary_key(database, schema, table)
    found = database.rows(
        "SELECT column_name, data_type, is_nullable, column_default IS NOT NULL FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 ORDER BY column_index",
        [schema, table],
    )
    return tuple(Column(name, kind, nullable, default, name in keys) for name, kind, nullable, default in found)


def primary_key(database: Database, schema: str, table: str) -> frozenset[str]:
    """The columns of the table's primary key; none for a view."""
    found = database.rows(
        "SELECT unnest(constraint_column_names) FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY' "
        "AND database_name = current_database() AND schema_name = $1 AND table_name = $2",
        [schema, table],
    )
    return frozenset(name for (name,) in found)
