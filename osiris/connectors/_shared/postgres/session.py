"""`Session`: a connection of psycopg that looks up while it waits, so that another thread can end the waiting."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Final, TypeVar

import psycopg
from psycopg import generators, waiting
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

LOOK_S: Final = 0.05
"""How long a wait goes on before it looks up."""
CANCEL_S: Final = 0.5
"""How long asking the server to end a statement may take."""
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

    def begin_copy(self, sql: str) -> None:
        """Begin a COPY … TO STDOUT, whose rows `copied` then gives."""
        self.pgconn.send_query(sql.encode())
        self._check(self.wait(generators.execute(self.pgconn)), ExecStatus.COPY_OUT)

    def copied(self, most_bytes: int) -> Generator[list[memoryview]]:
        """The messages of the copy, about `most_bytes` at a time; ends when the server says that it ended well.

        The server sends a message for each row, and libpq gives them one by one: this is all that is done for each.
        """
        take, rows, size = self.pgconn.get_copy_data, list[memoryview](), 0
        while (taken := take(1))[0] >= 0:
            if not taken[0]:
                self.wait(_arrival(self.pgconn))
                continue
            rows.append(taken[1])
            size += taken[0]
            if size >= most_bytes:
                yield rows
                rows, size = [], 0
        self._check(self.wait(generators.fetch_many(self.pgconn)), ExecStatus.COMMAND_OK)
        if rows:
            yield rows

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
