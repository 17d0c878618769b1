"""Reads one table: the first form of the extractor, all rows in one split."""

from __future__ import annotations

from collections.abc import Generator

import pyarrow as pa

from osiris.connectors import base
from osiris.connectors.base import Dataset, End, Split
from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.columns import Policy, field_of
from osiris.connectors.mysql.decode import Decoder
from osiris.connectors.mysql.names import Name
from osiris.errors import ConfigError

CHUNK_BYTES = 2**20


class Extractor(base.Extractor[Client]):
    """Reads with the binary protocol, which rounds nothing."""

    @property
    def name(self) -> Name:
        table = self.options.get("table")
        if table is None:
            raise ConfigError("mysql.extractor needs a table", code="option.missing")
        return Name.of(table, None, self.client.database)

    def dataset(self) -> Dataset:
        return self.client.dataset(self.name)

    def schema(self) -> pa.Schema:
        prepared = self.client.prepare(f"SELECT * FROM {self.name.sql}")
        self.client.close_prepared(prepared)
        return pa.schema([field_of(column, Policy()) for column in prepared.columns])

    def read(self, split: Split) -> Generator[pa.RecordBatch, None, End]:
        prepared = self.client.prepare(f"SELECT * FROM {self.name.sql}")
        header = self.client.execute_prepared(prepared)
        decoder = Decoder(header.columns, Policy(), CHUNK_BYTES, binary=True, sequence=header.sequence)
        while not decoder.finished:
            yield from decoder.received(self.client.receive_into(decoder.space()))
        self.client.end_read()
        return End(decoder.rows)
