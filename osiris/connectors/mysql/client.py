"""The client of a MySQL or MariaDB server: a `Channel` that can also be diagnosed and looked through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from osiris.connectors.base import Check, Discovers, Resource
from osiris.connectors.mysql import checks, discovery
from osiris.connectors.mysql.channel import Channel, Prepared, ResultHeader

__all__ = ["Client", "Prepared", "ResultHeader"]


class Client(Channel, Discovers):
    """What extractor, writer, doctor and discovery share: see `Channel` for what can be asked of it."""

    def checks(self, resources: Sequence[str] = ()) -> Sequence[Check]:
        return checks.of(self, resources)

    def discover(self, like: str | None = None) -> Iterator[Resource]:
        return discovery.resources(self, like)
