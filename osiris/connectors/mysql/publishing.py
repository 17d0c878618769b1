"""From staging to the target: rows moved in one transaction, or a table that takes the target's name."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pymysql
from pymysql.constants import ER

from osiris.connectors._shared.tables import existing
from osiris.connectors.mysql import failures, swap
from osiris.connectors.mysql.declared import Declared
from osiris.connectors.mysql.layout import Layout, Wanted, characters
from osiris.connectors.mysql.names import RESERVED, Name, folded, listed, quoted
from osiris.connectors.mysql.staging import ROW, Staging, exists
from osiris.connectors.mysql.statements import exactly
from osiris.connectors.mysql.tables import Table, TableColumn, columns_of, find
from osiris.errors import ConfigError, OsirisError, WriteFailed

if TYPE_CHECKING:
    from osiris.connectors.base import State, Token
    from osiris.connectors.mysql.client import Client
    from osiris.connectors.mysql.ledger import Ledger

log = logging.getLogger(__name__)
TRIES: Final = 3
"""How often a commit is tried that the server ends, and undoes wholly, for a deadlock."""
MET: Final = f"{RESERVED}met"
"""The column of an upsert's staging that says that the target has a row of that key."""


def create_new(client: Client, staging: Staging, layout: Layout, target: Table | None) -> None:
    """The table that will be the target: one like it where the columns agree, with its indexes and defaults."""
    if layout.made or target is None:
        key = [f"PRIMARY KEY ({listed(layout.wanted.keys)})"] if layout.wanted.keys else []
        _create(client, staging.new, [*(column.definition for column in layout.columns), *key])
        return
    client.execute(f"CREATE TABLE {staging.new.sql} LIKE {target.name.sql}")
    for column in layout.added:
        client.execute(f"ALTER TABLE {staging.new.sql} ADD COLUMN {column.definition}")
    swap.keep_numbers(client, target.name, staging.new)


def create_rows(client: Client, staging: Staging, layout: Layout) -> None:
    """A table of the stream's columns: for an upsert with its key, of which the last row stays, else in their order."""
    columns = [column.definition for column in layout.columns]
    if layout.wanted.mode == "upsert":
        names = [column.name for column in layout.columns if layout.wanted.is_key(column.name)]
        columns += [f"{quoted(MET)} TINYINT NOT NULL DEFAULT 0", f"PRIMARY KEY ({listed(names)})"]
    else:
        columns.insert(0, f"{quoted(ROW)} BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY")
    _create(client, staging.rows, columns)


