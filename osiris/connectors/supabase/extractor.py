"""Reads a table, a view, a query or a function of a Supabase project, by the connection's transport."""

from __future__ import annotations

from collections.abc import Generator
from functools import cached_property
from typing import Any

import pyarrow as pa

from osiris.connectors import base
from osiris.connectors.base import Dataset, End, ReadPlan, Split, State
from osiris.connectors.supabase.client import Client


class Extractor(base.Extractor[Client]):
    """Hands each call on to the extractor of the transport."""

    @cached_property
    def _own(self) -> base.Extractor[Any]:
        return self.client.transport.extractor(self.options, self.workspace)

    def schema(self) -> pa.Schema:
        return self._own.schema()

    def plan(self, wanted: int, since: State | None) -> ReadPlan:
        return self._own.plan(wanted, since)

    def estimated_rows(self) -> int | None:
        return self._own.estimated_rows()

    def dataset(self) -> Dataset:
        return self._own.dataset()

    def read(self, split: Split) -> Generator[pa.RecordBatch, None, End]:
        return self._own.read(split)
