"""What information_schema says of one table: kind, columns, unique keys, and about how many rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pymysql
from pymysql.constants import ER

from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.names import RESERVED, Name, folded
from osiris.errors import ConfigError, NotFound, did_you_mean

PRIMARY: Final = "PRIMARY"


@dataclass(frozen=True, slots=True)
class TableColumn:
    """`type` is the COLUMN_TYPE, such as `int(11) unsigned`, and `json` for MariaDB's texts that are checked to be it.

    `charset` and `collation` are those of a text, else None. `hidden`: SELECT * leaves it out. `extra` is EXTRA, such
    as `auto_increment`; `has_default` is true when the column says what it is without a value, if only NULL.
    """

    name: str
    type: str
    nullable: bool
    charset: str | None = None
    collation: str | None = None
    hidden: bool = False
    extra: str = ""
    has_default: bool = False

    @property
    def is_generated(self) -> bool:
        """The table itself computes its values, and takes none."""
        return re.search("(VIRTUAL|STORED|PERSISTENT) GENERATED", self.extra.upper()) is not None

    @property
    def is_optional(self) -> bool:
        """A row may come without it."""
        given = self.is_generated or "auto_increment" in self.extra.lower()
        return self.nullable or self.has_default or given

    @property
    def word(self) -> str:
        """The type's bare name: `int` of `int(11) unsigned`."""
        return self.type.partition("(")[0].partition(" ")[0].lower()

    @property
    def unsigned(self) -> bool:
        return "unsigned" in self.type


@dataclass(frozen=True, slots=True)
class Key:
    """A unique index. `whole`: its parts are columns, each with all of its value, not the first characters."""

    name: str
    columns: tuple[str, ...]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """`kind` is TABLE_TYPE, such as BASE TABLE or VIEW; `rows` is the server's estimate, None when it has none."""

    name: Name
    kind: str
    engine: str | None
    rows: int | None
    columns: tuple[TableColumn, ...]
    keys: tuple[Key, ...]

    def column(self, name: str) -> TableColumn:
        """By name, as MySQL compares them: case does not count. Raises ConfigError with "did you mean"."""
        for column in self.columns:
            if folded(column.name) == folded(name):
                return column
        names = [column.name for column in self.columns]
        hint = did_you_mean(name, names) or f"columns: {', '.join(names[:30])}"
        raise ConfigError(f"the table {self.name} has no column {name!r}", code="column.missing", hint=hint)

    @property
    def primary_key(self) -> tuple[str, ...]:
        return next((key.columns for key in self.keys if key.name == PRIMARY), ())


def find(client: Client, name: Name) -> Table:
    """The table or view. Raises NotFound with "did you mean"; what hides it from this user, the server's error says."""
    found = client.rows(_TABLES, (name.schema, name.table))
    if not found:
        raise _missing(client, name)
    # on servers that fold names the comparison ignores case, and the stored spelling counts
    table, kind, engine, rows = next((row for row in found if row[0] == name.table), found[0])
    name = Name(name.schema, table)
    return Table(name, kind, engine, rows, columns_of(client, name), _keys(client, name))


def _missing(client: Client, name: Name) -> NotFound:
    """Let the server say why the table is not shown: it may be there, and this user may not see it."""
    try:
        client.rows(f"SELECT 1 FROM {name.sql} LIMIT 0")
    except pymysql.err.MySQLError as error:
        if error.args[0] not in (ER.NO_SUCH_TABLE, ER.BAD_DB_ERROR):
            raise
    known = [row[0] for row in client.rows(_NAMES, (name.schema,)) if not row[0].startswith(RESERVED)]
    schemas = [] if known else [row[0] for row in client.rows(_SCHEMAS)]
    if schemas and name.schema not in schemas:
        hint = did_you_mean(name.schema, schemas) or "run osiris discover to see what there is"
        return NotFound(f"there is no database {name.schema} on {client.where}", code="database.missing", hint=hint)
    hint = did_you_mean(name.table, known) or "run osiris discover to see what there is"
    return NotFound(f"there is no table {name} on {client.where}", code="table.missing", hint=hint)


def columns_of(client: Client, name: Name) -> tuple[TableColumn, ...]:
    """In their order; none for a table that is not there or not shown to this user."""
    rows = client.rows(_COLUMNS, (name.schema, name.table))
    checked = set[str]()
    if client.flavour == "mariadb" and any(row[1] == "longtext" for row in rows):
        clauses = [row[0] for row in client.rows(_CHECKS, (name.schema, name.table))]
        checked = {row[0] for row in rows if f"json_valid(`{row[0].replace('`', '``')}`)" in clauses}
    return tuple(
        TableColumn(
            column,
            "json" if column in checked else kind,
            nullable == "YES",
            charset,
            collation,
            "INVISIBLE" in extra.upper(),
            extra,
            bool(default),
        )
        for column, kind, nullable, charset, collation, extra, default in rows
    )


def _keys(client: Client, name: Name) -> tuple[Key, ...]:
    """The unique indexes, the primary key first."""
    parts: dict[str, list[tuple[str | None, int | None]]] = {}
    for index, column, prefix in client.rows(_INDEXES, (name.schema, name.table)):
        parts.setdefault(index, []).append((column, prefix))
    keys = [
        Key(
            index,
            tuple(column or "" for column, _ in found),
            all(column and prefix is None for column, prefix in found),
        )
        for index, found in parts.items()
    ]
    return tuple(sorted(keys, key=lambda key: (key.name != PRIMARY, len(key.columns), key.name)))


_TABLES: Final = (
    "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS FROM information_schema.TABLES "
    "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
)
_NAMES: Final = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
_SCHEMAS: Final = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA"
_COLUMNS: Final = (
    "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, CHARACTER_SET_NAME, COLLATION_NAME, EXTRA, "
    "COLUMN_DEFAULT IS NOT NULL FROM information_schema.COLUMNS "
    "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION"
)
_INDEXES: Final = (
    "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS "
    "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX"
)
_CHECKS: Final = (
    "SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = %s AND TABLE_NAME = %s"
)
