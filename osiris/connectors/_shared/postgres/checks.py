"""Doctor's checks of a server, in order, with one login in all."""

from __future__ import annotations

import ipaddress
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import psycopg

from osiris.connectors._shared.postgres import discovery, failures
from osiris.connectors._shared.postgres.channel import Channel
from osiris.connectors._shared.postgres.ledger import Ledger
from osiris.connectors._shared.postgres.names import RESERVED, Name
from osiris.connectors._shared.postgres.place import is_folder
from osiris.connectors.base import Check, Finding
from osiris.errors import NetworkFailed, OsirisError, TimedOut, TlsFailed

OLDEST: Final = 130000
SKEW_S: Final = 5.0
"""By how much the clocks may differ: windows of incremental reads are cut by the server's."""
LAG_S: Final = 60
VERIFYING: Final = ("verify-ca", "verify-full")


def of(channel: Channel, resources: Sequence[str]) -> tuple[Check, ...]:
    """The checks of an unopened channel."""
    login, session = LoginChecks(channel), SessionChecks(channel, resources)
    network = (
        Check("net.dns", login.resolve),
        Check("net.tcp", login.connect),
        Check("tls.handshake", login.encrypt),
        Check("tls.verify", login.verify),
    )
    return (
        *(() if all(is_folder(host) for host, _ in channel.place.hosts) else network),
        Check("auth.login", login.log_in),
        Check("server.version", session.version),
        Check("compat.pooler", session.pooler),
        Check("perm.read", session.read, "full"),
        Check("server.limits", session.limits, "full"),
        Check("clock.skew", session.clock, "full"),
        Check("compat.replica", session.replica, "full"),
        Check("perm.write", session.write, "write"),
    )


@dataclass(slots=True)
class LoginChecks:
    """libpq encrypts and logs in by one call: the first check that needs it makes it, and the others tell what came of
    their part. A host may block who fails too often, so there is one attempt."""

    channel: Channel
    parameters: dict[str, str] = field(default_factory=dict)
    tried: bool = False
    failed: OsirisError | None = None

    def resolve(self) -> str:
        self.parameters = self.channel.resolved()
        names = ", ".join(dict.fromkeys(host for host, _ in self.channel.place.hosts))
        return f"{names} is {', '.join(dict.fromkeys(filter(None, self._addresses)))}"

    def connect(self) -> str:
        self.channel.probe()
        return self.channel.where

    def encrypt(self) -> str | Finding:
        if not self.tried:
            self._attempt()
        if self.channel.is_encrypted:
            return "the connection is encrypted"
        if self.failed is not None and self.failed.code == failures.CERTIFICATE:
            return "the server encrypts"
        if isinstance(self.failed, TlsFailed | NetworkFailed | TimedOut):
            raise self.failed
        if self.failed is not None:
            return "the server refused the login"
        if self._is_local:
            return "nothing is encrypted; the server is on this machine"
        return Finding(
            "nothing is encrypted on the way to the server, the login included",
            hint="set sslmode: verify-full, or require, if the server can",
        )

    def verify(self) -> str | Finding:
        if self.failed is not None and self.failed.code == failures.CERTIFICATE:
            raise self.failed
        mode = self.channel.place.parameters.get("sslmode", "prefer")
        if mode in VERIFYING:
            return "the certificate is trusted" + (", and host is among its names" if mode == "verify-full" else "")
        hint = None if self._is_local else "sslmode: verify-full, with sslrootcert, also proves who answers"
        return Finding(f"nothing is verified with sslmode: {mode}", "ok", hint)

    def log_in(self) -> str:
        if not self.tried:
            self._attempt()
        if self.failed is not None:
            raise self.failed
        return f"logged in as {self.channel.place.user} to the database {self.channel.database}"

    @property
    def _addresses(self) -> list[str]:
        return self.parameters.get("hostaddr", "").split(",")

    @property
    def _is_local(self) -> bool:
        """Whether the server is on this machine."""
        return all(
            not address or ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in self._addresses
        )

    def _attempt(self) -> None:
        self.tried = True
        try:
            self.channel.log_in(self.parameters or self.channel.resolved())
        except Exception as error:  # noqa: BLE001 - each check tells its own part of it
            self.failed = self.channel.classify(error)


