"""A database in use by an extractor: read through the connector, filled and looked at with psycopg alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.connectors.base import Batches, Connection, End, Options, ReadPlan, Split, Workspace
from osiris.connectors.postgres.client import Client
from osiris.connectors.postgres.extractor import Extractor
from tests.servers.postgres import Database


@dataclass(frozen=True, slots=True)
class Source:
    """`changes` are fields of the connection that are other than those of `database`."""

    database: Database
    root: Path
    changes: Mapping[str, Any]
    memory_bytes: int = 256 * 2**20

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.database.sql(*statements)

    def new_client(self) -> Client:
        return Client(Connection("postgres", "x", self.root, {**self.database.fields(), **self.changes}))

    @contextmanager
    def client(self) -> Generator[Client]:
        """An open client; what it raises is classified, as the drivers do."""
        client = self.new_client()
        try:
            client.open()
            yield client
        except Exception as error:
            raise Client.classify(error) from error
        finally:
            client.close()

    def extractor(self, client: Client, options: Mapping[str, object]) -> Extractor:
        workspace = Workspace(self.root / "scratch", self.root / "out", memory_bytes=self.memory_bytes)
        return Extractor(client, Options(options), workspace)

    def plan(self, wanted: int = 1, **options: Any) -> ReadPlan:
        with self.client() as client:
            return self.extractor(client, options).plan(wanted, None)

    def read(self, wanted: int = 1, **options: Any) -> tuple[pa.Table, End]:
        """All splits, one after the other, each with a client of its own, while that of the plan is open; the counts
        of their ends together."""
        with self.client() as lead:
            plan = self.extractor(lead, options).plan(wanted, None)
            parts = [self.split(split, plan.schema, options) for split in plan.splits]
        counts: Counter[str] = Counter()
        for _, end in parts:
            counts.update(end.counts)
        rows = pa.concat_tables([rows for rows, _ in parts])
        return rows, End(sum(end.rows for _, end in parts), parts[-1][1].stop_reason, dict(counts))

    def split(self, split: Split, schema: pa.Schema, options: Mapping[str, Any]) -> tuple[pa.Table, End]:
        """One split, with a client of its own."""
        with self.client() as client:
            stream = Batches(schema, self.extractor(client, options).read(split))
            rows = pa.Table.from_batches(stream, schema)
            assert stream.end is not None
            return rows, stream.end
