"""The rows of a SELECT, from the socket into record batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
from pymysql.constants import FIELD_TYPE

from osiris.connectors.mysql.client import Client, ResultHeader
from osiris.connectors.mysql.columns import Policy
from osiris.connectors.mysql.decode import Decoder
from osiris.connectors.mysql.selection import Selection

CHUNK_BYTES: Final = 4 * 1024 * 1024
"""How much is received before it is decoded."""
LEAST_BYTES: Final = 64 * 1024
SHARE: Final = 16
"""Which part of the memory a chunk may take: beside it there are the batch made of it, and what decoding needs."""


def chunk_bytes(memory_bytes: int) -> int:
    return max(LEAST_BYTES, min(CHUNK_BYTES, memory_bytes // SHARE))


def begin(client: Client, selection: Selection, policy: Policy, size_bytes: int) -> Decoder:
    """Run the SELECT, its rows to be decoded in chunks of about `size_bytes`. Raises PyMySQL's errors.

    The rows of a query with FLOAT come in the binary protocol, since a server rounds FLOAT where it writes it as text.
    """
    if selection.of_table:
        return _decoder(client.query(selection.sql), selection, policy, size_bytes)
    prepared = client.prepare(selection.sql)
    if any(column.type_code == FIELD_TYPE.FLOAT for column in prepared.columns):
        return _decoder(client.execute_prepared(prepared), selection, policy, size_bytes, binary=True)
    client.close_prepared(prepared)
    return _decoder(client.query(selection.sql), selection, policy, size_bytes)


def received(client: Client, decoder: Decoder) -> Iterator[pa.RecordBatch]:
    """All rows of the statement, as the server sends them; it waits while nobody takes them.

    Left early, it leaves the client in the middle of a result, and the next statement opens another session. Raises
    PyMySQL's errors and DataError; never ends early.
    """
    while not decoder.finished:
        yield from decoder.received(client.receive_into(decoder.space()))
    client.end_read()


def _decoder(
    header: ResultHeader, selection: Selection, policy: Policy, size_bytes: int, *, binary: bool = False
) -> Decoder:
    columns = selection.columns(header.columns)
    return Decoder(columns, policy, size_bytes, binary=binary, sequence=header.sequence)
