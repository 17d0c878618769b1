"""Doctor's checks of a server, in order, with one login in all."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pymysql import err
from pymysql.constants import ER

from osiris.connectors._shared.line import Address
from osiris.connectors.base import Check, Finding
from osiris.connectors.mysql import discovery, failures
from osiris.connectors.mysql.channel import Channel
from osiris.connectors.mysql.names import RESERVED, Name
from osiris.errors import NetworkFailed, OsirisError, TimedOut, TlsFailed

OLDEST = {"mariadb": (10, 5), "mysql": (5, 7)}
SKEW_S = 5.0
"""By how much the clocks may differ: windows of incremental reads are cut by the server's."""
PACKET_BYTES = 4 * 2**20
LAG_S = 60


def of(channel: Channel, resources: Sequence[str]) -> tuple[Check, ...]:
    """The checks of an unopened channel."""
    login, session = LoginChecks(channel), SessionChecks(channel, resources)
    reach = [Check("net.dns", login.resolve), Check("net.tcp", login.connect)]
    tls = [Check("tls.handshake", login.encrypt), Check("tls.verify", login.verify)]
    if channel.connection.get("unix_socket"):
        reach = reach[1:]
        tls = tls if channel.connection.get("ssl_mode", "preferred") not in ("disabled", "preferred") else []
    return (
        *reach,
        *tls,
        Check("auth.login", login.log_in),
        Check("server.version", session.version),
        Check("perm.read", session.read, "full"),
        Check("server.limits", session.limits, "full"),
        Check("clock.skew", session.clock, "full"),
        Check("compat.engines", session.engines, "full"),
        Check("compat.replica", session.replica, "full"),
        Check("perm.write", session.write, "write"),
    )


@dataclass(slots=True)
class LoginChecks:
    """PyMySQL greets, encrypts and logs in by one call: the first check that needs it makes it, and the others tell
    what came of their part. A host blocks who fails too often, so there is one attempt."""

    channel: Channel
    addresses: list[Address] = field(default_factory=list)
    sock: socket.socket | None = None
    is_local: bool = True
    tried: bool = False
    failed: OsirisError | None = None

    def resolve(self) -> str:
        self.addresses = self.channel.addresses()
        return f"{self.channel.host} is {', '.join(dict.fromkeys(str(address[0]) for _, address in self.addresses))}"

    def connect(self) -> str:
        self.sock = self.channel.connect(self.addresses or self.channel.addresses())
        self.is_local = _is_local(self.sock)
        return self.channel.where

    def encrypt(self) -> str | Finding:
        self._attempt()
        if self.channel.encryption is not None:
            return self.channel.encryption
        if self.failed is not None and self.failed.code == failures.CERTIFICATE:
            return "the server encrypts"
        if isinstance(self.failed, TlsFailed | NetworkFailed | TimedOut):
            raise self.failed
        if self.failed is not None:
            return "the server refused before anything was encrypted"
        if self.is_local:
            return "nothing is encrypted; the server is on this machine"
        return Finding(
            f"nothing is encrypted on the way to {self.channel.host}, the login included",
            hint="set ssl_mode: verify_identity, or required, if the server can",
        )

    def verify(self) -> str | Finding:
        if self.failed is not None and self.failed.code == failures.CERTIFICATE:
            raise self.failed
        mode = self.channel.connection.get("ssl_mode", "preferred")
        if mode == "verify_identity":
            return f"the certificate is trusted, and {self.channel.host} is among its names"
        if mode == "verify_ca":
            return "the certificate is trusted"
        hint = None if self.is_local else "ssl_mode: verify_identity, with ssl_ca, also proves who answers"
        return Finding(f"nothing is verified with ssl_mode: {mode}", "ok", hint)

    def log_in(self) -> str:
        if not self.tried:
            self._attempt()
        if self.failed is not None:
            raise self.failed
        return f"logged in as {self.channel.connection['user']}"

    def _attempt(self) -> None:
        self.tried = True
        sock, self.sock = self.sock, None
        try:
            self.channel.log_in(sock or self.channel.connect(self.channel.addresses()))
        except Exception as error:  # noqa: BLE001 - each check tells its own part of it
            self.failed = self.channel.classify(error)


