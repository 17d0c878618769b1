"""The tables beside a target in which rows wait: their names, whose they are, and how the dead's are removed."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pymysql

from osiris.connectors.mysql import failures
from osiris.connectors.mysql.names import RESERVED, Name
from osiris.errors import Busy

if TYPE_CHECKING:
    from osiris.connectors.mysql.client import Client
    from osiris.connectors.mysql.ledger import Ledger

ROW: Final = f"{RESERVED}row"
"""The column of staging that keeps the order in which rows came."""
STALE_DAYS: Final = 30
"""How long what a dead run has staged can be committed by its next run; then any write removes it."""
WAIT_S: Final = 30
"""How long the server may take to undo what an ended session had begun."""
UNKNOWN_THREAD: Final = 1094


@dataclass(frozen=True, slots=True)
class Staging:
    """That of one attempt, in the target's database. `place` is a digest of run, step and attempt.

    Its session holds a lock for as long as it lives, so that others know that it does. `rows` is for rows that go to
    the target by INSERT … SELECT; `new` will become the target, which then is `old` until the flow is finished.
    """

    schema: str
    place: str

    @classmethod
    def of(cls, name: Name) -> Staging:
        """By the name of one of its tables."""
        return cls(name.schema, name.table.rpartition("_")[2])

    @property
    def rows(self) -> Name:
        return Name(self.schema, f"{RESERVED}stage_{self.place}")

    @property
    def new(self) -> Name:
        return Name(self.schema, f"{RESERVED}new_{self.place}")

    @property
    def old(self) -> Name:
        return Name(self.schema, f"{RESERVED}old_{self.place}")

    @property
    def lock(self) -> str:
        return f"{RESERVED}{self.place}"

    def own(self, client: Client) -> None:
        """Become the session whose staging it is. One that still is, as after a lost connection, is ended first, so
        that nothing of it happens later. Raises Busy when that cannot be done, or undoing its work takes long."""
        if _locked(client, self.lock, 0):
            return
        ((holder,),) = client.rows("SELECT IS_USED_LOCK(%s)", (self.lock,))
        if holder is not None:
            try:
                client.execute(f"KILL {int(holder)}")
            except pymysql.err.MySQLError as error:
                if failures.number_of(error) != UNKNOWN_THREAD:
                    raise
        if not _locked(client, self.lock, WAIT_S):
            raise Busy(
                f"another session still writes for this step, or its work is being undone (connection {holder})",
                code="mysql.session_alive",
                hint="wait for it, or end it with KILL, and run again",
            )

    def disown(self, client: Client) -> None:
        client.rows("SELECT RELEASE_LOCK(%s)", (self.lock,))

    def drop(self, client: Client, ledger: Ledger) -> None:
        """Remove all of it; what was promised of it is forgotten first."""
        if exists(client, self.new):
            ledger.forget_promise(self.new.table)
        for name in (self.new, self.rows, self.old):
            if exists(client, name):
                client.execute(f"DROP TABLE IF EXISTS {name.sql}")


def by_its_name(message: str, name: Name) -> str:
    """An error's text with the name of the table that the user knows, `name`, in place of one beside it."""
    return re.sub(f"{RESERVED}(stage|new)_[0-9a-f]{{16}}", lambda _: name.table, message)


def exists(client: Client, name: Name) -> bool:
    sql = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return bool(client.rows(sql, (name.schema, name.table)))


def sweep(client: Client, schema: str, ledger: Ledger) -> None:
    """Remove the staging of runs that are dead: no session owns it, and nobody came to commit it for STALE_DAYS."""
    for (table,) in client.rows(_STALE, (schema, STALE_DAYS)):
        stale = Staging.of(Name(schema, table))
        if not _locked(client, stale.lock, 0):
            continue
        try:
            stale.drop(client, ledger)
        finally:
            with contextlib.suppress(pymysql.err.MySQLError):
                stale.disown(client)


def _locked(client: Client, lock: str, wait_s: int) -> bool:
    ((got,),) = client.rows("SELECT GET_LOCK(%s, %s)", (lock, wait_s))
    return bool(got == 1)


_STALE: Final = (
    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s "
    f"AND TABLE_NAME REGEXP '^{RESERVED}(stage|new|old)_[0-9a-f]{{16}}$' AND CREATE_TIME < NOW() - INTERVAL %s DAY"
)
