"""`Decoder`: the bytes of a result in, Arrow record batches out. Sans-I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pyarrow as pa

from osiris.connectors.mysql.calendar import Calendar
from osiris.connectors.mysql.columns import Column, Policy, field_of
from osiris.connectors.mysql.decode_binary import BinaryRows
from osiris.connectors.mysql.decode_text import TextRows
from osiris.connectors.mysql.values import Block
from osiris.connectors.mysql.wire import Packets

BATCH_ROWS: Final = 65536


class Decoder:
    """One result, after its column definitions.

        while not decoder.finished:
            yield from decoder.received(client.receive_into(decoder.space()))

    `binary` says that the rows come from a prepared statement: without it FLOAT and DOUBLE(M,D) are refused, since the
    server rounds them when it writes them as text. `sequence` is the number of the first packet, None when not known.
    A decoder that has raised is of no more use.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        policy: Policy,
        chunk_bytes: int,
        *,
        binary: bool = False,
        sequence: int | None = None,
    ) -> None:
        self.schema = pa.schema([field_of(column, policy) for column in columns])
        self.rows = 0
        self._counts: Counter[str] = Counter()
        rows = BinaryRows if binary else TextRows
        self._rows = rows(columns, self.schema, Calendar(policy, self._counts))
        self._packets = Packets(chunk_bytes, sequence)
        # a batch of NULLs takes far less on the wire than in Arrow
        self._batch_rows = max(1, min(BATCH_ROWS, 4 * chunk_bytes // _row_bytes(self.schema)))

    @property
    def finished(self) -> bool:
        """Whether the server has said that this was all."""
        return self._packets.finished

    @property
    def counts(self) -> Mapping[str, int]:
        """`zero_dates`: how many dates became null because no calendar has them; empty when none did."""
        return self._counts

    def space(self) -> memoryview:
        """Where the next bytes of the connection go, at least one; valid until `received`."""
        return self._packets.space()

    def received(self, count: int) -> Iterator[pa.RecordBatch]:
        """`count` bytes were put into `space()`, 0: the server has closed the connection.

        Gives no batch, or those that are due: read it to its end before the next `space()`. They own their memory.
        Raises the server's error as pymysql.err, OperationalError 2013 when the stream was cut, SourceError for
        bytes that are no result, DataError for a value that does not fit, naming column and row.
        """
        self._packets.received(count)
        if not (self._packets.is_full or self.finished):
            return
        framed = self._packets.rows()
        for first in range(0, len(framed.starts), self._batch_rows):
            part = slice(first, first + self._batch_rows)
            block = Block(framed.raw, framed.starts[part], framed.ends[part], self.rows)
            batch = pa.RecordBatch.from_arrays(self._rows.arrays(block), schema=self.schema)
            del block
            self.rows += batch.num_rows
            yield batch
        del framed
        self._packets.discard()


def _row_bytes(schema: pa.Schema) -> int:
    """What a row takes in Arrow at least, with the words that decoding it needs."""
    return sum(max(8, field.type.bit_width // 8 if _is_fixed(field.type) else 8) for field in schema) or 1


def _is_fixed(kind: pa.DataType) -> bool:
    return bool(pa.types.is_primitive(kind) or pa.types.is_decimal(kind))