@dataclass(frozen=True, slots=True)
class Publishing:
    """The commit of one token from its staging, by any session that owns it.

    `shape` is that of the target when it was to be replaced, None when there was none.
    """

    client: Client
    wanted: Wanted
    staging: Staging
    ledger: Ledger

    def publish(self, token: Token, rows: int, shape: str | None, state: State | None) -> None:
        """Raises Busy when the target is another one than that for which the rows were staged."""
        target = existing(find, self.client, self.wanted.name)
        source = next((name for name in (self.staging.new, self.staging.rows) if exists(self.client, name)), None)
        if source is None:
            raise WriteFailed(f"the staging of {token.commit_id} is gone", code="write.no_staging")
        self._check_count(source, rows)
        if source == self.staging.new and (target is None or self.wanted.mode == "replace"):
            self._swap(token, rows, target, shape, state)
        elif target is None:
            raise swap.changed(self.wanted.name)
        else:
            self._move(token, rows, source, target, state)

    def _check_count(self, source: Name, rows: int) -> None:
        """A server that crashed may have lost what it had said was written."""
        ((count,),) = self.client.rows(f"SELECT COUNT(*) FROM {source.sql}")
        if count != rows:
            raise WriteFailed(f"of {rows} rows that were staged there are {count}", code="write.count")

    def _swap(self, token: Token, rows: int, target: Table | None, shape: str | None, state: State | None) -> None:
        name = self.wanted.name
        if target is not None:
            if shape != swap.shape(self.client, name):
                raise swap.changed(name)
            swap.refuse_loss(self.client, target)
            swap.keep_numbers(self.client, name, self.staging.new)
        self.ledger.promise(token, rows, self.staging.new.table, state)
        swap.swap(self.client, self.staging, name, replaces=target is not None)
        self.ledger.keep_promise(token)

    def _move(self, token: Token, rows: int, source: Name, target: Table, state: State | None) -> None:
        names = self._columns(source, target)
        for left in reversed(range(TRIES)):
            try:
                self.client.execute("START TRANSACTION")
                self._fill(names, source, target)
                self.ledger.note(token, rows, token.data["key"], state)
                self.client.execute("COMMIT")
                return
            except pymysql.err.MySQLError as error:
                if not left or failures.number_of(error) != ER.LOCK_DEADLOCK:
                    raise
                log.info("%s: the server has undone the commit, it is tried again: %s", self.wanted.name, error.args[1])

    def _fill(self, names: list[str], source: Name, target: Table) -> None:
        if self.wanted.mode == "upsert":
            texts = {column.name for column in target.columns if column.charset is not None}
            respelled = [name for name in names if self.wanted.is_key(name) and name in texts]
            if respelled and swap.is_referred_to(self.client, target.name):
                respelled = []  # the server lets no row be changed that others refer to, if only its spelling
            self._upsert(names, source, respelled)
        else:
            self._append(names, source)

    def _append(self, names: list[str], source: Name) -> None:
        order = f" ORDER BY {quoted(ROW)}" if source == self.staging.rows else ""
        self._run(
            f"INSERT INTO {self.wanted.name.sql} ({listed(names)}) SELECT {listed(names)} FROM {source.sql}{order}"
        )

    def _upsert(self, names: list[str], source: Name, respelled: Sequence[str]) -> None:
        """Keys that are `respelled` may be equal by their collation and yet differ: they become what came.

        Without ON DUPLICATE KEY UPDATE, by which a row that meets another one in any unique index changes that; and
        linear also without an index on the key, since the staging has one."""
        keys = [name for name in names if self.wanted.is_key(name)]
        same = " AND ".join(f"t.{quoted(key)} = s.{quoted(key)}" for key in keys)
        changes = [f"t.{quoted(name)} = s.{quoted(name)}" for name in names if name not in keys or name in respelled]
        sets = ", ".join([*changes, f"s.{quoted(MET)} = 1"])
        target = self.wanted.name.sql
        insert = f"INSERT INTO {target} ({listed(names)}) SELECT {listed(names)} FROM {source.sql}"
        try:
            self._run(f"UPDATE {target} AS t JOIN {source.sql} AS s ON {same} SET {sets}")
            self._run(f"{insert} WHERE {quoted(MET)} = 0")
        except pymysql.err.IntegrityError as error:
            raise self._told(error, keys, source) from error

    def _told(self, error: pymysql.err.IntegrityError, keys: Sequence[str], source: Name) -> OsirisError:
        """The error, with the key of the row that came and meets another one in some other unique index."""
        known = self.client.classify(error)
        found = _ENTRY.search(known.message)
        row = self._clashing(found.group(1), keys, source) if found else None
        if row is not None:
            shown = ", ".join(f"{key} = {value}" for key, value in zip(keys, row, strict=True))
            known.message = f"{self.wanted.name}, the row of {shown}: {known.message}"
            known.args = (known.message,)
        return known

    def _clashing(self, index: str, keys: Sequence[str], source: Name) -> tuple[Any, ...] | None:
        """The key of a row of `source` that has in the columns of `index` what a row of another key has."""
        schema, table = self.wanted.name.schema, self.wanted.name.table
        columns = [row[0] for row in self.client.rows(_INDEXED, (schema, table, index))]
        if not columns or not all(
            column in {staged.name for staged in columns_of(self.client, source)} for column in columns
        ):
            return None
        equal = " AND ".join(f"t.{quoted(column)} = s.{quoted(column)}" for column in columns)
        other = " OR ".join(f"t.{quoted(key)} <> s.{quoted(key)}" for key in keys)
        wanted = ", ".join(f"s.{quoted(key)}" for key in keys)
        for beside in (self.wanted.name, source):
            sql = f"SELECT {wanted} FROM {beside.sql} AS t JOIN {source.sql} AS s ON {equal} WHERE {other} LIMIT 1"
            if rows := self.client.rows(sql):
                return rows[0]
        return None

    def _run(self, sql: str) -> None:
        exactly(self.client, self.client.send(sql.encode()))

    def _columns(self, source: Name, target: Table) -> list[str]:
        """The columns to be moved, by the target's names; those that it lacks are added, which is no transaction's
        matter. Raises Busy when one has another type by now."""
        theirs = {folded(column.name): column for column in target.columns}
        names = []
        has_met = False
        for column in columns_of(self.client, source):
            has_met = has_met or column.name == MET
            if column.name in (ROW, MET) or column.hidden:  # the key that MySQL gives a table without one is hidden
                continue
            there = theirs.get(folded(column.name))
            if there is None:
                self._add(column)
            elif not _is_same(column, there):
                raise swap.changed(self.wanted.name)
            names.append(there.name if there else column.name)
        if self.wanted.mode == "upsert" and not has_met:
            self.client.execute(f"ALTER TABLE {source.sql} ADD COLUMN {quoted(MET)} TINYINT NOT NULL DEFAULT 0")
        return names

    def _add(self, column: TableColumn) -> None:
        if not self.wanted.add_columns:
            raise swap.changed(self.wanted.name)
        self._run(f"ALTER TABLE {self.wanted.name.sql} ADD COLUMN {quoted(column.name)} {characters(column)} NULL")


