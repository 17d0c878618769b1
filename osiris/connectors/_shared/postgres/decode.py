"""`Decoder`: the rows of a COPY in binary form in, Arrow record batches out. Sans-I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa

from osiris.connectors._shared.postgres.block import Block, broken
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

    def received(self, messages: list[memoryview], most_rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Raises DataError for a value that cannot be given, SourceError for what is not understood."""
        if not self._began:
            messages = self._begin(messages)
        if self._ended and messages:
            raise broken("there is more behind its end")
        if messages and len(messages[-1]) == len(END) and bytes(messages[-1]) == END:
            self._ended = True
            messages = messages[:-1]
        for place in range(0, len(messages), most_rows):
            yield self._batch(messages[place : place + most_rows])

    def finish(self) -> None:
        """Raises SourceError unless the rows came to their end."""
        if not self._ended:
            raise broken("it ends in the middle")

    def _begin(self, messages: list[memoryview]) -> list[memoryview]:
        """Without the header, which comes before the first row or alone."""
        first = messages[0]
        size = len(SIGNATURE) + 8
        if len(first) < size or bytes(first[: len(SIGNATURE)]) != SIGNATURE:
            raise broken("it is no COPY in binary form")
        flags, extension = struct.unpack_from(">II", first, len(SIGNATURE))
        if flags or size + extension > len(first):
            raise broken("its header is of a form that this reader does not know")
        self._began = True
        rest = first[size + extension :]
        return [rest, *messages[1:]] if len(rest) else messages[1:]

    def _batch(self, messages: list[memoryview]) -> pa.RecordBatch:
        block = Block(messages, self.rows)
        columns = block.columns(self._schema.names)
        arrays = [kind.read(values, self._reading) for kind, values in zip(self._kinds, columns, strict=True)]
        self.rows += len(messages)
        if not arrays:  # a table may have rows and no column
            return pa.RecordBatch.from_struct_array(pa.array([{}] * len(messages), pa.struct([])))
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)
