"""`Channel`: one session with a server. Opens, closes, interrupts, asks, and reads results from below."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pymysql
from pymysql.constants import ER

from osiris.connectors._shared.line import Address, Line
from osiris.connectors._shared.line_client import LineClient
from osiris.connectors._shared.tls import HeldContext
from osiris.connectors.base import Connection, Dataset
from osiris.connectors.mysql import failures, session, tls
from osiris.connectors.mysql.link import Columns, Link, Login, Sent
from osiris.connectors.mysql.names import Name
from osiris.connectors.mysql.session import Flavour, Server
from osiris.errors import Cancelled, ConfigError, InternalError, NetworkFailed, OsirisError, TimedOut

log = logging.getLogger(__name__)
CONNECT_S = 10.0
"""How long the name, the connection and the login may take, each, unless the connection says otherwise."""
KILL_S = 1.0
"""How long each step of ending a statement, or the session, may take that nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class ResultHeader:
    """The columns of a result whose rows are still to be received; none after a statement that gives no rows.

    `sequence` is the number that the first packet of the rows has to have.
    """

    columns: Columns
    sequence: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement that the server has parsed, and the columns that it will give."""

    number: int
    columns: Columns


class Channel(LineClient):
    """A session in autocommit mode. Errors are PyMySQL's, or ours where there is more to say; `classify` maps them.

    A result that `query` or `execute_prepared` began is read with `receive_into` to its end, then `end_read`; nothing
    else can be asked before that. `reopen` or `close` leaves it early.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._context: HeldContext | None = None
        self._addresses: list[Address] = []
        self._link: Link | None = None
        self._server: Server | None = None
        self._reading = False
        self._left_running = False

    # the session

    def open(self) -> None:
        if self._link is None:
            self.log_in(self.connect(self.addresses()))

    def addresses(self) -> list[Address]:
        """Where the server is: of a socket file, or what the host's name is resolved to."""
        path = self.connection.get("unix_socket")
        if path:
            self._addresses = [(socket.AF_UNIX, str(path))]
        else:
            self._addresses = self._line.resolve(self.host, self.port, self._connect_s)
        return self._addresses

    def connect(self, addresses: Sequence[Address]) -> socket.socket:
        """A socket to the first of `addresses` that answers."""
        self.raise_if_interrupted()
        try:
            return self._line.connect(addresses, self._connect_s)
        except TimeoutError as error:
            raise TimedOut(
                f"no answer from {self.where} within {self._connect_s:g} s",
                hint="check host and port, and that no firewall is in between",
            ) from error
        except OSError as error:
            raise NetworkFailed(
                f"{self.where} cannot be reached: {error.strerror or error}",
                hint="check host and port, and that the server runs and listens there",
            ) from error

    def log_in(self, sock: socket.socket) -> None:
        """TLS, authentication and the settings of the session, over a socket of `connect`."""
        try:
            self._context = tls.context(self.connection, self._line.hold)
            link = self._new_link(self._context, self._login)
        except BaseException:
            self._line.let_go()
            raise
        with self._telling_interrupts(), self._telling_of_login():
            link.log_in(sock)
        self._link = link
        try:
            self._server = session.describe(self)
            session.prepare(self.execute, self._server)
            if self.connection.look_only:
                self.execute(session.LOOK_ONLY)
            self._link.wait_at_most(self.connection.get("read_timeout_s"), self.connection.get("write_timeout_s"))
            self._begin()
        except BaseException:
            self.discard()
            raise

    def close(self) -> None:
        link, reading = self._link, self._reading
        if link is not None and not reading and not self._line.is_cut:
            link.wait_at_most(KILL_S, KILL_S)
            with contextlib.suppress(pymysql.err.MySQLError):
                link.close()
        self.discard()
        if self._left_running:
            self._left_running = False
            self._kill()

    @property
    def is_open(self) -> bool:
        return self._link is not None

    # what is known of the server

    @property
    def host(self) -> str:
        return str(self.connection.get("host", "localhost"))

    @property
    def port(self) -> int:
        return int(self.connection.get("port", 3306))

    @property
    def where(self) -> str:
        """The server's place, for people."""
        path = self.connection.get("unix_socket")
        return str(path) if path else f"{self.host}:{self.port}"

    @property
    def encryption(self) -> str | None:
        """The TLS version and cipher, None when nothing is encrypted."""
        return self._context.agreed if self._context else None

    @property
    def server(self) -> Server:
        """What the server is; known once the client has been open."""
        if self._server is None:
            raise NetworkFailed("the connection to the server is closed")
        return self._server

    @property
    def flavour(self) -> Flavour:
        return self.server.flavour

    @property
    def version(self) -> tuple[int, ...]:
        return self.server.version

    @property
    def sql_mode(self) -> frozenset[str]:
        """As the server gave it to the session, before ours was set."""
        return self.server.sql_mode

    @property
    def database(self) -> str | None:
        """The database of the connection, in which names without a schema are."""
        name = self.connection.get("database")
        return str(name) if name else None

    def dataset(self, name: Name) -> Dataset:
        return Dataset(f"mysql://{self.where}", str(name))

    # asking

    def rows(self, sql: str, args: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a statement with a small result. With `args`, `%s` stands for each and `%%` for a percent sign."""
        with self._asking() as link:
            return link.run(sql, args)[1]

    def execute(self, sql: str, args: Sequence[object] = ()) -> int:
        """Run a statement that gives no rows; returns how many it affected. `args` as in `rows`."""
        with self._asking() as link:
            return link.run(sql, args)[0]

    def send(self, statement: bytes) -> Sent:
        """As `execute`, for statements that may be large or hold bytes of any kind."""
        with self._asking() as link:
            return link.send(statement)

    def load_local(self, sql: str, chunks: Iterable[bytes]) -> Sent:
        """LOAD DATA LOCAL INFILE with `chunks` as the file, whatever the statement calls it.

        Needs `local_infile: true` on the connection. When `chunks` raises, the session ends: nothing is loaded.
        """
        if not self.connection.get("local_infile", False):
            raise ConfigError(
                f"{self.connection.reference} does not allow LOAD DATA LOCAL",
                code="mysql.local_infile",
                hint="set local_infile: true on the connection, if the server allows it too",
            )
        try:
            with self._asking() as link:
                return link.load(sql, chunks)
        finally:
            if self._link is not None and not self._link.open:
                self.discard()

    def query(self, sql: str) -> ResultHeader:
        """Begin a result in the text protocol."""
        with self._asking() as link:
            header = ResultHeader(link.ask(sql), link.sequence)
            self._reading = bool(header.columns)
        return header

    def prepare(self, sql: str) -> Prepared:
        """Let the server parse a statement. It is forgotten with `close_prepared`, or with the session."""
        with self._asking() as link:
            return Prepared(*link.prepare(sql))

    def execute_prepared(self, prepared: Prepared) -> ResultHeader:
        """Begin a result in the binary protocol."""
        with self._asking() as link:
            header = ResultHeader(link.execute_prepared(prepared.number), link.sequence)
            self._reading = bool(header.columns)
        return header

    def close_prepared(self, prepared: Prepared) -> None:
        with self._asking() as link:
            link.close_prepared(prepared.number)

    def receive_into(self, view: memoryview) -> int:
        """Fill some of `view` with the raw bytes of the result that was begun; 0 when the server has hung up."""
        self.raise_if_interrupted()
        link = self._opened()
        with self._telling_interrupts():
            count = link.receive_into(view)
            if not count:
                self.raise_if_interrupted()
            return count

    def end_read(self) -> None:
        """The result has been received to its end: the session can be used again."""
        self._reading = False

    def discard(self) -> None:
        """End the session without a word, as when the rest of a result is not wanted; `open` begins another."""
        link, self._link = self._link, None
        self._reading = False
        if link is not None:
            link.drop()
        self._line.let_go()

    @classmethod
    def _classify(cls, error: Exception) -> OsirisError:
        return failures.known(error) or super()._classify(error)

    @property
    def _connect_s(self) -> float:
        return float(self.connection.get("connect_timeout_s", CONNECT_S))

    def _new_link(self, context: HeldContext | None, login: Login) -> Link:
        return Link(login, context, required=self.connection.get("ssl_mode", "preferred") != "preferred")

    @property
    def _login(self) -> Login:
        return Login(
            host=self.host,
            user=str(self.connection["user"]),
            password=str(self.connection.get("password", "")),
            database=self.database,
            charset=self.connection.get("charset", "utf8mb4"),
            timeout_s=self._connect_s,
            local_infile=bool(self.connection.get("local_infile", False)),
        )

    def _begin(self) -> None:
        """Run `init_sql`; of a session that looks only, without the statements that write."""
        given = self.connection.get("init_sql", [])
        for statement in [given] if isinstance(given, str) else given:
            try:
                self.execute(statement)
            except pymysql.err.MySQLError as error:
                if self.connection.look_only and failures.number_of(error) == failures.READ_ONLY:
                    continue
                known = self.classify(error)
                known.message = f"init_sql: {known.message}"
                raise known from error
        if not self._opened().get_autocommit():
            self.execute("SET SESSION autocommit = 1")  # or what is staged would end with the session

    def _kill(self) -> None:
        """Let the server end the statement that nobody waits for any more: it may hold locks for hours.

        Best effort, over a second connection: a proxy in between, or a name that leads elsewhere now, ends it unsent.
        """
        line, server = Line(), self.server
        try:
            login = replace(self._login, database=None, timeout_s=KILL_S)
            link = self._new_link(tls.context(self.connection, line.hold), login)
            link.log_in(line.connect(self._addresses, KILL_S))
            ((place,),) = link.run(f"SELECT {session.PLACE}", ())[1]
            if place == server.place:
                link.run(f"KILL {server.connection_id}", ())
            link.drop()
        except (OSError, OsirisError, pymysql.err.MySQLError) as error:
            log.debug("a statement may still run on %s: %s", self.where, type(error).__name__)
        finally:
            line.let_go()

    @contextlib.contextmanager
    def _asking(self) -> Generator[Link]:
        """The link, free for a statement."""
        self.raise_if_interrupted()
        link = self._opened()
        if self._reading:
            raise InternalError("a statement was sent in the middle of a result", code="mysql.reading")
        with self._telling_interrupts():
            yield link

    def _opened(self) -> Link:
        """The link. A session that was lost is not replaced: its transaction and settings are gone too."""
        if self._link is None:
            raise NetworkFailed("the connection to the server is closed")
        return self._link

    @contextlib.contextmanager
    def _telling_interrupts(self) -> Generator[None]:
        """What fails after `interrupt` failed because of it."""
        try:
            yield
        except Exception as error:
            self._left_running = self._is_sole and (self._line.is_cut or failures.is_silence(error))
            if self._line.is_cut and not isinstance(error, Cancelled):
                raise Cancelled("stopped while the server was at work") from error
            raise

    @contextlib.contextmanager
    def _telling_of_login(self) -> Generator[None]:
        """Who does not answer a login may be no server at all; and a refused one may be for want of encryption: MariaDB
        then says no more than that access is denied."""
        try:
            yield
        except pymysql.err.OperationalError as error:
            if failures.is_silence(getattr(error, "original_exception", error)):
                raise TimedOut(
                    f"{self.where} takes the connection, but then says nothing for {self._connect_s:g} s",
                    hint="check host and port, and what is in between; for a slow server raise connect_timeout_s",
                ) from error
            if failures.number_of(error) != ER.ACCESS_DENIED_ERROR or self.encryption is not None:
                raise
            known = self.classify(error)
            known.hint = "if the account or the server wants encryption: ssl_mode: required"
            raise known from error

    @property
    def _is_sole(self) -> bool:
        """Whether the server's number of the session is that of this connection: behind a proxy it is not."""
        link, server = self._link, self._server
        if link is None or server is None or server.place is None:
            return False
        return link.number == server.connection_id & 0xFFFFFFFF
