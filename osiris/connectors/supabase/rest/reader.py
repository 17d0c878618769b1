"""`RestExtractor`: a table, a view or a function over PostgREST, page after page until one is empty."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Generator
from functools import cached_property
from typing import Final

import pyarrow as pa

from osiris.connectors import base
from osiris.connectors.base import Dataset, End, ReadPlan, Split, State
from osiris.connectors.supabase.rest.api import Asks
from osiris.connectors.supabase.rest.pages import Paging, Rows, Sizing
from osiris.connectors.supabase.rest.selection import Selection, selection_of
from osiris.connectors.supabase.rest.values import Reader
from osiris.connectors.supabase.transport import refuse_options
from osiris.errors import SourceError
from osiris.stream import EXHAUSTED

log = logging.getLogger(__name__)
BY_SQL_ONLY: Final = ("query", "where", "splits", "split_by")
PAGE_ROWS: Final = 10_000


class RestExtractor(base.Extractor[Asks]):
    """Each page is a statement of its own: what is changed while a read goes on may be in it or not, but by keyset no
    row that is there all the time is skipped or comes twice."""

    def schema(self) -> pa.Schema:
        chosen = self._chosen
        return pa.schema([column.field(chosen.policy) for column in chosen.columns])

    def plan(self, wanted: int, since: State | None) -> ReadPlan:
        why = "over rest each page begins where the one before it ended"
        return ReadPlan(self.schema(), (Split(0),), (self.dataset(),), why_one_split=why)

    def dataset(self) -> Dataset:
        api, function = self.client.api, self.options.get("rpc")
        name = f"rpc/{function}" if function else str(self.options["table"])
        return Dataset(api.url, f"{api.schema}.{name}" if api.schema else name)

    def read(self, split: Split) -> Generator[pa.RecordBatch, None, End]:
        chosen, limit = self._chosen, self.options.get("limit")
        schema, readers = self.schema(), chosen.readers()
        paging = Paging(
            self.client.api,
            chosen.path,
            chosen.query,
            chosen.keyset,
            Sizing(self.options.get("page_rows", PAGE_ROWS)),
            limit,
            self.options.get("offset", 0),
        )
        if chosen.keyset is None:
            log.warning(
                "%s is paged by offset: rows that come or go meanwhile make others be skipped or read twice", self
            )
        for rows in paging.pages():
            yield from self._batches(rows, schema, readers)
        if not paging.given and not self.client.api.sees_all:
            log.warning("this key sees 0 rows of %s: row level security may hide them from it", self)
        counts: Counter[str] = Counter()
        for reader in readers:
            counts.update(reader.counts)
        return End(paging.given, "limit" if paging.given == limit else EXHAUSTED, dict(counts))

    @cached_property
    def _chosen(self) -> Selection:
        refuse_options(
            self.options, BY_SQL_ONLY, self.client.connection, "over rest there are filters; for SQL give dsn"
        )
        return selection_of(self.client.api, self.options)

    def _batches(self, rows: Rows, schema: pa.Schema, readers: list[Reader]) -> Generator[pa.RecordBatch]:
        try:
            arrays = [reader.read([row[reader.column.name] for row in rows]) for reader in readers]
        except KeyError as error:
            raise SourceError(
                f"{self}: the server's rows have no column {error}", code="source.protocol", hint="run again"
            ) from error
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        most = self.options.get("batch_rows", len(batch))
        for begin in range(0, len(batch), most):
            yield batch.slice(begin, most)

    def __str__(self) -> str:
        return self.dataset().name
