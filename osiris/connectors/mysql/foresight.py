"""What a write would make or change of its target, and which rights it lacks for that; nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pymysql

from osiris.connectors.mysql import failures
from osiris.connectors.mysql.layout import Layout
from osiris.connectors.mysql.names import Name, listed, quoted

if TYPE_CHECKING:
    from osiris.connectors.mysql.client import Client
    from osiris.connectors.mysql.tables import Table


def notes(plan: Layout, target: Table | None) -> tuple[str, ...]:
    """What a dry run tells of the target; nothing of one that takes the rows as it is."""
    name = plan.wanted.name
    if target is None:
        return (f"there is no table {name} yet: it is made",)
    if plan.made:
        return (f"{name} is made anew, without the indexes and defaults that it has: {plan.why_anew}",)
    return (f"{name} gets new columns: {', '.join(column.definition for column in plan.added)}",) if plan.added else ()


def refuse_missing_rights(client: Client, plan: Layout, target: Table | None, made: Sequence[Name]) -> None:
    """Raises PyMySQL's error for a statement that the account may not run. `made` are tables that a write would make.

    The server tells that of statements that are only prepared, but for DROP, ALTER and RENAME.
    """
    statements = [f"CREATE TABLE {name.sql} (n INT PRIMARY KEY)" for name in made]
    if target is not None and plan.wanted.mode != "replace":
        statements += _into(target.name, plan)
    for statement in statements:
        try:
            client.close_prepared(client.prepare(statement))
        except pymysql.err.MySQLError as error:
            # what a session that looks only is told of a statement that it might run otherwise
            if failures.number_of(error) != failures.READ_ONLY:
                raise


def _into(target: Name, plan: Layout) -> list[str]:
    """The statements by which rows get into a table that is there."""
    names = [column.name for column in plan.columns if column not in plan.added]
    statements = [f"INSERT INTO {target.sql} ({listed(names)}) VALUES ({', '.join('?' * len(names))})"] if names else []
    changed = [name for name in names if not plan.wanted.is_key(name)]
    if plan.wanted.mode == "upsert" and changed:
        sets = ", ".join(f"{quoted(name)} = ?" for name in changed)
        statements.append(f"UPDATE {target.sql} SET {sets} WHERE {quoted(plan.wanted.keys[0])} = ?")
    return statements
