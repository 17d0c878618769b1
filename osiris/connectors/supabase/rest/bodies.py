"""`bodies`: the rows of a stream in parts that each go into one request, of several with one key the last only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from osiris.connectors._shared.postgres.types import Type
from osiris.connectors.supabase.rest.rows import encode

BODY_BYTES: Final = 1 << 20
PIECE_ROWS: Final = 1 << 12
Kinds = Mapping[str, Type | None]


@dataclass(slots=True)
class Body:
    """`taken` counts rows that came; those with a key that came again are not among `rows` any more."""

    rows: dict[object, bytes] = field(default_factory=dict)
    taken: int = 0
    size_bytes: int = 0

    def add(self, key: object, row: bytes) -> None:
        self.size_bytes += len(row) - len(self.rows.pop(key, b""))
        self.rows[key] = row
        self.taken += 1


def bodies(batches: Iterator[pa.RecordBatch], kinds: Kinds, keys: Sequence[str], most_rows: int) -> Iterator[Body]:
    """About `BODY_BYTES` each, and no more than `most_rows`. Raises DataError for a value that does not fit."""
    body, before = Body(), 0
    for batch in batches:
        for start in range(0, batch.num_rows, PIECE_ROWS):
            piece = batch.slice(start, PIECE_ROWS)
            for key, row in _rows(piece, kinds, keys, before):
                if len(body.rows) >= most_rows or body.size_bytes >= BODY_BYTES:
                    yield body
                    body = Body()
                body.add(key, row)
            before += piece.num_rows
    if body.taken:
        yield body


def _rows(piece: pa.RecordBatch, kinds: Kinds, keys: Sequence[str], before: int) -> Iterator[tuple[object, bytes]]:
    """Each row as JSON, with what tells it from the others: its key, else its place. A key with a null is like no other
    to PostgreSQL."""
    made = encode(piece, kinds, before).to_pylist()
    names = encode(piece.select(list(keys)), kinds, before).to_pylist() if keys else [None] * len(made)
    nulls = (
        zip(*(piece.column(key).is_null().to_pylist() for key in keys), strict=True) if keys else [(True,)] * len(made)
    )
    for place, (name, row, is_null) in enumerate(zip(names, made, nulls, strict=True)):
        yield before + place if any(is_null) else name, row.encode()
