"""What a driver is bound to: the connector class, its connection and options, and the run's context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from osiris.connectors.base import Client, Connection, Options
from osiris.connectors.pool import Group
from osiris.step import Context


@dataclass(frozen=True, slots=True)
class Bound:
    """One step, ready to be driven. `connection` is None for a processor, which has no client."""

    implementation: type[Any]
    connection: Connection | None
    options: Options
    context: Context
    clients: Group

    def client(self) -> Client:
        """An open client from the flow's group; give it back or drop it."""
        assert self.connection is not None, "only steps with a connection take a client"
        return self.clients.take(self.connection)

    def instance(self, client: Client) -> Any:
        """The connector's extractor or writer over `client`."""
        return self.implementation(client, self.options, self.context.workspace)
