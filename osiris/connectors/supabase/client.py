"""The client of a Supabase project, by one of two transports: PostgreSQL's own protocol, or REST."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property

from osiris.connectors import base
from osiris.connectors._shared.postgres import failures
from osiris.connectors.base import Check, Connection, Resource
from osiris.connectors.supabase.by_rest import ByRest
from osiris.connectors.supabase.by_sql import BySql, is_given
from osiris.connectors.supabase.transport import Transport
from osiris.errors import OsirisError

log = logging.getLogger(__name__)


class Client(base.Client, base.Discovers):
    """Does everything by its `transport`."""

    @cached_property
    def transport(self) -> Transport:
        return _chosen(self.connection)

    def open(self) -> None:
        log.info("%s: %s", self.connection.reference, reason(self.connection))
        self.transport.open()

    def close(self) -> None:
        self.transport.close()

    def interrupt(self) -> None:
        self.transport.interrupt()

    def checks(self, resources: Sequence[str] = ()) -> Sequence[Check]:
        return self.transport.checks(resources)

    def discover(self, like: str | None = None) -> Iterator[Resource]:
        return self.transport.discover(like)

    @classmethod
    def _classify(cls, error: Exception) -> OsirisError:
        return failures.known(error) or super()._classify(error)


def _chosen(connection: Connection) -> Transport:
    """The one place where it is decided."""
    return BySql(connection) if _by_sql(connection) else ByRest(connection)


def _by_sql(connection: Connection) -> bool:
    given = connection.get("transport", "auto")
    return is_given(connection) if given == "auto" else bool(given == "postgres")


def reason(connection: Connection) -> str:
    """Which transport it is, and why."""
    name = "postgres" if _by_sql(connection) else "rest"
    if connection.get("transport", "auto") != "auto":
        return f"transport: {name}, as the connection says"
    return f"transport: {name}, since dsn or pg_host is {'given' if name == 'postgres' else 'not given'}"
