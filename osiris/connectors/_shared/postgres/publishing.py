"""From staging to the target, in the transaction that commits: what prevents that, its lock, its statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg

from osiris.connectors._shared.postgres.layout import Layout, Wanted, create
from osiris.connectors._shared.postgres.names import Name, listed, quoted
from osiris.connectors._shared.postgres.tables import Table, find
from osiris.connectors._shared.tables import existing
from osiris.errors import Busy, ConfigError, WriteFailed

if TYPE_CHECKING:
    from osiris.connectors._shared.postgres.channel import Channel

SILENT_S: Final = 60
"""After this the server ends a session that holds the lock and is not heard of, as when its machine is gone."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What was planned when the rows were staged: the target's `columns` that get values, with their types in SQL;
    whether it is `made` of them; those that are `added`. Plain, so that a part can carry it."""

    wanted: Wanted
    columns: Mapping[str, str]
    made: bool
    added: tuple[str, ...]

    @classmethod
    def of(cls, layout: Layout) -> Publication:
        return cls(layout.wanted, layout.definitions, layout.made, layout.added)

    @classmethod
    def from_data(cls, wanted: Wanted, data: Mapping[str, Any]) -> Publication:
        return cls(wanted, dict(data["columns"]), data["made"], tuple(data["added"]))

    @property
    def data(self) -> dict[str, Any]:
        return {"columns": [list(pair) for pair in self.columns.items()], "made": self.made, "added": list(self.added)}

    def publish(self, channel: Channel, staging: str, rows: int) -> None:
        """Move the rows of `staging`. Raises Busy when the target is another than that for which they were staged."""
        name = self.wanted.name
        if self.made:
            make(channel, self.wanted, dict(self.columns))
            return self._fill(channel, staging, rows)
        target = self._locked(channel)
        for column in self.added:
            channel.execute(f"ALTER TABLE {name.sql} ADD COLUMN {quoted(column)} {self.columns[column]}")
        if self.wanted.mode == "upsert":
            return self._upsert(channel, staging, rows, target)
        if self.wanted.mode == "replace":
            refuse_loss(channel, target)
            channel.execute(f"TRUNCATE {name.sql}")
        return self._fill(channel, staging, rows)

    def _locked(self, channel: Channel) -> Table:
        """The target, which nobody can alter any more until the transaction ends."""
        name = self.wanted.name
        before = existing(find, channel, name)
        if before is None:
            raise changed(name)
        channel.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{SILENT_S}s'")
        lock(channel, name, self._lock(before))
        target = existing(find, channel, name)
        theirs = {} if target is None else {column.name: column.type.text for column in target.columns}
        expected = {column: kind for column, kind in self.columns.items() if column not in self.added}
        if target is None or not expected.items() <= theirs.items() or theirs.keys() & set(self.added):
            raise changed(name)
        return target

    def _lock(self, target: Table) -> str:
        if self.added or self.wanted.mode == "replace":
            return "ACCESS EXCLUSIVE"
        # without a unique index nothing else keeps two from adding a row each of one key
        return (
            "SHARE ROW EXCLUSIVE" if self.wanted.mode == "upsert" and not self._has_index(target) else "ROW EXCLUSIVE"
        )

    def _has_index(self, target: Table) -> bool:
        """Whether ON CONFLICT can go by the key."""
        return any(key.immediate and set(key.columns) == set(self.wanted.keys) for key in target.keys)

    def _fill(self, channel: Channel, staging: str, rows: int) -> None:
        taken = channel.execute(f"{self._insert} FROM {staging} AS s")
        if taken != rows:
            raise not_taken(taken, rows)

    def _upsert(self, channel: Channel, staging: str, rows: int, target: Table) -> None:
        """A row is never changed because it meets another one in some other unique index: that is an error."""
        keys = listed(self.wanted.keys)
        others = [name for name, kind in self.columns.items() if not self.wanted.is_key(name) or _spelled(kind)]
        if self._has_index(target):
            sets = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in others)
            action = f"DO UPDATE SET {sets}" if others else "DO NOTHING"
            taken = channel.execute(f"{self._insert} FROM {staging} AS s ON CONFLICT ({keys}) {action}")
            if others and taken != rows:
                raise not_taken(taken, rows)
            return
        same = " AND ".join(f"t.{quoted(key)} = s.{quoted(key)}" for key in self.wanted.keys)
        if others:
            sets = ", ".join(f"{quoted(name)} = s.{quoted(name)}" for name in others)
            channel.execute(f"UPDATE {self.wanted.name.sql} AS t SET {sets} FROM {staging} AS s WHERE {same}")
        missing = f"NOT EXISTS (SELECT FROM {self.wanted.name.sql} AS t WHERE {same})"
        channel.execute(f"{self._insert} FROM {staging} AS s WHERE {missing}")

    @property
    def _insert(self) -> str:
        names = listed(self.columns)
        values = ", ".join(f"s.{quoted(name)}" for name in self.columns)
        return f"INSERT INTO {self.wanted.name.sql} ({names}) OVERRIDING SYSTEM VALUE SELECT {values}"


def _spelled(kind: str) -> bool:
    """Whether two values of a type can be equal and yet be written in two ways (1.0 and 1.00, or by a collation): what
    has come is then written over a key, too."""
    return kind.partition("(")[0] in ("numeric", "text", "citext", "character varying", "character")


def make(channel: Channel, wanted: Wanted, definitions: dict[str, str]) -> None:
    """Make the target. Raises Busy when somebody else has made it meanwhile, ConfigError for what no table can be."""
    try:
        channel.execute(create(wanted, definitions))
    except psycopg.Error as error:
        if error.sqlstate in _MADE:
            raise changed(wanted.name) from error
        if error.sqlstate not in _IMPOSSIBLE:
            raise
        raise ConfigError(
            f"no table can have these columns: {channel.classify(error).message}",
            code="table.invalid",
            hint="write fewer columns, or another key; or make the table yourself, as it should be",
        ) from error


def lock(channel: Channel, name: Name, mode: str) -> None:
    """Until the transaction ends. Raises Busy when the table is gone."""
    try:
        channel.execute(f"LOCK TABLE {name.sql} IN {mode} MODE")
    except psycopg.errors.UndefinedTable as error:
        raise changed(name) from error


def refuse_loss(channel: Channel, target: Table) -> None:
    """Raises ConfigError when emptying the table would touch others, or leave rows in it."""
    found = [
        *(f"the foreign key {name} of {table} refers to it" for name, table in channel.rows(_REFERRING, (target.oid,))),
        *(f"the table {table} inherits from it" for (table,) in channel.rows(_HEIRS, (target.oid,))),
    ]
    if found:
        raise ConfigError(
            f"{target.name} cannot be emptied and filled: {'; '.join(found)}",
            code="write.replace",
            hint="use write_mode: upsert, or drop what hangs on it and make it again after",
        )


def changed(target: Name) -> Busy:
    return Busy(
        f"{target} was made, altered or dropped by somebody else meanwhile", code="table.changed", hint="run again"
    )


def not_taken(taken: int, rows: int) -> WriteFailed:
    return WriteFailed(
        f"the server took {taken} of {rows} rows", code="write.count", hint="see what triggers and rules the table has"
    )


_MADE: Final = ("42P07", "42710", "23505")
_IMPOSSIBLE: Final = ("42704", "42P16", "54011", "42701", "42830")
_REFERRING: Final = """
SELECT conname::text, conrelid::regclass::text FROM pg_catalog.pg_constraint
WHERE contype = 'f' AND confrelid = %s AND conrelid <> confrelid AND conparentid = 0 ORDER BY 1
"""
_HEIRS: Final = """
SELECT inhrelid::regclass::text FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhparent
WHERE c.oid = %s AND c.relkind = 'r' ORDER BY 1
"""