@dataclass(slots=True)
class SessionChecks:
    """The checks of an open session."""

    channel: Channel
    resources: Sequence[str]

    def version(self) -> str | Finding:
        text = str(self.channel.rows("SELECT version()")[0][0]).partition(" on ")[0]
        if self.channel.version < OLDEST:
            return Finding(text, hint=f"older than {OLDEST // 10000}: not tried with Osiris")
        return text

    def pooler(self) -> str:
        """A pooler names another process at the login than the server does."""
        ((number,),) = self.channel.rows("SELECT pg_backend_pid()")
        if number == self.channel.session.info.backend_pid:
            return "the server itself answers"
        return "a pooler is in between: nothing is set for its sessions, so either of its modes will do"

    def read(self) -> str | Finding:
        missing, hidden = [], []
        for name in self._names():
            try:
                self.channel.rows(f"SELECT 1 FROM {name.sql} LIMIT 0")
            except psycopg.errors.UndefinedTable:
                missing.append(str(name))
                continue
            if self.channel.rows("SELECT row_security_active(%s::regclass)", (name.sql,)) == [(True,)]:
                hidden.append(str(name))
        if missing:
            hint = "a writer with create_if_missing makes it; an extractor needs it"
            return Finding(f"there is no table {', '.join(missing)}", hint=hint)
        if hidden:
            return Finding(
                f"row level security hides rows of {', '.join(hidden)} from this user",
                hint="give the user a policy that shows them, or the attribute BYPASSRLS",
            )
        if self.resources:
            return f"{', '.join(self.resources)} can be read"
        return f"{sum(1 for _ in discovery.resources(self.channel, None))} tables and views can be read"

    def limits(self) -> str | Finding:
        (row,) = self.channel.rows(
            "SELECT current_setting('max_connections')::int, current_setting('statement_timeout'), "
            "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
        )
        most, statement, used = row
        text = f"{used} of {most} connections in use, statement_timeout {statement}"
        if used >= 0.9 * most:
            return Finding(text, hint="few connections are left: close some, raise max_connections, or use a pooler")
        return text

    def clock(self) -> str | Finding:
        asked = time.time()
        ((theirs,),) = self.channel.rows("SELECT extract(epoch FROM clock_timestamp())::float8")
        skew_s = theirs - (asked + time.time()) / 2
        message = f"the server's clock differs by {abs(skew_s):.1f} s"
        if abs(skew_s) > SKEW_S:
            return Finding(f"{message}: it is {'ahead' if skew_s > 0 else 'behind'}", hint="set both clocks by NTP")
        return message

    def replica(self) -> str | Finding:
        ((is_replica, lag_s),) = self.channel.rows(
            "SELECT pg_is_in_recovery(), extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8"
        )
        if not is_replica:
            return "it is no replica"
        text = "it is a replica, and takes no writes" + (f"; its last change is {lag_s:.0f} s old" if lag_s else "")
        return Finding(text, hint="its rows may be old: read from the primary") if (lag_s or 0) > LAG_S else text

    def write(self) -> str:
        """Makes a table, fills it and takes it back, as a writer does with its staging."""
        schemas = list(dict.fromkeys([*(name.schema for name in self._names()), self.channel.schema]))
        for schema in schemas:
            Ledger(self.channel, schema).check()
            table = Name(schema, f"{RESERVED}doctor_{secrets.token_hex(6)}")
            self.channel.begin()
            try:
                self.channel.execute(f"CREATE TABLE {table.sql} (x INT); INSERT INTO {table.sql} VALUES (1)")
            finally:
                self.channel.rollback()
        return f"a table was made in {', '.join(schemas)}, and taken back"

    def _names(self) -> list[Name]:
        return [self.channel.name_of(text) for text in self.resources]
