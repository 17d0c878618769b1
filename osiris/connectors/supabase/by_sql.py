"""`BySql`: a project's database by PostgreSQL's own protocol, straight or through one of its poolers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from osiris.connectors import base
from osiris.connectors._shared.postgres import checks, discovery, extractor, fields
from osiris.connectors._shared.postgres.channel import Channel, Limits
from osiris.connectors._shared.postgres.writer import TableWriter
from osiris.connectors.base import Check, Connection, Options, Resource, Workspace
from osiris.connectors.supabase import addresses
from osiris.connectors.supabase.transport import Transport, refuse_options
from osiris.errors import ConfigError

FIELDS: Final = {
    "pg_host": "host",
    "pg_port": "port",
    "pg_database": "dbname",
    "pg_user": "user",
    "pg_password": "password",
    "sslmode": "sslmode",
}
REST_ONLY: Final = ("rpc", "arguments", "filters")
"""Options of the extractor that ask for what PostgREST does."""
PAGING: Final = ("paging", "page_rows", "primary_key")
"""Options that say how PostgREST is asked, and change nothing of what is read."""


class BySql(Channel, Transport):
    """What the `postgres` family does, with a connection's fields of this one."""

    def parameters(self) -> Mapping[str, str]:
        if not is_given(self.connection):
            raise ConfigError(
                f"{self.connection.reference} needs dsn or pg_host for transport: postgres",
                code="connection.field_missing",
                hint="press Connect in the project's dashboard, and take the string of the session pooler",
            )
        return {"dbname": "postgres"} | fields.parameters(self.connection, FIELDS)

    @property
    def limits(self) -> Limits:
        return fields.limits(self.connection)

    def checks(self, resources: Sequence[str] = ()) -> Sequence[Check]:
        return addresses.told(self, checks.of(self, resources))

    def discover(self, like: str | None = None) -> Iterator[Resource]:
        return discovery.resources(self, like)

    def extractor(self, options: Options, workspace: Workspace) -> base.Extractor[BySql]:
        refuse_options(options, REST_ONLY, self.connection, "use where and query, or transport: rest")
        for name in PAGING:
            options.get(name)
        return extractor.Extractor[BySql](self, options, workspace)

    def writer(self, options: Options, workspace: Workspace) -> base.Writer[BySql]:
        options.get("batch_rows")  # COPY has no requests
        return TableWriter[BySql](self, options, workspace)


def is_given(connection: Connection) -> bool:
    """Whether the connection says where the database is."""
    return any(connection.get(name) for name in ("dsn", "pg_host"))
