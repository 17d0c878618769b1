"""`Decoder`: the rows of a COPY in binary form in, Arrow record batches out. Sans-I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from osiris.connectors._shared.postgres.answer import Rows, broken
from osiris.connectors._shared.postgres.block import Block
from osiris.connectors._shared.postgres.kinds import Kind, Reading

SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0"
END: Final = b"\xff\xff"
BATCH_ROWS: Final = 65536


class Decoder:
    """One COPY. `received` takes the messages that the server sends, one for each row, as many at once as there are;
    `finish` proves that its end was among them."""

    def __init__(self, schema: pa.Schema, kinds: Sequence[Kind], reading: Reading) -> None:
        self.rows = 0
        self._schema = schema
        self._kinds = kinds
        self._reading = reading
        self._began = False
        self._ended = False

    def received(self, rows: Rows, most_rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Raises DataError for a value that cannot be given, SourceError for what is not understood."""
        if not self._began:
            rows = self._begin(rows)
        if self._ended and len(rows):
            raise broken("there is more behind its end")
        if len(rows) and _is_end(rows):
            self._ended = True
            rows = rows.part(0, -1)
        for place in range(0, len(rows), most_rows):
            yield self._batch(rows.part(place, place + most_rows))

    def finish(self) -> None:
        """Raises SourceError unless the rows came to their end."""
        if not self._ended:
            raise broken("it ends in the middle")

    def _begin(self, rows: Rows) -> Rows:
        """Without the header, which comes before the first row or alone."""
        start, end = int(rows.starts[0]), int(rows.ends[0])
        size = len(SIGNATURE) + 8
        if end - start < size or rows.raw[start : start + len(SIGNATURE)] != SIGNATURE:
            raise broken("it is no COPY in binary form")
        flags, extension = struct.unpack_from(">II", rows.raw, start + len(SIGNATURE))
        start += size + extension
        if flags or start > end:
            raise broken("its header is of a form that this reader does not know")
        self._began = True
        return Rows(rows.raw, np.append(start, rows.starts[1:]), rows.ends) if start < end else rows.part(1)

    def _batch(self, rows: Rows) -> pa.RecordBatch:
        block = Block(rows, self.rows)
        columns = block.columns(self._schema.names)
        arrays = [kind.read(values, self._reading) for kind, values in zip(self._kinds, columns, strict=True)]
        self.rows += len(rows)
        if not arrays:  # a table may have rows and no column
            return pa.RecordBatch.from_struct_array(pa.array([{}] * len(rows), pa.struct([])))
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _is_end(rows: Rows) -> bool:
    """Whether the last one is the sign of the end."""
    return rows.raw[int(rows.starts[-1]) : int(rows.ends[-1])] == END
