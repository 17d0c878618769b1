"""What there is to read on a server: tables and views with their columns, from information_schema alone."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from osiris.connectors.base import Field, Resource
from osiris.connectors.mysql.channel import Channel
from osiris.connectors.mysql.names import RESERVED, quoted

SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
"""The servers' own databases: not listed, unless the connection names one."""
KINDS = {"BASE TABLE": "table", "SYSTEM VERSIONED": "table", "VIEW": "view", "SYSTEM VIEW": "view"}
"""Sequences and temporary tables are left out: there are no rows to move."""


def resources(channel: Channel, like: str | None) -> Iterator[Resource]:
    """Sorted by database and name; a database at a time, so that a large server does not fill the memory."""
    for schema in schemas(channel):
        yield from _resources_of(channel, schema, like)


def schemas(channel: Channel) -> list[str]:
    """The databases that are listed: that of the connection, or all but the server's own."""
    if channel.database is not None:
        return [channel.database]
    found = channel.rows("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")
    return sorted(name for (name,) in found if name.lower() not in SYSTEM)


def _resources_of(channel: Channel, schema: str, like: str | None) -> Iterator[Resource]:
    tables = [row for row in channel.rows(_TABLES, (schema,)) if row[1] in KINDS and _is_wanted(schema, row[0], like)]
    if not tables:
        return
    checks = _json_checks(channel, schema)
    columns: dict[str, list[Field]] = {}
    for table, column, kind, nullable, key in channel.rows(_COLUMNS, (schema,)):
        is_json = (table, f"json_valid({quoted(column)})") in checks
        field = Field(column, "json" if is_json else kind, nullable == "YES", key == "PRI")
        columns.setdefault(table, []).append(field)
    for table, kind, estimated_rows in sorted(tables):
        yield Resource(table, KINDS[kind], tuple(columns.get(table, ())), schema, _number(estimated_rows))


def _json_checks(channel: Channel, schema: str) -> set[tuple[Any, ...]]:
    """MariaDB's JSON is a LONGTEXT with such a check: (table, clause)."""
    if channel.flavour != "mariadb" or channel.version < (10, 2, 22):
        return set()
    return set(channel.rows(_CHECKS, (schema,)))


def _is_wanted(schema: str, table: str, like: str | None) -> bool:
    """Whether the glob fits `schema.table`, or the bare table's name where the glob has no dot."""
    if table.startswith(RESERVED):
        return False
    full = f"{schema}.{table}" if like and "." in like else table
    return like is None or fnmatchcase(full.casefold(), like.casefold())


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


_TABLES = "SELECT TABLE_NAME, TABLE_TYPE, TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
_COLUMNS = (
    "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_KEY "
    "FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, ORDINAL_POSITION"
)
_CHECKS = "SELECT TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = %s"
