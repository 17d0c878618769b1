"""What Osiris keeps inside a target's database: which tokens were committed there, and how far incremental reads came.

A table is replaced by RENAME, which no transaction takes in. So the commit is noted as pending first, with the state
that comes with it; once the staging table has been renamed it counts as committed, whoever finds it so.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from osiris.connectors.base import State
from osiris.connectors.mysql.names import RESERVED, Name

if TYPE_CHECKING:
    from osiris.connectors.base import Token
    from osiris.connectors.mysql.client import Client

LONGEST: Final = 255


@dataclass(frozen=True, slots=True)
class Commit:
    """The entry of a token. `pending` names the staging that is to become the target; None: it is committed."""

    rows: int
    pending: str | None


class Ledger:
    """Both tables in the database `schema`. Changes go into the transaction that is open, if one is."""

    def __init__(self, client: Client, schema: str) -> None:
        self._client = client
        self._schema = schema
        self._commits = Name(schema, f"{RESERVED}commits")
        self._state = Name(schema, f"{RESERVED}state")
        # as statements with arguments have them, in which a percent sign stands for one
        self._commits_sql, self._state_sql = (name.sql.replace("%", "%%") for name in self.tables)

    @property
    def tables(self) -> tuple[Name, Name]:
        return self._commits, self._state

    def missing(self) -> bool:
        """Whether `make` would make a table."""
        return self._found() < 2

    def make(self) -> None:
        """Make the tables that are missing; not in a transaction, which that would commit. Under a lock, since two may
        come at once, and only then, since CREATE TABLE IF NOT EXISTS needs the right even when there is nothing to do.
        """
        if not self.missing():
            return
        lock = f"{RESERVED}{hashlib.sha256(self._schema.encode()).hexdigest()[:16]}_ledger"
        self._client.rows("SELECT GET_LOCK(%s, 60)", (lock,))
        try:
            for table, columns in ((self._commits, _COMMITS), (self._state, _STATE)):
                self._client.execute(f"CREATE TABLE IF NOT EXISTS {table.sql} ({columns}) {_OPTIONS}")
        finally:
            self._client.rows("SELECT RELEASE_LOCK(%s)", (lock,))

    def find(self, token: Token) -> Commit | None:
        """The token's entry; None when there is none. Makes nothing."""
        if not self._found():
            return None
        sql = f"SELECT `rows`, pending FROM {self._commits_sql} WHERE token = %s"
        found = self._client.rows(sql, (short(token.commit_id),))
        return Commit(int(found[0][0]), found[0][1]) if found else None

    def note(self, token: Token, rows: int, key: str, state: State | None) -> None:
        """The token is committed, and the state reached. A second entry of a token breaks the primary key: a fence."""
        self._client.execute(
            f"INSERT INTO {self._commits_sql} (token, `rows`, at) VALUES (%s, %s, UTC_TIMESTAMP(6))",
            (short(token.commit_id), rows),
        )
        if state is not None:
            self._keep(token, key, state.version, state.data)

    def promise(self, token: Token, rows: int, staging: str, state: State | None) -> None:
        """The token will be committed, with the state, by `staging` becoming the target. One that is committed already
        breaks the primary key."""
        kept = None
        if state is not None:
            kept = json.dumps([token.data["key"], state.version, dict(state.data)], sort_keys=True)
        entry = short(token.commit_id)
        self._client.execute("START TRANSACTION")
        self._client.execute(f"DELETE FROM {self._commits_sql} WHERE token = %s AND pending IS NOT NULL", (entry,))
        self._client.execute(
            f"INSERT INTO {self._commits_sql} (token, `rows`, pending, state, at) "
            "VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6))",
            (entry, rows, staging, kept),
        )
        self._client.execute("COMMIT")

    def keep_promise(self, token: Token) -> None:
        """It has become the target: in a transaction, note the commit and the state."""
        self._client.execute("START TRANSACTION")
        sql = f"SELECT state FROM {self._commits_sql} WHERE token = %s AND pending IS NOT NULL FOR UPDATE"
        for (kept,) in self._client.rows(sql, (short(token.commit_id),)):
            if kept is not None:
                self._keep(token, *json.loads(kept))
        self._client.execute(
            f"UPDATE {self._commits_sql} SET pending = NULL, state = NULL WHERE token = %s",
            (short(token.commit_id),),
        )
        self._client.execute("COMMIT")

    def forget_promise(self, staging: str) -> None:
        """It will not become the target: before it is dropped, so that its absence does not mean that it has."""
        if not self._found():
            return
        for (entry,) in self._client.rows(f"SELECT token FROM {self._commits_sql} WHERE pending = %s", (staging,)):
            sql = f"DELETE FROM {self._commits_sql} WHERE token = %s AND pending = %s"
            self._client.execute(sql, (entry, staging))

    def last(self, key: str) -> State | None:
        """The state kept under `key`. Makes nothing."""
        if self._found() < 2:
            return None
        found = self._client.rows(f"SELECT version, data FROM {self._state_sql} WHERE name = %s", (short(key),))
        return State(int(found[0][0]), json.loads(found[0][1])) if found else None

    def _keep(self, token: Token, key: str, version: int, data: Any) -> None:
        self._client.execute(
            f"REPLACE INTO {self._state_sql} (name, version, data, token, at) "
            "VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6))",
            (short(key), version, json.dumps(dict(data), sort_keys=True), short(token.commit_id)),
        )

    def _found(self) -> int:
        """How many of the two tables are there."""
        sql = f"SELECT ({_ONE}) + ({_ONE})"
        ((count,),) = self._client.rows(sql, (self._schema, self._commits.table, self._schema, self._state.table))
        return int(count)


def short(text: str) -> str:
    """`text`, or a digest of it where it is too long to be a key."""
    return text if len(text) <= LONGEST else hashlib.sha256(text.encode()).hexdigest()


_ONE: Final = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
"""By one name: of several the server looks through the folder, and may miss some while tables are renamed there."""
_KEY: Final = f"VARCHAR({LONGEST}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
_COMMITS: Final = (
    f"token {_KEY} PRIMARY KEY, `rows` BIGINT NOT NULL, pending VARCHAR(64), state LONGTEXT, at DATETIME(6) NOT NULL"
)
_STATE: Final = (
    f"name {_KEY} PRIMARY KEY, version INT NOT NULL, data LONGTEXT NOT NULL, token {_KEY}, at DATETIME(6) NOT NULL"
)
_OPTIONS: Final = "ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COMMENT = 'what Osiris committed'"
