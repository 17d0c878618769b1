"""`Session`: a connection of psycopg that looks up while it waits, so that another thread can end the waiting."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Final, TypeVar

import psycopg
from psycopg import generators, waiting
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from osiris.connectors._shared.line import received
from osiris.connectors._shared.postgres.answer import Answer, Rows
from osiris.errors import SourceError

LOOK_S: Final = 0.05
"""How long a wait goes on before it looks up."""
CANCEL_S: Final = 0.5
"""How long asking the server to end a statement may take."""
RECEIVE_BYTES: Final = 256 * 1024
"""How much of an answer is received before it is looked at."""
_EMPTY_QUERY: Final = b"Q\0\0\0\5\0"
R = TypeVar("R")
Look = Callable[[float], None]
"""Is told for how many seconds the server has been silent; ends the waiting when it raises."""


class Session(psycopg.Connection[tuple[Any, ...]]):
    """In autocommit mode, without prepared statements, which a pooler would lose; `look` is set once it is made."""

    look: Look

    @classmethod
    def begun(cls, parameters: Mapping[str, str], at_login: Look, look: Look) -> Session:
        """A session that is logged in. Names of hosts are not resolved here: libpq would block on that."""
        waiting_for = generators.connect(make_conninfo("", **parameters))
        made = cls(waiting.wait_conn(_looking(waiting_for, at_login), interval=LOOK_S))
        made.look = look
        made.autocommit = True
        made.prepare_threshold = None
        return made

    def wait(self, gen: PQGen[R], interval: float = LOOK_S, timeout: float | None = None) -> R:
        return super().wait(_looking(gen, self.look), interval=interval, timeout=timeout)

    def described(self, sql: str) -> PGresult:
        """The columns that a statement will give, without running it. The server takes one statement only.

        It stays the unnamed prepared statement of the session: behind a pooler this is for transactions only.
        """
        self.pgconn.send_prepare(b"", sql.encode())
        self._check(self.wait(generators.execute(self.pgconn)), ExecStatus.COMMAND_OK)
        self.pgconn.send_describe_prepared(b"")
        results = self.wait(generators.execute(self.pgconn))
        self._check(results, ExecStatus.COMMAND_OK)
        described: PGresult = results[-1]
        return described

    def copied(self, sql: str, most_bytes: int) -> Generator[Rows]:
        """The rows of a COPY … TO STDOUT, about `most_bytes` at a time; ends once the server says that all is well."""
        return self._received(sql, most_bytes) if self._is_plain else self._taken(sql, most_bytes)

    @property
    def _is_plain(self) -> bool:
        """Whether what comes through the socket is the protocol itself, not encrypted."""
        gss = {option.keyword: option.val for option in self.pgconn.info}[b"gssencmode"]
        return not self.pgconn.ssl_in_use and gss == b"disable"

    def _received(self, sql: str, most_bytes: int) -> Generator[Rows]:
        """From the socket itself, since libpq gives one row at a time: docs/decisions/0009-postgres-reading.md.

        libpq does not see the answer. It is asked nothing meanwhile, and gets another one to the same effect after it.
        """
        answer = Answer(most_bytes)
        self.pgconn.send_query(sql.encode())
        self.wait(_sending(self.pgconn))
        while not answer.finished:
            self._receive(answer)
            if answer.is_full:
                yield answer.rows()
                answer.discard()
        _write(self.pgconn.socket, _EMPTY_QUERY)
        self._check(self.wait(generators.fetch_many(self.pgconn)), ExecStatus.EMPTY_QUERY)
        if answer.error:
            raise _error(answer.error, self.info.encoding)
        if len(rows := answer.rows()):
            yield rows

    def _receive(self, answer: Answer) -> None:
        """What has come. The session is closed when that is not the next part of an answer, or nothing more comes."""
        try:
            count = self.wait(_arriving(self.pgconn.socket, answer.space()[:RECEIVE_BYTES]))
            if not count:
                told = answer.error and _error(answer.error, self.info.encoding)
                raise told or psycopg.OperationalError("server closed the connection unexpectedly")
            answer.received(count)
        except OSError as error:
            self.close()
            raise psycopg.OperationalError(f"the connection was lost: {error.strerror or error}") from error
        except (psycopg.Error, SourceError):
            self.close()
            raise

    def _taken(self, sql: str, most_bytes: int) -> Generator[Rows]:
        """From libpq, which decrypts them."""
        self.pgconn.send_query(sql.encode())
        self._check(self.wait(generators.execute(self.pgconn)), ExecStatus.COPY_OUT)
        take, rows, size = self.pgconn.get_copy_data, list[memoryview](), 0
        while (taken := take(1))[0] >= 0:
            if not taken[0]:
                self.wait(_arrival(self.pgconn))
                continue
            rows.append(taken[1])
            size += taken[0]
            if size >= most_bytes:
                yield Rows.of(rows)
                rows, size = [], 0
        self._check(self.wait(generators.fetch_many(self.pgconn)), ExecStatus.COMMAND_OK)
        if rows:
            yield Rows.of(rows)

    def abandon(self) -> None:
        """Ask the server to end what it is doing, and close: the session is of no use any more."""
        if not self.closed and self.info.transaction_status is psycopg.pq.TransactionStatus.ACTIVE:
            with contextlib.suppress(psycopg.Error, OSError):
                self.cancel_safe(timeout=CANCEL_S)
        self.close()

    def _check(self, results: Sequence[PGresult], wanted: ExecStatus) -> None:
        """Raises the error of the last result, unless it is of the status that is wanted."""
        last = results[-1]
        if last.status == wanted:
            return
        if last.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(last, encoding=self.info.encoding)
        raise psycopg.ProgrammingError(f"the server gives {ExecStatus(last.status).name} in place of {wanted.name}")


def _sending(pgconn: PGconn) -> PQGen[None]:
    """Wait until all is sent that libpq has to send. It has nothing to receive meanwhile."""
    while pgconn.flush():
        while not (yield waiting.Wait.W):
            pass


def _arriving(number: int, view: memoryview) -> PQGen[int]:
    """Wait until the server has sent something, and put it into `view`; 0 when it has hung up."""
    while True:
        with _borrowed(number) as sock, contextlib.suppress(BlockingIOError):
            return received(sock, view)
        while not (yield waiting.Wait.R):
            pass


def _write(number: int, message: bytes) -> None:
    with _borrowed(number) as sock:
        sock.sendall(message)


@contextlib.contextmanager
def _borrowed(number: int) -> Generator[socket.socket]:
    """libpq's socket of this number, which stays libpq's."""
    sock = socket.socket(fileno=number)
    try:
        yield sock
    finally:
        sock.detach()


def _error(fields: Mapping[int, bytes], encoding: str) -> psycopg.Error:
    """The error that the server told, as psycopg makes it."""
    known: dict[int, bytes | None] = dict(fields)
    text = fields.get(DiagnosticField.MESSAGE_PRIMARY, b"").decode(encoding, "replace")
    made: type[psycopg.Error]
    try:
        made = psycopg.errors.lookup(fields[DiagnosticField.SQLSTATE].decode("ascii", "replace"))
    except KeyError:
        made = psycopg.DatabaseError
    return made(text, info=known, encoding=encoding)


def _arrival(pgconn: PGconn) -> PQGen[None]:
    """Wait until the server has sent something."""
    while not (yield waiting.Wait.R):
        pass
    pgconn.consume_input()


def _looking(waits: Generator[Any, Any, R], look: Look) -> Generator[Any, Any, R]:
    """`waits`, with `look` called each time that there was nothing to go on with."""
    since = time.monotonic()
    try:
        wanted = next(waits)
        while True:
            ready = yield wanted
            if ready:
                since = time.monotonic()
            else:
                look(time.monotonic() - since)
            wanted = waits.send(ready)
    except StopIteration as end:
        given: R = end.value
        return given
