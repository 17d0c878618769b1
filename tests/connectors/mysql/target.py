"""A database of MySQL in use by a writer."""

from __future__ import annotations

from dataclasses import dataclass

from osiris.connectors.mysql.extractor import Extractor
from osiris.connectors.mysql.writer import Writer
from tests.connectors import target
from tests.connectors.mysql.clients import CLIENTS, Client
from tests.connectors.target import endless, in_pieces, new_run
from tests.servers.mariadb import Database

__all__ = ["Target", "endless", "in_pieces", "new_run"]


@dataclass(frozen=True, slots=True)
class Target(target.Target[Client, Database]):
    """Looked at with PyMySQL alone."""

    clients = CLIENTS
    writer_type = Writer
    reader_type = Extractor
    order = "1, 2"

    def tables(self) -> set[str]:
        return {name for (name,) in self.sql("SHOW TABLES")}
