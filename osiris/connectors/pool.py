"""Open clients, taken and given back: one place that opens, reuses, interrupts and closes them for every family."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from osiris.connectors.base import Client, Connection
from osiris.connectors.registry import Registry
from osiris.errors import Cancelled
from osiris.secrets import redactor

log = logging.getLogger(__name__)
IDLE_S = 30.0


class Pool:
    """Keeps idle clients for `IDLE_S`; an interrupted or failed one is never used again. Thread-safe."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._lock = threading.Lock()
        self._idle: list[tuple[Connection, Client, float]] = []

    def group(self) -> Group:
        """The clients that one flow uses, so that it can interrupt all of them and nobody else's."""
        return Group(self)

    def make(self, connection: Connection) -> Client:
        """A client that is not open yet."""
        return self.registry.client(connection.family)(connection)

    def take_idle(self, connection: Connection) -> Client | None:
        """An open client of the same connection that nobody uses; None when there is none."""
        now = time.monotonic()
        with self._lock:
            old = [entry for entry in self._idle if now - entry[2] > IDLE_S]
            self._idle = [entry for entry in self._idle if now - entry[2] <= IDLE_S]
            found = next((entry for entry in self._idle if entry[0] == connection), None)
            if found is not None:
                self._idle.remove(found)
        for _, client, _ in old:
            close_quietly(client)
        return found[1] if found else None

    def give_back(self, client: Client) -> None:
        with self._lock:
            self._idle.append((client.connection, client, time.monotonic()))

    def close(self) -> None:
        """Close every idle client."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, client, _ in idle:
            close_quietly(client)


class Group:
    """The clients in use by one flow. After `interrupt` no further client is given out."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._lock = threading.Lock()
        self._used: list[Client] = []
        self._interrupted = False

    def take(
        self, connection: Connection, *, reuse: bool = True, watch: Callable[[Client], None] | None = None
    ) -> Client:
        """An open client: with `reuse` an idle one if there is any, else a new one.

        `interrupt` reaches it, also while it is being opened; `watch` is given it before that. Raises an OsirisError
        when it cannot be opened; then nothing stays open.
        """
        idle = self.pool.take_idle(connection) if reuse else None
        client = idle or self.pool.make(connection)
        with self._lock:
            stopped = self._interrupted
            if not stopped:
                self._used.append(client)
        if stopped:
            close_quietly(client)
            raise Cancelled("the run was stopped before this connection was opened")
        if watch is not None:
            watch(client)
        if idle is None:
            self._open(client)
        return client

    def _open(self, client: Client) -> None:
        try:
            client.open()
        except Exception as error:  # noqa: BLE001 - classify() is the one place that maps a library's errors
            self.drop(client)
            known = client.failure(error)
            raise known from known.__cause__

    def give_back(self, client: Client) -> None:
        """Return a client that works and has nothing open on it."""
        with self._lock:
            usable = client in self._used and not self._interrupted
            if client in self._used:
                self._used.remove(client)
        if usable:
            self.pool.give_back(client)
        else:
            close_quietly(client)

    def drop(self, client: Client) -> None:
        """Close a client that failed, was interrupted or still has work open; idempotent."""
        with self._lock:
            if client in self._used:
                self._used.remove(client)
        close_quietly(client)

    @contextmanager
    def lease(self, connection: Connection, *, reuse: bool = True) -> Generator[Client]:
        """A client for one piece of work: given back if it ends well, dropped if it raises."""
        client = self.take(connection, reuse=reuse)
        try:
            yield client
        except BaseException:
            self.drop(client)
            raise
        self.give_back(client)

    def interrupt(self) -> None:
        """End whatever the clients are blocked in; repeat until the threads have ended."""
        with self._lock:
            self._interrupted = True
            used = list(self._used)
        for client in used:
            interrupt_quietly(client)

    def close(self) -> None:
        """Drop every client that is still in use; none is given out any more."""
        with self._lock:
            self._interrupted = True
            used = list(self._used)
        for client in used:
            self.drop(client)


def close_quietly(client: Client) -> None:
    """Close; a failure to close is logged, since the work itself has already ended one way or the other."""
    try:
        client.close()
    except Exception as error:  # noqa: BLE001 - a foreign library may fail in any way while it closes
        log.debug("closing %s: %s", client.connection.reference, redactor.text(str(error)))


def interrupt_quietly(client: Client) -> None:
    """Interrupt; a failure to do so must not end the thread that watches over the run."""
    try:
        client.interrupt()
    except Exception as error:  # noqa: BLE001 - a foreign library may fail in any way while another thread uses it
        log.debug("interrupting %s: %s", client.connection.reference, redactor.text(str(error)))
