"""What there is to read in a database: tables and views with their columns, from the catalog alone."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from osiris.connectors._shared.postgres.channel import Channel
from osiris.connectors._shared.postgres.names import RESERVED
from osiris.connectors._shared.postgres.tables import KINDS
from osiris.connectors.base import Field, Resource


def resources(channel: Channel, like: str | None) -> Iterator[Resource]:
    """Sorted by schema and name; a schema at a time, so that a large database does not fill the memory."""
    for schema in schemas(channel):
        yield from _resources_of(channel, schema, like)


def schemas(channel: Channel) -> list[str]:
    """The schemas that are listed: that of the connection, or all that this user may look into but the server's own."""
    given = channel.connection.get("schema")
    if given is not None:
        return [str(given)]
    return sorted(name for (name,) in channel.rows(_SCHEMAS))


def _resources_of(channel: Channel, schema: str, like: str | None) -> Iterator[Resource]:
    tables = [row for row in channel.rows(_TABLES, (schema,)) if _is_wanted(schema, row[1], like)]
    columns: dict[int, list[Field]] = {}
    for oid, name, kind, required, is_key in channel.rows(_COLUMNS, ([row[0] for row in tables],)) if tables else ():
        columns.setdefault(oid, []).append(Field(name, kind, not required, is_key))
    for oid, name, kind, rows in sorted(tables, key=lambda row: str(row[1])):
        yield Resource(name, KINDS[kind], tuple(columns.get(oid, ())), schema, int(rows) if rows > 0 else None)


def _is_wanted(schema: str, table: str, like: str | None) -> bool:
    """Whether the glob fits `schema.table`, or the bare table's name where the glob has no dot."""
    if table.startswith(RESERVED):
        return False
    full = f"{schema}.{table}" if like and "." in like else table
    return like is None or fnmatchcase(full.casefold(), like.casefold())


_SCHEMAS = """
SELECT nspname::text FROM pg_catalog.pg_namespace
WHERE nspname <> 'information_schema' AND nspname !~ '^pg_' AND pg_catalog.has_schema_privilege(oid, 'USAGE')
"""
# a partition is shown as its table's, whose rows it holds
_TABLES = """
SELECT c.oid::int8, c.relname::text, c.relkind::text, c.reltuples
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
"""
_COLUMNS = """
SELECT a.attrelid::int8, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
  coalesce(a.attnum = ANY(i.indkey), false)
FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = ANY(%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum
"""
