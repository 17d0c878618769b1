"""`Loading`: the rows of a stream on their way into one table by COPY BINARY, and which of them an error is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors._shared.arrivals import bare
from osiris.connectors._shared.misfits import Misfit
from osiris.connectors._shared.postgres.casting import Casting
from osiris.connectors._shared.postgres.channel import Channel
from osiris.connectors._shared.postgres.encode import Cells
from osiris.connectors._shared.postgres.encode_rows import HEADER, TRAILER, Fixed, big_endian, bounded, rows
from osiris.connectors._shared.postgres.failures import FITS
from osiris.connectors._shared.postgres.layout import Landing
from osiris.connectors._shared.postgres.names import listed
from osiris.connectors._shared.postgres.publishing import not_taken
from osiris.connectors._shared.postgres.sequences import Counted, Spans
from osiris.connectors._shared.postgres.staging import ROW, Staging
from osiris.connectors.base import Batches
from osiris.errors import DataError

PIECE_BYTES: Final = 4 * 2**20
PIECE_ROWS: Final = 2**14
"""How much of a batch is encoded at once."""


class Loading:
    """Fills a table with `columns`, and with `numbered` the column ROW of staging. Runs in the transaction that is
    open; what it has sent before an error is for the caller to undo."""

    def __init__(self, channel: Channel, columns: tuple[Landing, ...], *, numbered: bool) -> None:
        self._channel = channel
        self._columns = columns
        self._fixed = [column for column in columns if column.way.fixed]
        self._others = [column for column in columns if not column.way.fixed]
        self._numbered = numbered
        self._sent_rows = 0
        self._counted = Counted(column.name for column in columns if column.counted)

    @property
    def spans(self) -> Spans:
        """What came for the columns that have sequences."""
        return self._counted.spans

    def load(self, batches: Batches, table: str, staging: Staging) -> int:
        """All rows of the stream; returns how many. Values that the server is to cast wait in `staging.raw` before.
        Raises DataError, naming column and row, for what is refused."""
        casting = Casting(self._channel, self._columns, staging.raw)
        if not casting.is_needed:
            self._check(self._copy(batches, table, numbered=self._numbered))
            return self._sent_rows
        casting.make()
        self._check(self._copy(batches, staging.raw, numbered=True))
        self._check(casting.move(table, self._sent_rows, numbered=self._numbered))
        return self._sent_rows

    def _copy(self, batches: Batches, into: str, *, numbered: bool) -> int:
        fixed = [*(column.name for column in self._fixed), *([ROW] if numbered else [])]
        names = listed([*fixed, *(column.name for column in self._others)])
        chunks = self._chunks(batches, numbered=numbered)
        try:
            return self._channel.copy_in(f"COPY {into} ({names}) FROM STDIN (FORMAT BINARY)", chunks)
        except psycopg.Error as error:
            known = self._channel.classify(error)
            if isinstance(known, DataError) and known.row is not None:
                known.message = f"row {known.row}: {known.message}"
                known.args = (known.message,)
            raise known from error

    def _check(self, taken: int) -> None:
        if taken != self._sent_rows:
            raise not_taken(taken, self._sent_rows)

    def _chunks(self, batches: Batches, *, numbered: bool) -> Iterator[memoryview]:
        yield memoryview(HEADER)
        for batch in batches:
            for piece in _pieces(batch):
                self._channel.raise_if_interrupted()
                yield self._encoded(piece, numbered=numbered)
                self._counted.see(piece)
                self._sent_rows += piece.num_rows
        yield memoryview(TRAILER)

    def _encoded(self, piece: pa.RecordBatch, *, numbered: bool) -> memoryview:
        fixed: list[Fixed] = [self._cells(piece, column) for column in self._fixed]
        if numbered:
            places = np.arange(self._sent_rows, self._sent_rows + piece.num_rows).astype(">i8")
            fixed.append(Fixed(big_endian(places)))
        return rows(fixed, [self._cells(piece, column) for column in self._others], piece.num_rows)

    def _cells(self, piece: pa.RecordBatch, column: Landing) -> Cells:
        array = bare(piece.column(piece.schema.get_field_index(column.name)))
        if array.null_count and column.required:
            raise self._bad(column, pc.index(array.is_null(), True).as_py(), "has no value, and needs one")
        try:
            return bounded(column.way.encode(array))
        except Misfit as misfit:
            raise self._bad(column, misfit.place, misfit.reason) from misfit

    def _bad(self, column: Landing, place: int, reason: str) -> DataError:
        row = self._sent_rows + place + 1
        text = f"row {row}: {column.name!r} {reason}"
        return DataError(text, code="data.value", data_column=column.name, row=row, hint=FITS)


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in parts of a bounded size."""
    if not batch.num_rows:
        return
    count = max(1, min(PIECE_ROWS, batch.num_rows * PIECE_BYTES // max(1, batch.nbytes)))
    for start in range(0, batch.num_rows, count):
        yield batch.slice(start, count)
