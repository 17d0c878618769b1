"""`Source`: a database in use by an extractor: read through the connector, filled without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic

import pyarrow as pa

from osiris.connectors import base
from osiris.connectors.base import Batches, End, Options, ReadPlan, Split, Workspace
from tests.connectors.clients import C, Clients
from tests.connectors.database import D


@dataclass(frozen=True, slots=True)
class Source(Generic[C, D]):
    """`changes` are fields of the connection that are other than those of `database`."""

    clients: ClassVar[Clients[Any]]
    extractor_type: ClassVar[type[base.Extractor[Any]]]

    database: D
    root: Path
    changes: Mapping[str, Any]
    memory_bytes: int = 256 * 2**20

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.database.sql(*statements)

    def new_client(self) -> C:
        made: C = self.clients.made({**self.database.fields(), **self.changes})
        return made

    def client(self) -> AbstractContextManager[C]:
        """An open client; what it raises is classified."""
        return self.clients.in_use({**self.database.fields(), **self.changes})

    def extractor(self, client: C, options: Mapping[str, object]) -> base.Extractor[Any]:
        workspace = Workspace(self.root / "scratch", self.root / "out", memory_bytes=self.memory_bytes)
        return self.extractor_type(client, Options(options), workspace)

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
