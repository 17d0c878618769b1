"""What the catalog says of one table: kind, columns, unique keys, and about how many rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from osiris.connectors._shared.postgres.channel import Channel
from osiris.connectors._shared.postgres.names import RESERVED, Name
from osiris.connectors._shared.postgres.types import Type, types_of
from osiris.errors import ConfigError, NotFound, did_you_mean

Kind = Literal["table", "partitioned table", "view", "materialized view", "foreign table"]
KINDS: Final[dict[str, Kind]] = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
"""By pg_class.relkind. Sequences, indexes and composite types hold no rows to move."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """`identity` is `always` or `by default` for identity columns; `generated`: the table itself computes the values,
    and takes none; `has_default`: the column says what it is without a value. `collation`, as SQL, is one to which
    different texts may be equal; None for all others."""

    name: str
    type: Type
    nullable: bool
    identity: Literal["always", "by default"] | None = None
    generated: bool = False
    has_default: bool = False
    collation: str | None = None

    @property
    def is_optional(self) -> bool:
        """A row may come without it."""
        return self.nullable or self.generated or self.has_default or self.identity is not None


@dataclass(frozen=True, slots=True)
class Key:
    """A unique index over columns of the whole table. `immediate`: it is checked row by row, so that ON CONFLICT may
    name it; a deferrable constraint is not."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False
    immediate: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` and `pages` are the server's estimates of the last ANALYZE, None when there was none. `security`: which
    rows are seen depends on policies for this user (row level security). `rules`: it may have some, which COPY would
    pass by."""

    name: Name
    oid: int
    kind: Kind
    rows: int | None
    pages: int | None
    security: bool
    rules: bool
    columns: tuple[TableColumn, ...]
    keys: tuple[Key, ...]

    def column(self, name: str) -> TableColumn:
        """By name; case counts. Raises ConfigError with "did you mean"."""
        for column in self.columns:
            if column.name == name:
                return column
        names = [column.name for column in self.columns]
        hint = did_you_mean(name, names) or f"columns: {', '.join(names[:30])}"
        raise ConfigError(f"the table {self.name} has no column {name!r}", code="column.missing", hint=hint)

    @property
    def primary_key(self) -> tuple[str, ...]:
        return next((key.columns for key in self.keys if key.primary), ())


def find(channel: Channel, name: Name) -> Table:
    """The table or view. Raises NotFound with "did you mean", ConfigError where something else has the name; what hides
    it from this user, the server's error says."""
    found = channel.rows(_TABLE, (name.schema, name.table))
    if not found:
        _refuse_type(channel, name)
        raise _missing(channel, name)
    oid, letter, rows, pages, security, rules = found[0]
    if letter not in KINDS:
        raise _no_table(name, _OTHERS.get(letter, "no table"))
    is_known = letter in "rpm" and (rows > 0 or pages > 0)
    return Table(
        name,
        oid,
        KINDS[letter],
        int(rows) if is_known else None,
        pages if is_known else None,
        security,
        rules,
        _columns(channel, oid),
        _keys(channel, oid),
    )


def _refuse_type(channel: Channel, name: Name) -> None:
    """No table can be made that is called as a type is: each table has a type of its name."""
    if channel.rows(_TYPE, (name.schema, name.table)):
        raise _no_table(name, "a type")


def _no_table(name: Name, kind: str) -> ConfigError:
    return ConfigError(f"{name} is {kind}, not a table", code="table.kind", hint="name a table, or one yet to be made")


def _missing(channel: Channel, name: Name) -> NotFound:
    schemas = [row[0] for row in channel.rows(_SCHEMAS)]
    if name.schema not in schemas:
        hint = did_you_mean(name.schema, schemas) or "run osiris discover to see what there is"
        return NotFound(f"there is no schema {name.schema} in {_shown(channel)}", code="database.missing", hint=hint)
    known = [row[0] for row in channel.rows(_NAMES, (name.schema,)) if not row[0].startswith(RESERVED)]
    near = did_you_mean(name.table, known) or _in_lower_case(name.table, known)
    hint = near or "run osiris discover to see what there is"
    return NotFound(f"there is no table {name} in {_shown(channel)}", code="table.missing", hint=hint)


def _in_lower_case(table: str, known: list[str]) -> str:
    """Other than in SQL, names are taken as they are written."""
    same = [other for other in known if other.lower() == table.lower()]
    return f'did you mean "{same[0]}"?' if same else ""


def _shown(channel: Channel) -> str:
    return f"the database {channel.database} on {channel.where}"


def _columns(channel: Channel, oid: int) -> tuple[TableColumn, ...]:
    """In their order."""
    rows = channel.rows(_COLUMNS, (oid,))
    types = types_of(channel, [(row[1], row[2]) for row in rows])
    identities: Final[dict[str, Literal["always", "by default"]]] = {"a": "always", "d": "by default"}
    return tuple(
        TableColumn(
            name,
            types[kind, modifier],
            not required,
            identities.get(identity),
            bool(generated),
            default and not generated,
            collation,
        )
        for name, kind, modifier, required, identity, generated, default, collation in rows
    )


def _keys(channel: Channel, oid: int) -> tuple[Key, ...]:
    """The unique indexes, the primary key first. A partial one, and one over an expression, is no key of the table."""
    keys = [
        Key(name, tuple(columns), primary, immediate)
        for name, columns, primary, immediate in channel.rows(_KEYS, (oid,))
    ]
    return tuple(sorted(keys, key=lambda key: (not key.primary, len(key.columns), key.name)))


_TABLE: Final = """
SELECT c.oid::int8, c.relkind::text, c.reltuples, c.relpages, pg_catalog.row_security_active(c.oid), c.relhasrules
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""
_NAMES: Final = """
SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
_COLUMNS: Final = """
SELECT attname::text, atttypid::int8, atttypmod, attnotnull, attidentity::text, attgenerated::text, atthasdef, (
    SELECT pg_catalog.quote_ident(nspname) || '.' || pg_catalog.quote_ident(collname)
    FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace n ON n.oid = l.collnamespace
    WHERE l.oid = attcollation AND NOT collisdeterministic
  )
FROM pg_catalog.pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_SCHEMAS: Final = "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(temp|toast)'"
_TYPE: Final = """
SELECT 1 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = %s AND t.typname = %s AND t.typcategory <> 'A'
"""
_OTHERS: Final = {"i": "an index", "I": "an index", "S": "a sequence", "c": "a type", "t": "a TOAST table"}
_KEYS: Final = """
SELECT c.relname::text, (
    SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(i.indkey) WITH ORDINALITY AS k(number, place)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number WHERE k.place <= i.indnkeyatts
  ), i.indisprimary, i.indimmediate
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
"""
