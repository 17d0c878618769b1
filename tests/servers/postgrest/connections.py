"""`Connections`: those of the stand-in to its database; one hears when the schema cache shall be loaded again."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from typing import Any

import psycopg

from tests.servers.postgres import Database
from tests.servers.postgrest.errors import Failure

Connection = psycopg.Connection[tuple[Any, ...]]


class Connections:
    """As many as there are requests at once; kept for the next ones."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._listening: Connection | None = None
        self._lock = threading.Lock()

    def take(self) -> Connection:
        """One that answers: the server may have ended those that lay idle."""
        with suppress(queue.Empty):
            while True:
                connection = self._idle.get_nowait()
                with suppress(psycopg.Error):
                    connection.execute("SELECT 1")
                    return connection
        try:
            return self._database.connect()
        except psycopg.OperationalError as error:
            text = "Database connection error. Retrying the connection."
            raise Failure(503, "PGRST000", text, str(error).strip()) from error

    def give_back(self, connection: Connection) -> None:
        if not connection.closed:
            self._idle.put(connection)

    def notified(self) -> bool:
        """Whether somebody said NOTIFY pgrst since the last call. What was said while nobody listened is lost."""
        with self._lock:
            try:
                if self._listening is None:
                    self._listening = self.take()
                    self._listening.execute("LISTEN pgrst")
                return any(True for _ in self._listening.notifies(timeout=0))
            except psycopg.Error:
                self._listening = None
                return True

    def close(self) -> None:
        if self._listening is not None:
            self._listening.close()
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()
