"""Faults that show on a connection which breaks or falls silent; made of the test connector socketdb."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar

from osiris import sdk
from tests.kit.broken import Fault
from tests.plugins.socketdb.osiris_socketdb import client, extractor, writer


class NetworkFault(Fault):
    """A fault of a connector to a server."""

    caught_by = ""
    base = "socketdb"
    roles = ("extractor", "writer")
    Client = client.Client
    Extractor = extractor.Extractor
    Writer = writer.Writer


class _Deaf(client.Client):
    """Once it waits for the answer to a request of the kind `deaf_to`, an interrupt does not reach the socket."""

    deaf_to: ClassVar[str]
    waiting_for = ""

    def stream(self, do: str, **rest: Any) -> Generator[list[list[Any]], None, Any]:
        self.waiting_for = do
        answers = super().stream(do, **rest)
        while True:
            try:
                rows = next(answers)
            except StopIteration as stop:
                self.waiting_for = ""
                return stop.value
            yield rows
            if self._stopped.is_set():
                raise sdk.Cancelled("the connection was interrupted")

    def interrupt(self) -> None:
        if self.waiting_for == self.deaf_to:
            self._stopped.set()
        else:
            super().interrupt()


class DeafToSilenceInARead(NetworkFault):
    """An interrupt is heard between two answers, and not while one is waited for."""

    caught_by = "test_interrupt_ends_a_read_that_gets_no_answer"

    class Client(_Deaf):
        deaf_to = "read"


class DeafToSilenceInAWrite(NetworkFault):
    """The same while rows are sent."""

    caught_by = "test_interrupt_ends_a_write_that_gets_no_answer"

    class Client(_Deaf):
        deaf_to = "stage"


class ConnectsAgainWithoutTheRows(NetworkFault):
    """When the connection breaks it makes a new one, and goes on with the rows that come next."""

    caught_by = "test_a_write_whose_connection_breaks_is_whole_or_an_error"

    class Client(client.Client):
        def ask(self, do: str, **rest: Any) -> Any:
            try:
                return super().ask(do, **rest)
            except ConnectionError:
                if do != "stage":
                    raise
                self.close()
                self.open()
                return len(rest["rows"])


class ALostCommitIsASuccess(NetworkFault):
    """When no answer comes to the commit it is taken for done."""

    caught_by = "test_a_commit_whose_connection_breaks_can_be_settled"

    class Writer(writer.Writer):
        def commit(self, token: sdk.Token, parts: Sequence[sdk.Part], state: sdk.State | None) -> sdk.Written:
            try:
                return super().commit(token, parts, state)
            except ConnectionError:
                return sdk.Written(sum(part.rows for part in parts))