def _is_same(staged: TableColumn, there: TableColumn) -> bool:
    mine, its = Declared.of(staged.type), Declared.of(there.type)
    if its is not None and its.word == "timestamp" and mine is not None and mine.word == "datetime":
        its = Declared("datetime", its.numbers)
    return mine == its and staged.charset == there.charset


def _create(client: Client, name: Name, definitions: list[str]) -> None:
    """Raises ConfigError for a table that no server would make."""
    with_options = f"({', '.join(definitions)}) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4"
    try:
        client.execute(f"CREATE TABLE {name.sql} {with_options}")
    except pymysql.err.MySQLError as error:
        known = client.classify(error)
        number = failures.number_of(error)
        if number in _TOO_WIDE or (number == ER.CANT_CREATE_TABLE and "Too many columns" in known.message):
            hint = failures.FEWER
        elif number in _KEYLESS:
            hint = "name primary_key, the columns that tell rows apart: this server takes no table without one"
        elif number in _IMPOSSIBLE:
            hint = "write fewer columns, or shorter keys; or make the table yourself, as it should be"
        else:
            raise
        text = f"no table can have these columns: {known.message}"
        raise ConfigError(text, code="table.invalid", hint=hint) from error


_ENTRY: Final = re.compile(r"Duplicate entry .* for key '(?:[^']*\.)?([^'.]+)'")
_INDEXED: Final = (
    "SELECT COLUMN_NAME FROM information_schema.STATISTICS "
    "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND INDEX_NAME = %s ORDER BY SEQ_IN_INDEX"
)
_TOO_WIDE: Final = (1117, 1118)
_KEYLESS: Final = (1173, 3098, 3750)
"""innodb_force_primary_key of MariaDB; group replication and sql_require_primary_key of MySQL."""
_IMPOSSIBLE: Final = (1059, 1068, 1069, 1070, 1071, 1074, 1166, 1170, 1291)
