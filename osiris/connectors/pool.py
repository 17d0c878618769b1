"""Open clients, taken and given back: one place that opens, reuses, interrupts and closes them for every family."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator
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

    def take(self, connection: Connection, fresh: Client | None = None) -> Client:
        """An open client: an idle one of the same connection, else `fresh` (or a new one), opened now.

        Raises an OsirisError when it cannot be opened; then nothing stays open.
        """
        idle = self._take_idle(connection)
        if idle is not None:
            return idle
        client = fresh or self.make(connection)
        try:
            client.open()
        except Exception as error:
            close_quietly(client)
            raise client.classify(error) from error
        return client

    def make(self, connection: Connection) -> Client:
        return self.registry.client(connection.family)(connection)

    def give_back(self, client: Client) -> None:
        with self._lock:
            self._idle.append((client.connection, client, time.monotonic()))

    def close(self) -> None:
        """Close every idle client."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, client, _ in idle:
            close_quietly(client)

    def _take_idle(self, connection: Connection) -> Client | None:
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


class Group:
    """The clients in use by one flow. After `interrupt` no further client is given out."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._lock = threading.Lock()
        self._used: list[Client] = []
        self._interrupted = False

    def take(self, connection: Connection) -> Client:
        """An open client that `interrupt` reaches, also while it is being opened."""
        client = self.pool.make(connection)
        with self._lock:
            if self._interrupted:
                raise Cancelled("the run was stopped before this connection was opened")
            self._used.append(client)
        try:
            taken = self.pool.take(connection, fresh=client)
        except Exception:
            self.drop(client)
            raise
        if taken is not client:
            with self._lock:
                self._used[self._used.index(client)] = taken
        return taken

    def give_back(self, client: Client) -> None:
        """Return a client that works and has nothing open on it."""
        with self._lock:
            self._used.remove(client)
            interrupted = self._interrupted
        if interrupted:
            close_quietly(client)
        else:
            self.pool.give_back(client)

    def drop(self, client: Client) -> None:
        """Close a client that failed, was interrupted or still has work open; idempotent."""
        with self._lock:
            if client in self._used:
                self._used.remove(client)
        close_quietly(client)

    @contextmanager
    def lease(self, connection: Connection) -> Generator[Client]:
        """A client for one piece of work: given back if it ends well, dropped if it raises."""
        client = self.take(connection)
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
            client.interrupt()

    def close(self) -> None:
        """Drop every client that is still in use."""
        with self._lock:
            used = list(self._used)
        for client in used:
            self.drop(client)


def close_quietly(client: Client) -> None:
    """Close; a failure to close is logged, since the work itself has already ended one way or the other."""
    try:
        client.close()
    except Exception as error:  # noqa: BLE001 - a foreign library may fail in any way while it closes
        log.debug("closing %s: %s", client.connection.reference, redactor.text(str(error)))
