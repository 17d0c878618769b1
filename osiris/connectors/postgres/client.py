"""The client of a PostgreSQL server, named by a connection string or by fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from osiris.connectors._shared.postgres import checks, discovery, fields
from osiris.connectors._shared.postgres.channel import Channel, Limits
from osiris.connectors.base import Check, Discovers, Resource


class Client(Channel, Discovers):
    """What extractor, writer, doctor and discovery share: see `Channel` for what can be asked of it."""

    def parameters(self) -> Mapping[str, str]:
        return fields.parameters(self.connection)

    @property
    def limits(self) -> Limits:
        return fields.limits(self.connection)

    def checks(self, resources: Sequence[str] = ()) -> Sequence[Check]:
        return checks.of(self, resources)

    def discover(self, like: str | None = None) -> Iterator[Resource]:
        return discovery.resources(self, like)
