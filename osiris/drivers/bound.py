"""What a driver is bound to: the connector class, its connection and options, and the run's context."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from osiris.connectors.base import Client, Connection, Options
from osiris.connectors.pool import Group
from osiris.errors import OsirisError
from osiris.step import Context


@dataclass(frozen=True, slots=True)
class Bound:
    """One step, ready to be driven. `connection` is None for a processor, which has no client."""

    implementation: type[Any]
    connection: Connection | None
    options: Options
    context: Context
    clients: Group

    def client(self, watch: Callable[[Client], None] | None = None) -> Client:
        """An open client from the flow's group; give it back or drop it. `watch` is given it before it is opened."""
        assert self.connection is not None, "only steps with a connection take a client"
        return self.clients.take(self.connection, watch=watch)

    def unopened(self) -> Client:
        """A client that is not open, and that nobody looks after."""
        assert self.connection is not None, "only steps with a connection take a client"
        return self.clients.pool.make(self.connection)

    @contextmanager
    def lease(self, *, reuse: bool) -> Generator[Client]:
        """An open client for one piece of work; without `reuse` one that was opened for it."""
        assert self.connection is not None, "only steps with a connection take a client"
        with self.clients.lease(self.connection, reuse=reuse) as client:
            yield client

    def instance(self, client: Client) -> Any:
        """The connector's extractor or writer over `client`."""
        return self.implementation(client, self.options, self.context.workspace)


@contextmanager
def classifying(classify: Callable[[Exception], OsirisError]) -> Generator[None]:
    """Let only OsirisErrors out, the others as `classify` sees them."""
    try:
        yield
    except OsirisError:
        raise
    except Exception as error:
        raise classify(error) from error
