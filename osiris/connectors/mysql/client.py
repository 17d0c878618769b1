"""The client of one MySQL or MariaDB server: open, close, interrupt, ask, and read results from below."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from osiris.connectors import base
from osiris.connectors.base import Check, Connection, Dataset, Discovers, Resource
from osiris.connectors.mysql import failures, session, tls
from osiris.connectors.mysql.line import Address, Line
from osiris.connectors.mysql.link import Columns, Link, Login
from osiris.connectors.mysql.names import Name
from osiris.connectors.mysql.session import Flavour, Server
from osiris.errors import Cancelled, ConfigError, NetworkFailed, OsirisError, TimedOut

CONNECT_S = 10.0
"""How long name, connection, TLS and login may take, each, unless the connection says otherwise."""


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


class Client(base.Client, Discovers):
    """One session in autocommit mode. Errors are PyMySQL's, or ours where there is more to say; `classify` maps them.

    A result that `query` or `execute_prepared` began is read with `receive_into` to its end, then `end_read`; what is
    asked before that ends it, and goes to a new session.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._line = Line()
        self._link: Link | None = None
        self._server: Server | None = None
        self._reading = False

    # the session

    def open(self) -> None:
        if self._link is None:
            self.log_in(self.connect(self.addresses()))

    def addresses(self) -> list[Address]:
        """Where the server is: of a socket file, or what the host's name is resolved to."""
        path = self.connection.get("unix_socket")
        if path:
            return [(socket.AF_UNIX, str(path))]
        return self._line.resolve(self.host, self.port, self._connect_s)

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
            context = tls.context(self.connection, self._line.hold)
            link = Link(self._login(), context, required=self.connection.get("ssl_mode") not in (None, "preferred"))
        except BaseException:
            sock.close()
            raise
        with self._telling_interrupts():
            link.log_in(sock)
        self._link = link
        try:
            self._server = session.describe(self)
            session.prepare(self.execute, self._server)
            for statement in self._init_sql():
                self.execute(statement)
            link.wait_at_most(self.connection.get("read_timeout_s"), self.connection.get("write_timeout_s"))
        except BaseException:
            self.discard()
            raise

    def close(self) -> None:
        link, self._link = self._link, None
        self._reading = False
        if link is not None:
            with contextlib.suppress(Exception):
                link.close()
        self._line.let_go()

    def reopen(self) -> None:
        """A new session in place of this one, as after a loss; an interrupt still holds."""
        self.close()
        self.open()

    def interrupt(self) -> None:
        self._line.cut()

    def raise_if_interrupted(self) -> None:
        self._line.raise_if_cut()

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
    def server(self) -> Server:
        """What the server is; known once the client is open."""
        if self._server is None:
            self.open()
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

    def load_local(self, sql: str, chunks: Iterable[bytes]) -> int:
        """LOAD DATA LOCAL INFILE with `chunks` as the file, whatever the statement calls it; returns affected rows.

        Needs `local_infile: true` on the connection. When `chunks` raises, the session ends: nothing is loaded.
        """
        if not self.connection.get("local_infile", False):
            raise ConfigError(
                f"{self.connection.reference} does not allow LOAD DATA LOCAL",
                code="mysql.local_infile",
                hint="set local_infile: true on the connection, if the server allows it too",
            )
        with self._asking() as link:
            try:
                return link.load(sql, chunks)
            except Exception as error:
                if failures.number_of(error) is None:  # not the server's answer: it still waits for the rest
                    self.discard()
                raise

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

    # contract

    def checks(self, resources: Sequence[str] = ()) -> Sequence[Check]:
        return (Check("auth.login", self._check_login),)

    def discover(self, like: str | None = None) -> Iterator[Resource]:
        return iter(())

    @classmethod
    def _classify(cls, error: Exception) -> OsirisError:
        return failures.known(error) or super()._classify(error)

    def _check_login(self) -> str:
        self.open()
        return f"{self.where} opened"

    @property
    def _connect_s(self) -> float:
        return float(self.connection.get("connect_timeout_s", CONNECT_S))

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

    def _init_sql(self) -> list[str]:
        given = self.connection.get("init_sql", [])
        return [given] if isinstance(given, str) else list(given)

    @contextlib.contextmanager
    def _asking(self) -> Generator[Link]:
        """The link, free for a statement; a read that was left early is ended first."""
        self.raise_if_interrupted()
        if self._reading:
            self.discard()
            self.open()
        link = self._opened()
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
            if self._line.is_cut and not isinstance(error, Cancelled):
                raise Cancelled("stopped while the server was at work") from error
            raise
