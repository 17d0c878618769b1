"""Replacing a table by one that has been filled beside it: what prevents that, and what the new one takes over."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

import pymysql
from pymysql.constants import ER

from osiris.connectors.mysql import failures
from osiris.connectors.mysql.names import Name
from osiris.connectors.mysql.staging import Staging, exists
from osiris.errors import Busy, ConfigError

if TYPE_CHECKING:
    from osiris.connectors.mysql.client import Client
    from osiris.connectors.mysql.tables import Table


def refuse_loss(client: Client, target: Table) -> None:
    """Raises ConfigError when something hangs on the table that a new one under its name would not have."""
    name = target.name
    found = [
        *(f"the foreign key {row[0]} of {row[1]}.{row[2]} refers to it" for row in _rows(client, _REFERRING, name)),
        *(f"it has the foreign key {row[0]}" for row in _rows(client, _REFERENCES, name)),
        *(f"it has the trigger {row[0]}" for row in _rows(client, _TRIGGERS, name)),
    ]
    if target.kind == "SYSTEM VERSIONED":
        found.append("it keeps its own history")
    if found:
        raise ConfigError(
            f"{name} cannot be replaced by a new table: {'; '.join(found)}",
            code="write.replace",
            hint="empty it and use write_mode: append, or use upsert; or drop what hangs on it and make it again after",
        )


def is_referred_to(client: Client, name: Name) -> bool:
    """By a foreign key."""
    return bool(_rows(client, _REFERRING, name))


def shape(client: Client, name: Name) -> str:
    """A digest of all that SHOW CREATE TABLE tells, but for the next AUTO_INCREMENT."""
    return hashlib.sha256(_NEXT.sub(r"\1", _statement(client, name)).encode()).hexdigest()


def keep_numbers(client: Client, target: Name, new: Name) -> None:
    """Let `new` go on with the AUTO_INCREMENT of `target`, so that no number is given twice."""
    found = _NEXT.search(_statement(client, target))
    if found is not None:
        client.execute(f"ALTER TABLE {new.sql} AUTO_INCREMENT = {int(found.group(2))}")


def swap(client: Client, staging: Staging, target: Name, *, replaces: bool) -> None:
    """In one step, `staging.new` is the target, and what was is `staging.old`. Raises Busy when the name was taken
    meanwhile by a table that is not to be replaced."""
    moves = [f"{staging.new.sql} TO {target.sql}"]
    if replaces:
        moves.insert(0, f"{target.sql} TO {staging.old.sql}")
    try:
        client.execute(f"RENAME TABLE {', '.join(moves)}")
    except pymysql.err.MySQLError as error:
        if failures.number_of(error) != ER.TABLE_EXISTS_ERROR:
            raise
        raise changed(target) from error


def restore(client: Client, staging: Staging, target: Name) -> None:
    """Give the target its name back, if a server that renames one table after the other has crashed in between."""
    if exists(client, staging.old) and not exists(client, target):
        client.execute(f"RENAME TABLE {staging.old.sql} TO {target.sql}")


def changed(target: Name) -> Busy:
    return Busy(
        f"{target} was made, altered or dropped by somebody else meanwhile", code="table.changed", hint="run again"
    )


def _statement(client: Client, name: Name) -> str:
    return str(client.rows(f"SHOW CREATE TABLE {name.sql}")[0][1])


def _rows(client: Client, sql: str, name: Name) -> list[tuple[str, ...]]:
    return client.rows(sql, (name.schema, name.table))


_NEXT: Final = re.compile(r"^(\).*? ENGINE=\S+ )AUTO_INCREMENT=(\d+) ?", re.MULTILINE)
_REFERRING: Final = (
    "SELECT CONSTRAINT_NAME, CONSTRAINT_SCHEMA, TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS "
    "WHERE UNIQUE_CONSTRAINT_SCHEMA = %s AND REFERENCED_TABLE_NAME = %s"
)
_REFERENCES: Final = (
    "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS "
    "WHERE CONSTRAINT_SCHEMA = %s AND TABLE_NAME = %s"
)
_TRIGGERS: Final = (
    "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = %s AND EVENT_OBJECT_TABLE = %s"
)
