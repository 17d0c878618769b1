"""A database of PostgreSQL in use by a writer."""

from __future__ import annotations

from dataclasses import dataclass

from osiris.connectors.postgres.extractor import Extractor
from osiris.connectors.postgres.writer import Writer
from tests.connectors import target
from tests.connectors.postgres.clients import CLIENTS, Client
from tests.connectors.target import endless, in_pieces, new_run
from tests.servers.postgres import Database

__all__ = ["Target", "endless", "in_pieces", "new_run"]


@dataclass(frozen=True, slots=True)
class Target(target.Target[Client, Database]):
    """Looked at with psycopg alone."""

    clients = CLIENTS
    writer_type = Writer
    reader_type = Extractor

    def tables(self) -> set[str]:
        return {
            name for (name,) in self.sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname !~ '^(pg|sql)_'")
        }

    def types(self, table: str = "t") -> dict[str, str]:
        found = self.sql(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            f"WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        return dict(found)
