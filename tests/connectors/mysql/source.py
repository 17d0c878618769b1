"""A database of MySQL in use by an extractor."""

from __future__ import annotations

from dataclasses import dataclass

from osiris.connectors.mysql.extractor import Extractor
from tests.connectors import source
from tests.connectors.mysql.clients import CLIENTS, Client
from tests.servers.mariadb import Database


@dataclass(frozen=True, slots=True)
class Source(source.Source[Client, Database]):
    """Read through the connector, filled and looked at with PyMySQL alone."""

    clients = CLIENTS
    extractor_type = Extractor
