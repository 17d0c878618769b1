"""Cutting and joining batches, so that a writer gets them in the size that suits it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from osiris.stream.batches import Batches, End

if TYPE_CHECKING:
    import pyarrow as pa


def rebatch(batches: Batches, *, max_rows: int, max_bytes: int) -> Batches:
    """The same rows in batches of at most `max_rows` rows and about `max_bytes` bytes; small ones are joined.

    A single row larger than `max_bytes` is one batch.
    """

    def give() -> Generator[pa.RecordBatch, None, End | None]:
        waiting: list[pa.RecordBatch] = []
        rows = size_bytes = 0
        for batch in batches:
            for piece in _cut(batch, max_rows, max_bytes):
                if waiting and (rows + piece.num_rows > max_rows or size_bytes + piece.nbytes > max_bytes):
                    yield _join(waiting)
                    waiting, rows, size_bytes = [], 0, 0
                waiting.append(piece)
                rows += piece.num_rows
                size_bytes += piece.nbytes
        if waiting:
            yield _join(waiting)
        return batches.end

    return Batches(batches.schema, give(), name=batches.name, first_error=batches.first_error, on_close=batches.close)  # type: ignore[arg-type]


def _cut(batch: pa.RecordBatch, max_rows: int, max_bytes: int) -> Generator[pa.RecordBatch]:
    if batch.num_rows == 0:
        return
    row_bytes = max(1, batch.nbytes // batch.num_rows)
    step = max(1, min(max_rows, max_bytes // row_bytes))
    for start in range(0, batch.num_rows, step):
        yield batch.slice(start, step)


def _join(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    import pyarrow as pa

    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
