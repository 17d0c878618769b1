"""`Channel`: one session with a server. Opens, closes, interrupts, asks, and moves rows by COPY."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import psycopg

from osiris.connectors._shared import names
from osiris.connectors._shared.line_client import LineClient
from osiris.connectors._shared.postgres import failures
from osiris.connectors._shared.postgres.answer import Rows
from osiris.connectors._shared.postgres.names import Name
from osiris.connectors._shared.postgres.place import Place
from osiris.connectors._shared.postgres.session import Session
from osiris.connectors.base import Connection, Dataset
from osiris.errors import Cancelled, InternalError, NetworkFailed, OsirisError, TimedOut

SNAPSHOT: Final = "ISOLATION LEVEL REPEATABLE READ, READ ONLY"
"""For `begin`: all statements see the database as it was at the first of them, and none may write."""
CHUNK_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect, that the server may be silent, that a statement may take, and may wait for a lock."""

    connect_s: float = 10
    silence_s: float | None = None
    statement_s: float | None = None
    lock_s: float = 120


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """`type` and `modifier` as pg_attribute has them; `table` and `number` are the column's that it comes straight
    from, 0 for an expression."""

    name: str
    type: int
    modifier: int
    table: int
    number: int


class Channel(LineClient):
    """A session in autocommit mode. Errors are psycopg's, or ours where there is more to say; `classify` maps them.

    Nothing is set for the session, since behind a pooler it is shared: `begin` sets what holds for a transaction.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._session: Session | None = None
        self._copying = False

    # what a family says of its connections

    @abstractmethod
    def parameters(self) -> Mapping[str, str]:
        """What libpq is to be told (host, port, user, dbname, sslmode …), secrets and all."""

    @property
    def limits(self) -> Limits:
        return Limits()

    @property
    def schema(self) -> str:
        """In which a table is that is named without one."""
        return str(self.connection.get("schema", "public"))

    # the session

    @cached_property
    def place(self) -> Place:
        """Where the server is, and who comes."""
        return Place.of(self.parameters())

    def open(self) -> None:
        if self._session is None:
            self.log_in(self.resolved())

    def resolved(self) -> dict[str, str]:
        """What libpq is told, the hosts' addresses with it."""
        return self.place.resolved(self._line, self.limits.connect_s)

    def probe(self) -> None:
        """Connect to the first host that answers, without a word, and leave it."""
        for place, (host, port) in enumerate(self.place.hosts, 1):
            try:
                self._line.connect(self._line.resolve(host, port, self.limits.connect_s), self.limits.connect_s)
                return
            except OSError as error:
                if place == len(self.place.hosts):
                    raise _unreachable(self.where, error) from error
            finally:
                self._line.let_go()

    def log_in(self, parameters: Mapping[str, str]) -> None:
        """Connect, agree on TLS and log in, at the addresses of `Place.resolved`."""
        self.raise_if_interrupted()
        self._session = Session.begun(parameters, self._look_at_login, self._look)

    def close(self) -> None:
        session, self._session = self._session, None
        self._copying = False
        if session is not None:
            session.abandon()

    @property
    def is_open(self) -> bool:
        return self._session is not None and not self._session.closed

    @property
    def is_encrypted(self) -> bool:
        return self._session is not None and bool(self._session.pgconn.ssl_in_use)

    @property
    def session(self) -> Session:
        """That of psycopg. One that was lost is not replaced: its transaction is gone too."""
        if self._session is None or self._session.closed:
            raise NetworkFailed("the connection to the server is closed", code="connection.lost")
        return self._session

    @property
    def version(self) -> int:
        """The server's, as libpq has it: 150018 is 15.18."""
        return self.session.info.server_version

    @property
    def where(self) -> str:
        """The server's place, for people."""
        return self.place.shown

    @property
    def database(self) -> str:
        return self.place.database

    def dataset(self, name: Name) -> Dataset:
        return Dataset(f"postgres://{self.where}", f"{self.database}.{name}")

    def name_of(self, text: str) -> Name:
        """The table that a dataset's name means, or a text as in an option."""
        inner = text.removeprefix(f"{self.database}.")
        is_whole = inner != text and names.split(inner, None, Name.MARK)[0] is not None
        return Name.of(inner if is_whole else text, None, self.schema)

    # asking

    def rows(self, sql: str, args: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a statement with a small result. With `args`, `%s` stands for each and `%%` for a percent sign."""
        with self._asking() as session:
            cursor = session.execute(sql.encode(), args or None)
            return list(cursor) if cursor.description else []

    def execute(self, sql: str, args: Sequence[object] = ()) -> int:
        """Run a statement that gives no rows; returns how many it affected. `args` as in `rows`; without any, there
        may be several statements, with semicolons between them."""
        with self._asking() as session:
            return session.execute(sql.encode(), args or None).rowcount

    def described(self, sql: str) -> tuple[ResultColumn, ...]:
        """The columns that a statement will give, without running it; none for a statement that gives no rows. The
        server refuses several statements, whatever is between them. For transactions only."""
        with self._asking() as session:
            found = session.described(sql)
            encoding = session.info.encoding
            return tuple(
                ResultColumn(
                    (found.fname(place) or b"").decode(encoding),
                    found.ftype(place),
                    found.fmod(place),
                    found.ftable(place),
                    found.ftablecol(place),
                )
                for place in range(found.nfields)
            )

    def begin(self, mode: str = "ISOLATION LEVEL READ COMMITTED", snapshot: str | None = None) -> None:
        """Begin a transaction, in which times are shown in UTC and numbers in full whatever the server is set to.

        `mode` is what BEGIN takes; `snapshot` names one that another session exported.
        """
        imported = f"SET TRANSACTION SNAPSHOT '{snapshot}'; " if snapshot is not None else ""
        limits = self.limits
        wanted = {
            **SETTINGS,
            "statement_timeout": f"'{round((limits.statement_s or 0) * 1000)}'",
            "lock_timeout": f"'{round(limits.lock_s * 1000)}'",
        }
        if self.version >= 170000:
            wanted["transaction_timeout"] = "0"
        self.execute(f"BEGIN {mode}; {imported}" + "; ".join(f"SET LOCAL {name} = {to}" for name, to in wanted.items()))

    def rollback(self) -> None:
        """End an open transaction without its effects; nothing where there is none, or no session."""
        if self.is_open and self.session.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
            with contextlib.suppress(psycopg.Error):
                self.execute("ROLLBACK")

    def copy_in(self, sql: str, chunks: Iterable[bytes | memoryview]) -> int:
        """COPY … FROM STDIN of `chunks`; returns how many rows it was. What `chunks` raises ends the statement."""
        with self._asking() as session, session.cursor() as cursor:
            with cursor.copy(sql.encode()) as copy:
                for chunk in chunks:
                    copy.write(chunk)
            return cursor.rowcount

    def copy_out(self, sql: str, chunk_bytes: int = CHUNK_BYTES) -> Generator[Rows]:
        """The rows of a COPY … TO STDOUT, about `chunk_bytes` of them at a time, each valid until the next are asked
        for.

        Ends once the server has said that all was sent; nothing else can be asked before that. Left early, it leaves
        the session in the middle of a result: it can only be closed then.
        """
        with self._asking() as session:
            pieces = session.copied(sql, chunk_bytes)
        self._copying = True
        while piece := self._next(session, pieces):
            yield piece
        self._copying = False

    def _next(self, session: Session, pieces: Iterator[Rows]) -> Rows | None:
        self.raise_if_interrupted()
        with self._telling(session):
            return next(pieces, None)

    @classmethod
    def _classify(cls, error: Exception) -> OsirisError:
        return failures.known(error) or super()._classify(error)

    @contextlib.contextmanager
    def _asking(self) -> Generator[Session]:
        """The session, free for a statement."""
        self.raise_if_interrupted()
        session = self.session
        if self._copying and session.info.transaction_status is psycopg.pq.TransactionStatus.ACTIVE:
            raise InternalError("a statement was sent in the middle of a result", code="postgres.reading")
        with self._telling(session):
            yield session

    @contextlib.contextmanager
    def _telling(self, session: Session) -> Generator[None]:
        """A session in which the waiting was ended is of no use any more."""
        try:
            yield
        except (Cancelled, TimedOut):
            session.abandon()
            raise

    def _look(self, silent_s: float) -> None:
        if self._line.is_cut:
            raise Cancelled("stopped while the server was at work")
        most = self.limits.silence_s
        if most is not None and silent_s > most:
            raise TimedOut(
                f"the server was silent for {most:g} s, longer than the connection allows",
                hint="see what the server is busy with, or raise read_timeout_s",
            )

    def _look_at_login(self, silent_s: float) -> None:
        if self._line.is_cut:
            raise Cancelled("stopped while the server was at work")
        if silent_s > self.limits.connect_s:
            raise TimedOut(
                f"no answer from {self.where} within {self.limits.connect_s:g} s",
                hint="check host and port, and that no firewall is in between",
            )


def _unreachable(where: str, error: OSError) -> OsirisError:
    if isinstance(error, TimeoutError):
        return TimedOut(f"no answer from {where}", hint="check host and port, and that no firewall is in between")
    return NetworkFailed(
        f"{where} cannot be reached: {error.strerror or error}",
        hint="check host and port, and that the server runs and listens there",
    )


SETTINGS: Final = {
    "TimeZone": "'UTC'",
    "DateStyle": "'ISO, YMD'",
    "IntervalStyle": "'postgres'",
    "extra_float_digits": "1",
    "bytea_output": "'hex'",
    "xmlbinary": "'base64'",
    "xmloption": "content",
    "array_nulls": "on",
    "idle_in_transaction_session_timeout": "0",  # a snapshot is held while others read in it
}
"""What texts of values depend on: https://www.postgresql.org/docs/current/runtime-config-client.html"""
