"""`Loading`: the rows of a stream on their way into one table, and which of them a server's error is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pymysql

from osiris.connectors._shared.arrivals import bare
from osiris.connectors._shared.misfits import Misfit
from osiris.connectors.base import Batches
from osiris.connectors.mysql import failures
from osiris.connectors.mysql.channel import Channel
from osiris.connectors.mysql.layout import Layout
from osiris.connectors.mysql.spelling import raw_of
from osiris.connectors.mysql.staging import by_its_name
from osiris.connectors.mysql.statements import Inserts, Loads, Statements, Verb, can_load, exactly, packet_bytes
from osiris.errors import DataError, OsirisError, WriteFailed

PIECE_BYTES: Final = 4 * 2**20
PIECE_ROWS: Final = 2**16
"""How much of a batch is made into text at once."""


class Loading:
    """Sends whole rows in statements of a bounded size. What it has sent before an error is for the caller to undo.

    `divisible` says that a statement that fails leaves nothing, so that its rows can be tried one half after another to
    find the one that the server does not name.
    """

    def __init__(self, client: Channel, table: str, layout: Layout, verb: Verb, *, divisible: bool) -> None:
        self._client = client
        self._layout = layout
        self._verb = verb
        kind: type[Inserts | Loads] = Loads if can_load(client) else Inserts
        self._divisible = divisible and kind is Inserts  # of a LOAD, the rows without warnings are there
        self._statements: Statements = kind(client, table, layout.columns, verb)
        self._held: list[pa.Array] = []
        self._held_bytes = 0
        self._sent_rows = 0

    def load(self, batches: Batches) -> int:
        """All rows of the stream; returns how many. Raises DataError, naming column and row, for what is refused."""
        for batch in batches:
            for piece in _pieces(batch):
                self._client.raise_if_interrupted()
                self._add(self._row_texts(piece))
        self._send()
        return self._sent_rows

    @property
    def _rows(self) -> int:
        """How many rows came before."""
        return self._sent_rows + sum(map(len, self._held))

    def _row_texts(self, batch: pa.RecordBatch) -> pa.Array:
        texts = []
        for landing in self._layout.columns:
            array = bare(batch.column(batch.schema.get_field_index(landing.source)))
            if array.null_count and landing.source in self._layout.not_null:
                raise self._bad(landing.source, pc.index(array.is_null(), True).as_py(), "has no value, and needs one")
            try:
                texts.append(landing.way.spell(array))
            except Misfit as misfit:
                raise self._bad(landing.source, misfit.place, misfit.reason) from misfit
        return self._statements.rows(texts)

    def _bad(self, column: str, place: int, reason: str) -> DataError:
        row = self._rows + place + 1
        return DataError(f"row {row}: {column!r} {reason}", code="data.value", data_column=column, row=row)

    def _add(self, rows: pa.Array) -> None:
        """Hold the texts of rows, and send what fills a statement."""
        ends, _ = raw_of(rows)
        self._refuse_huge(ends)
        start = 0
        while start < len(rows):
            room = self._statements.size_bytes - self._held_bytes
            stop = int(np.searchsorted(ends, ends[start] + room, side="right")) - 1
            if stop <= start and self._held:
                self._send()
                continue
            stop = max(stop, start + 1)
            self._held.append(rows.slice(start, stop - start))
            self._held_bytes += int(ends[stop] - ends[start])
            start = stop

    def _refuse_huge(self, ends: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        limit = self._statements.largest_row_bytes
        huge = np.flatnonzero(np.diff(ends) > limit)
        if len(huge):
            row = self._rows + int(huge[0]) + 1
            raise DataError(
                f"row {row} takes {int(np.diff(ends)[huge[0]])} bytes in SQL, and the server's max_allowed_packet of "
                f"{packet_bytes(self._client)} bytes leaves {limit} for a row",
                code="mysql.packet",
                row=row,
                hint="raise max_allowed_packet on the server, leave the long column out, or set local_infile: true "
                "on the connection, if the server allows it: LOAD DATA has no such limit",
            )

    def _send(self) -> None:
        held, self._held, self._held_bytes = self._held, [], 0
        if not held:
            return
        count = sum(map(len, held))
        try:
            self._run(held, count)
        except pymysql.err.MySQLError as error:
            raise self._told(error, held) from error
        self._sent_rows += count

    def _run(self, held: Sequence[pa.Array], count: int) -> None:
        sent = exactly(self._client, self._statements.send(b"".join(bytes(raw_of(rows)[1]) for rows in held)))
        if sent.rows < count or (self._verb == "INSERT" and sent.rows != count):
            raise WriteFailed(f"the server took {sent.rows} of {count} rows", code="write.count")

    def _told(self, error: pymysql.err.MySQLError, held: Sequence[pa.Array]) -> OsirisError:
        """The server's error, with the row of the stream in place of that of the statement."""
        known = self._client.classify(error)
        known.message = by_its_name(known.message, self._layout.wanted.name)
        known.args = (known.message,)
        if not isinstance(known, DataError):
            return known
        if known.row is None and self._divisible:
            known.row = self._culprit(pa.concat_arrays(held), failures.number_of(error))
        if known.row is not None:
            known.row += self._sent_rows
            known.message = f"row {known.row}: {re.sub(r' at row [0-9]+', '', known.message)}"
            known.args = (known.message,)
        return known

    def _culprit(self, rows: pa.Array, number: int | None) -> int | None:
        """The 1-based place of the first row that the server refuses with this error, by sending one half after the
        other; None when it does so no more."""
        low, high = 0, len(rows)
        while high - low > 1:
            middle = (low + high) // 2
            try:
                self._run([rows.slice(low, middle - low)], middle - low)
            except pymysql.err.MySQLError as error:
                if failures.number_of(error) != number:
                    return None
                high = middle
            else:
                low = middle
        return low + 1


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in parts of a bounded size."""
    if not batch.num_rows:
        return
    count = max(1, min(PIECE_ROWS, batch.num_rows * PIECE_BYTES // max(1, batch.nbytes)))
    for start in range(0, batch.num_rows, count):
        yield batch.slice(start, count)
