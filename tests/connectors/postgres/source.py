"""A database of PostgreSQL in use by an extractor."""

from __future__ import annotations

from dataclasses import dataclass

from osiris.connectors.postgres.extractor import Extractor
from tests.connectors import source
from tests.connectors.postgres.clients import CLIENTS, Client
from tests.servers.postgres import Database


@dataclass(frozen=True, slots=True)
class Source(source.Source[Client, Database]):
    """Read through the connector, filled and looked at with psycopg alone."""

    clients = CLIENTS
    extractor_type = Extractor
