"""The rows of a SELECT, from the socket into record batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from osiris.connectors.mysql.client import Client, ResultHeader
from osiris.connectors.mysql.columns import Policy
from osiris.connectors.mysql.decode import Decoder
from osiris.connectors.mysql.selection import Selection

CHUNK_BYTES: Final = 4 * 1024 * 1024
LEAST_BYTES: Final = 64 * 1024
SHARE: Final = 16
"""Which part of the memory a chunk may take: beside it there are the batch made of it, and what decoding needs."""


@dataclass(frozen=True, slots=True)
class Form:
    """How rows come: by which `policy`, decoded how many bytes at a time, and at most how many rows to a batch."""

    policy: Policy
    chunk_bytes: int
    batch_rows: int | None

    @classmethod
    def of(cls, policy: Policy, memory_bytes: int, batch_rows: int | None) -> Form:
        return cls(policy, max(LEAST_BYTES, min(CHUNK_BYTES, memory_bytes // SHARE)), batch_rows)

    def pieces(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The batch in pieces that are small enough."""
        most = self.batch_rows or batch.num_rows or 1
        for start in range(0, batch.num_rows, most):
            yield batch.slice(start, most)


def begin(client: Client, selection: Selection, form: Form) -> Decoder:
    """Run the SELECT, whose rows `received` then gives. Raises PyMySQL's errors.

    The rows of a query with FLOAT or DOUBLE(M,D) come in the binary protocol: as text the server would round them.
    """
    if selection.of_table:
        return _decoder(client.query(selection.sql), selection, form)
    prepared = client.prepare(selection.sql)
    if any(column.is_rounded for column in prepared.columns):
        return _decoder(client.execute_prepared(prepared), selection, form, binary=True)
    client.close_prepared(prepared)
    return _decoder(client.query(selection.sql), selection, form)


def received(client: Client, decoder: Decoder, form: Form) -> Iterator[pa.RecordBatch]:
    """All rows of the statement, as the server sends them; it waits while nobody takes them.

    Left early, it leaves the client in the middle of a result: nothing else can be asked of that session. Raises
    PyMySQL's errors, DataError and Cancelled; never ends early.
    """
    while not decoder.finished:
        for batch in decoder.received(client.receive_into(decoder.space())):
            for piece in form.pieces(batch):
                yield piece
                client.raise_if_interrupted()
    client.end_read()


def _decoder(header: ResultHeader, selection: Selection, form: Form, *, binary: bool = False) -> Decoder:
    columns = selection.columns(header.columns)
    return Decoder(columns, form.policy, form.chunk_bytes, binary=binary, sequence=header.sequence)
