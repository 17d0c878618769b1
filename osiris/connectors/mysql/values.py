"""`Block`, some rows of a result in the buffer, and `Values`, one column of them: where each value stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from osiris.connectors._shared import buffers
from osiris.connectors._shared.buffers import Flags, Ints
from osiris.connectors.mysql.columns import Column
from osiris.errors import DataError

Words = NDArray[np.uint64]
SHOWN_BYTES: Final = 80
__all__ = ["Block", "Flags", "Ints", "Values", "Words"]


class Block:
    """Whole rows: the payload of row i is `raw[starts[i]:ends[i]]`; `first_row` rows were given before it."""

    __slots__ = ("bytes", "ends", "first_row", "raw", "starts")

    def __init__(self, raw: bytearray, starts: Ints, ends: Ints, first_row: int) -> None:
        self.raw = raw
        self.bytes = np.frombuffer(raw, np.uint8)
        self.starts = starts
        self.ends = ends
        self.first_row = first_row

    def words(self, at: Ints, count: int) -> Words:
        """The `8 * count` bytes from each position on, as little-endian words: a row of the result for each of `at`.

        Positions are not multiples of 8, and numpy is slow to gather numbers that are not aligned; it is fast to
        gather texts, which need no alignment. From 20 bytes on it copies them faster than fewer.
        """
        size = 8 * max(count, 3)
        seen: NDArray[np.void] = np.ndarray((len(self.raw) - size + 1,), f"V{size}", self.raw, 0, (1,))
        return seen[at].view("<u8").reshape(len(at), size // 8)[:, :count]


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a column: value i is `raw[begins[i]:begins[i] + lengths[i]]`; a null has length 0."""

    column: Column
    block: Block
    begins: Ints
    lengths: Ints
    nulls: Flags | None = None

    def __len__(self) -> int:
        return len(self.begins)

    def has_length(self, length: int) -> bool:
        """Whether all values but nulls have this length."""
        fits = self.lengths == length
        if self.nulls is not None:
            fits |= self.nulls
        return bool(fits.all())

    def has_empty(self) -> bool:
        """Whether there is a value of no bytes that is not null."""
        empty = len(self) - int(np.count_nonzero(self.lengths))
        return empty > (0 if self.nulls is None else int(np.count_nonzero(self.nulls)))

    def longest(self) -> int:
        return int(self.lengths.max(initial=0))

    def words_before(self, back: int, count: int) -> Words:
        """The `8 * count` bytes that end `back` bytes before the end of each value."""
        return self.block.words(self.begins + (self.lengths - (back + 8 * count)), count)

    def array(self, kind: pa.DataType, data: NDArray[np.generic], nulls: Flags | None = None) -> pa.Array:
        """The Arrow array of `kind` whose values are the bytes of `data`; `nulls` are more than the server sent."""
        missing = self.nulls if nulls is None else nulls
        buffer = pa.py_buffer(np.ascontiguousarray(data))
        return pa.Array.from_buffers(kind, len(self), [buffers.bitmap(missing), buffer], buffers.count(missing))

    def binary(self) -> pa.Array:
        """A copy of the bytes of each value, as an Arrow array."""
        return buffers.gathered(self.block.raw, self.begins, self.lengths, self.nulls)

    def __iter__(self) -> Iterator[bytes | None]:
        """The values one by one: the slow way, for what the fast ways do not understand."""
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, place: int) -> bytes | None:
        if self.nulls is not None and self.nulls[place]:
            return None
        begin = int(self.begins[place])
        return bytes(self.block.raw[begin : begin + int(self.lengths[place])])

    def error(self, place: int, reason: str, hint: str | None = None, shown: str | None = None) -> DataError:
        """The value at `place`, which reads as `shown`, cannot be given: `reason` goes on after it (`is no date`)."""
        row = self.block.first_row + place + 1
        if shown is None:
            shown = _shown(self[place] or b"")
        return DataError(
            f"column {self.column.name!r}, row {row}: '{shown}' {reason}",
            code="data.value",
            data_column=self.column.name,
            row=row,
            hint=hint,
        )


def _shown(value: bytes) -> str:
    """The value as text, bytes that are none as `\\x80`."""
    return value[:SHOWN_BYTES].decode("utf-8", "backslashreplace") + ("…" if len(value) > SHOWN_BYTES else "")
