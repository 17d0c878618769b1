"""What Osiris keeps beside a target, in its schema: which tokens were committed, and how far incremental reads came."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from osiris.connectors._shared.postgres.names import RESERVED, Name, quoted
from osiris.connectors.base import State
from osiris.errors import PermissionDenied

if TYPE_CHECKING:
    from osiris.connectors._shared.postgres.channel import Channel
    from osiris.connectors.base import Token

LONGEST: Final = 500
"""An index takes no text of any length."""


class Ledger:
    """Both tables in `schema`. Changes go into the transaction that is open."""

    def __init__(self, channel: Channel, schema: str) -> None:
        self._channel = channel
        self._schema = schema
        self._commits = Name(schema, f"{RESERVED}commits")
        self._state = Name(schema, f"{RESERVED}state")

    def make(self) -> None:
        """Make the tables that are missing, in a transaction of its own. Under a lock, since two may come at once and
        IF NOT EXISTS looks too early; and only then, since it needs the right even when there is nothing to do.
        Raises PermissionDenied where others made them, who have not let this user in."""
        if self._has(self._commits) and self._has(self._state):
            self.check()
            return
        self._channel.begin()
        self._channel.rows("SELECT pg_catalog.pg_advisory_xact_lock(%s)", (number_of(f"ledger of {self._schema}"),))
        for table, columns in ((self._commits, _COMMITS), (self._state, _STATE)):
            self._channel.execute(f"CREATE TABLE IF NOT EXISTS {table.sql} ({columns})")
        self._channel.execute("COMMIT")

    def check(self) -> None:
        """Raises PermissionDenied when this user may not use the tables: a commit has to be noted, and asked for."""
        if not self._has(self._commits):
            return
        rights = " AND ".join(f"pg_catalog.has_table_privilege(%s::regclass, '{right}')" for right in _RIGHTS)
        ((user, is_welcome),) = self._channel.rows(f"SELECT current_user::text, {rights}", [self._commits.sql] * 2)
        if not is_welcome:
            raise PermissionDenied(
                f"{user} may not read and fill {self._commits}, where each commit to the schema is noted",
                hint=f"let the table's owner GRANT SELECT, INSERT, UPDATE ON {self._commits.sql}, {self._state.sql} "
                f"TO {quoted(user)}",
            )

    def committed_rows(self, token: Token) -> int | None:
        """How many rows the token's commit made visible; None when it is not committed. Makes nothing."""
        if not self._has(self._commits):
            return None
        sql = f"SELECT rows FROM {_beside(self._commits)} WHERE token = %s"
        found = self._channel.rows(sql, (short(token.commit_id),))
        return int(found[0][0]) if found else None

    def note(self, token: Token, rows: int, state: State | None) -> None:
        """The token is committed, and the state reached. A second entry of a token breaks the primary key: a fence."""
        sql = f"INSERT INTO {_beside(self._commits)} (token, rows, at) VALUES (%s, %s, now())"
        self._channel.execute(sql, (short(token.commit_id), rows))
        if state is None:
            return
        self._channel.execute(
            f"INSERT INTO {_beside(self._state)} (name, version, data, token, at) VALUES (%s, %s, %s, %s, now()) "
            "ON CONFLICT (name) DO UPDATE SET version = excluded.version, data = excluded.data, "
            "token = excluded.token, at = excluded.at",
            (
                short(token.data["key"]),
                state.version,
                json.dumps(dict(state.data), sort_keys=True),
                short(token.commit_id),
            ),
        )

    def last(self, key: str) -> State | None:
        """The state kept under `key`. Makes nothing."""
        if not self._has(self._state):
            return None
        found = self._channel.rows(f"SELECT version, data FROM {_beside(self._state)} WHERE name = %s", (short(key),))
        return State(int(found[0][0]), json.loads(found[0][1])) if found else None

    def _has(self, name: Name) -> bool:
        return exists(self._channel, name)


def _beside(name: Name) -> str:
    """Its SQL in a statement with arguments, for which a percent sign would stand."""
    return name.sql.replace("%", "%%")


def exists(channel: Channel, name: Name) -> bool:
    return bool(channel.rows("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (name.sql,))[0][0])


def short(text: str) -> str:
    """`text`, or a digest of it where it is too long to be a key."""
    return text if len(text) <= LONGEST else hashlib.sha256(text.encode()).hexdigest()


def number_of(text: str) -> int:
    """The number of a lock that is called so: https://www.postgresql.org/docs/current/explicit-locking.html"""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)


_RIGHTS: Final = ("SELECT", "INSERT")
_COMMITS: Final = "token text PRIMARY KEY, rows bigint NOT NULL, at timestamptz NOT NULL"
_STATE: Final = (
    "name text PRIMARY KEY, version integer NOT NULL, data text NOT NULL, token text NOT NULL, at timestamptz NOT NULL"
)
