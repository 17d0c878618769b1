"""Clients of Supabase as its tests make them: over REST, and by PostgreSQL's own protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from osiris.connectors.base import Connection
from osiris.connectors.supabase.client import Client
from tests.servers.postgres import Database
from tests.servers.postgrest.server import Rest


def over_rest(rest: Rest, **more: Any) -> Client:
    return made(**{"url": rest.url, "key": rest.secret_key, **more})


def by_sql(database: Database, **more: Any) -> Client:
    return made(**{**sql_fields(database), **more})


def sql_fields(database: Database) -> dict[str, Any]:
    """The fields of a connection to it by the postgres transport."""
    return {f"pg_{name}": value for name, value in database.fields().items()}


def made(**fields: Any) -> Client:
    """A client that is not open yet; a field that is None is left out."""
    given = {name: value for name, value in fields.items() if value is not None}
    return Client(Connection("supabase", "x", Path(), given))
