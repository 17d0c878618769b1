"""What Osiris keeps inside a target: which tokens were committed there, and how far incremental reads have come.

Both tables live in the schema `main`, whatever schema is written to: a token alone must be enough to ask.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Final

from osiris.connectors.base import State
from osiris.connectors.duckdb.tables import RESERVED, Name, find

if TYPE_CHECKING:
    from osiris.connectors.base import Token
    from osiris.connectors.duckdb.client import Client

COMMITS: Final = Name("main", f"{RESERVED}commits")
STATE: Final = Name("main", f"{RESERVED}state")
_COMMITS: Final = 'token VARCHAR PRIMARY KEY, "rows" BIGINT, "at" TIMESTAMP'
_NOW: Final = "now() AT TIME ZONE 'UTC'"
_STATE: Final = 'key VARCHAR PRIMARY KEY, version INTEGER, data VARCHAR, token VARCHAR, "at" TIMESTAMP'


def make(client: Client) -> None:
    """Make both tables if they are missing; outside of any transaction, since two that create one table conflict."""
    with _MAKING:
        for table, columns in ((COMMITS, _COMMITS), (STATE, _STATE)):
            client.rows(f"CREATE TABLE IF NOT EXISTS {table.sql} ({columns})")


def committed_rows(client: Client, token: Token) -> int | None:
    """How many rows the token's commit made visible; None when it is not committed."""
    if not client.is_open or find(client, COMMITS) is None:
        return None
    found = client.rows(f'SELECT "rows" FROM {COMMITS.sql} WHERE token = $1', [token.commit_id])
    return int(found[0][0]) if found else None


def note_commit(client: Client, token: Token, rows: int) -> None:
    """Inside the transaction of the data. A second commit of the token breaks the primary key: a fence."""
    client.rows(f"INSERT INTO {COMMITS.sql} VALUES ($1, $2, {_NOW})", [token.commit_id, rows])


def note_state(client: Client, token: Token, key: str, state: State) -> None:
    """Inside the transaction of the data."""
    data = json.dumps(dict(state.data), sort_keys=True)
    client.rows(
        f"INSERT OR REPLACE INTO {STATE.sql} VALUES ($1, $2, $3, $4, {_NOW})",
        [key, state.version, data, token.commit_id],
    )


def last_state(client: Client, key: str) -> State | None:
    """The state kept under `key`. Makes nothing."""
    if not client.is_open or find(client, STATE) is None:
        return None
    found = client.rows(f"SELECT version, data FROM {STATE.sql} WHERE key = $1", [key])
    return State(int(found[0][0]), json.loads(found[0][1])) if found else None


_MAKING = threading.Lock()
