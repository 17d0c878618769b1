"""The table in which rows wait: its name, whose it is, and how what the dead have left is removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg

from osiris.connectors._shared.postgres.ledger import exists, number_of
from osiris.connectors._shared.postgres.names import RESERVED, Name, quoted
from osiris.errors import Busy

if TYPE_CHECKING:
    from osiris.connectors._shared.postgres.channel import Channel

ROW: Final = f"{RESERVED}row"
"""The column of staging that keeps the order in which rows came."""
STALE_DAYS: Final = 30
"""How long what a dead run has staged can be committed by its next run; then any write removes it."""
WAIT_S: Final = 30
"""How long the server may take to undo what an ended session had begun."""


@dataclass(frozen=True, slots=True)
class Staging:
    """That of one attempt. `place` is a digest of run, step and attempt; `durable`: it outlives its session, as a table
    in the target's schema; else it is a temporary one, which ends with the transaction that it was made in."""

    schema: str
    place: str
    durable: bool

    @property
    def name(self) -> Name:
        return Name(self.schema, f"{RESERVED}stage_{self.place}")

    @property
    def sql(self) -> str:
        return self.name.sql if self.durable else f"pg_temp.{quoted(self.name.table)}"

    @property
    def raw(self) -> str:
        """Where values wait that the server is to cast; always a temporary table."""
        return f"pg_temp.{quoted(f'{RESERVED}raw_{self.place}')}"

    def own(self, channel: Channel) -> None:
        """Become the transaction whose staging it is, until that ends. A session that still has one open, as after a
        lost connection, is ended first, so that nothing of it happens later. Raises Busy when that cannot be done, or
        undoing its work takes long."""
        number = number_of(self.place)
        if channel.rows(_TRY, (number,)) == [(True,)]:
            return
        try:
            channel.rows(_END, (number,))
            channel.execute(f"SET LOCAL lock_timeout = '{WAIT_S}s'")
            channel.rows("SELECT pg_catalog.pg_advisory_xact_lock(%s)", (number,))
            channel.execute(f"SET LOCAL lock_timeout = '{round(channel.limits.lock_s * 1000)}'")
        except psycopg.Error as error:
            if error.sqlstate not in _HELD:
                raise
            raise Busy(
                "another session still writes for this step, or its work is being undone",
                code="postgres.session_alive",
                hint=f"wait for it, or end it with pg_terminate_backend, and run again; it holds the lock {number}",
            ) from error

    def make(self, channel: Channel, definitions: dict[str, str], *, numbered: bool) -> None:
        """A table of columns of these types; with `numbered`, one for the order of the rows too."""
        columns = [f"{quoted(name)} {kind}" for name, kind in definitions.items()]
        columns += [f"{quoted(ROW)} bigint"] if numbered else []
        if not self.durable:
            channel.execute(f"CREATE TEMPORARY TABLE {quoted(self.name.table)} ({', '.join(columns)}) ON COMMIT DROP")
            return
        channel.execute(f"CREATE TABLE {self.sql} ({', '.join(columns)})")
        ((now,),) = channel.rows("SELECT extract(epoch FROM now())::int8")
        channel.execute(f"COMMENT ON TABLE {self.sql} IS 'rows of a run of Osiris, since {now}'")

    def drop(self, channel: Channel) -> None:
        if self.durable and exists(channel, self.name):
            channel.execute(f"DROP TABLE {self.sql}")


def sweep(channel: Channel, schema: str) -> None:
    """Remove the staging of runs that are dead: nobody came to commit it for STALE_DAYS."""
    for (table,) in channel.rows(_STALE, (schema, STALE_DAYS * 86_400)):
        stale = Staging(schema, table.rpartition("_")[2], durable=True)
        channel.begin()
        if channel.rows(_TRY, (number_of(stale.place),)) == [(True,)]:
            stale.drop(channel)
        channel.execute("COMMIT")


_HELD: Final = ("55P03", "42501")
_TRY: Final = "SELECT pg_catalog.pg_try_advisory_xact_lock(%s)"
_END: Final = """
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::int8 << 32 | objid::int8) = %s
  AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
"""
_STALE: Final = f"""
SELECT relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND relkind = 'r' AND relname ~ '^{RESERVED}stage_[0-9a-f]{{16}}$'
  AND substring(pg_catalog.obj_description(c.oid, 'pg_class') FROM '[0-9]+$')::int8 + %s < extract(epoch FROM now())
"""