@dataclass(slots=True)
class SessionChecks:
    """The checks of an open session."""

    channel: Channel
    resources: Sequence[str]

    def version(self) -> str | Finding:
        server = self.channel.server
        text = f"{'MariaDB' if server.flavour == 'mariadb' else 'MySQL'} {server.version_text}"
        oldest = OLDEST[server.flavour]
        if server.version and server.version < oldest:
            return Finding(text, hint=f"older than {'.'.join(map(str, oldest))}: not tried with Osiris")
        return text

    def read(self) -> str | Finding:
        missing = []
        for name in self._names():
            try:
                self.channel.rows(f"SELECT 1 FROM {name.sql} LIMIT 0")
            except err.MySQLError as error:
                if failures.number_of(error) not in (ER.NO_SUCH_TABLE, ER.BAD_DB_ERROR):
                    raise
                missing.append(str(name))
        if missing:
            hint = "a writer with create_if_missing makes it; an extractor needs it"
            return Finding(f"there is no table {', '.join(missing)}", hint=hint)
        if self.resources:
            return f"{', '.join(self.resources)} can be read"
        return self._visible()

    def limits(self) -> str | Finding:
        found = dict(self.channel.rows("SHOW GLOBAL STATUS LIKE 'Threads_connected'"))
        sql = "SELECT @@max_allowed_packet, @@max_connections, @@GLOBAL.wait_timeout, @@GLOBAL.net_write_timeout"
        packet, most, wait_s, write_s = self.channel.rows(sql)[0]
        used = int(found.get("Threads_connected", 0))
        text = (
            f"max_allowed_packet {packet // 2**20} MB, {used} of {most} connections in use, wait_timeout {wait_s} s, "
            f"net_write_timeout {write_s} s"
        )
        if packet < PACKET_BYTES:
            return Finding(
                text, hint="raise max_allowed_packet: a row must fit into one packet, and small ones are slow"
            )
        if used >= 0.9 * most:
            return Finding(text, hint="few connections are left: close some, or raise max_connections")
        return text

    def clock(self) -> str | Finding:
        asked = time.time()
        ((text,),) = self.channel.rows("SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)")
        mine = (asked + time.time()) / 2
        skew_s = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() - mine
        message = f"the server's clock differs by {abs(skew_s):.1f} s"
        if abs(skew_s) > SKEW_S:
            return Finding(f"{message}: it is {'ahead' if skew_s > 0 else 'behind'}", hint="set both clocks by NTP")
        return message

    def engines(self) -> str | Finding:
        """Tables without transactions: what is read of them is no snapshot, what is written cannot be taken back."""
        sql = (
            "SELECT ENGINE FROM information_schema.TABLES JOIN information_schema.ENGINES USING (ENGINE) "
            "WHERE TRANSACTIONS = 'NO' AND TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        )
        found = {name: self.channel.rows(sql, (name.schema, name.table)) for name in self._names()}
        plain = [f"{name} ({engine})" for name, rows in found.items() for (engine,) in rows]
        if plain:
            return Finding(f"no transactions: {', '.join(plain)}", hint="ALTER TABLE … ENGINE = InnoDB")
        return "all tables that are named have transactions" if self.resources else "no table is named"

    def replica(self) -> str | Finding:
        try:
            lag_s = self._lag_s()
        except err.MySQLError as error:
            if failures.number_of(error) is None:
                raise
            return "whether it is a replica is not shown to this user"
        ((read_only,),) = self.channel.rows("SELECT @@read_only")
        if lag_s is None:
            return "it takes no writes" if read_only else "it is no replica, or does not replicate now"
        if lag_s > LAG_S:
            return Finding(f"it is a replica, {lag_s} s behind", hint="read from the primary, or wait until it is near")
        return f"it is a replica, {lag_s} s behind"

    def write(self) -> str | Finding:
        """Makes a table, fills it and drops it, as a writer does with its staging."""
        schemas = dict.fromkeys(filter(None, [*(name.schema for name in self._names()), self.channel.database]))
        for schema in schemas:
            self._write_to(Name(schema, f"{RESERVED}doctor_{secrets.token_hex(6)}"))
        if not schemas:
            return Finding("the connection names no database: writing was not tried", "ok")
        return f"a table was made and dropped in {', '.join(schemas)}"

    def _write_to(self, table: Name) -> None:
        self.channel.execute(f"CREATE TABLE {table.sql} (x INT)")
        try:
            self.channel.execute(f"INSERT INTO {table.sql} VALUES (1)")
        finally:
            self.channel.execute(f"DROP TABLE {table.sql}")

    def _names(self) -> list[Name]:
        return [Name.of(text, None, self.channel.database) for text in self.resources]

    def _visible(self) -> str:
        found = self.channel.rows("SELECT TABLE_SCHEMA, COUNT(*) FROM information_schema.TABLES GROUP BY TABLE_SCHEMA")
        shown = discovery.schemas(self.channel)
        return f"{sum(count for schema, count in found if schema in shown)} tables and views can be seen"

    def _lag_s(self) -> int | None:
        """Seconds behind the primary; None when it is no replica, or does not replicate now."""
        server = self.channel.server
        newer = server.version >= {"mariadb": (10, 5, 1), "mysql": (8, 0, 22)}[server.flavour]
        sql = f"SHOW {'REPLICA' if newer else 'SLAVE'} STATUS"
        columns = [column.name for column in self.channel.prepare(sql).columns]
        found = [dict(zip(columns, row, strict=True)) for row in self.channel.rows(sql)]
        lags = [row.get("Seconds_Behind_Source", row.get("Seconds_Behind_Master")) for row in found]
        return max((int(lag) for lag in lags if lag is not None), default=None)


def _is_local(sock: socket.socket) -> bool:
    """Whether the other end is on this machine."""
    peer = sock.getpeername()
    return isinstance(peer, str) or ipaddress.ip_address(peer[0].partition("%")[0]).is_loopback
