"""`Block`, some rows of a result in the buffer, and `Values`, one column of them: where each value stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from osiris.connectors.mysql.columns import Column
from osiris.errors import DataError

Ints = NDArray[np.int64]
SHOWN_BYTES: Final = 80


@dataclass(frozen=True, slots=True)
class Block:
    """Whole rows: the payload of row i is `raw[starts[i]:ends[i]]`; `first_row` were given before it."""

    raw: bytearray
    bytes: NDArray[np.uint8]
    starts: Ints
    ends: Ints
    first_row: int

    @classmethod
    def of(cls, raw: bytearray, starts: Ints, ends: Ints, first_row: int) -> Block:
        return cls(raw, np.frombuffer(raw, np.uint8), starts, ends, first_row)


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a column: value i is `raw[begins[i]:begins[i] + lengths[i]]`; a null has length 0."""

    column: Column
    block: Block
    begins: Ints
    lengths: Ints
    nulls: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.begins)

    @property
    def null_count(self) -> int:
        return 0 if self.nulls is None else int(np.count_nonzero(self.nulls))

    def validity(self) -> pa.Buffer | None:
        """Arrow's bitmap of what is not null."""
        return None if self.nulls is None else pa.py_buffer(np.packbits(~self.nulls, bitorder="little"))

    def binary(self) -> pa.Array:
        """A copy of the bytes of each value, as an Arrow array.

        The buffer itself is seen as an array of values and the gaps between them, and Arrow takes every second one:
        it copies each by one memcpy, where numpy would gather byte by byte.
        """
        count = len(self)
        offsets = np.empty(2 * count + 1, np.int32)
        offsets[0:-1:2] = self.begins
        offsets[1::2] = self.begins + self.lengths
        offsets[-1:] = offsets[-2:-1] if count else 0
        seen = pa.Array.from_buffers(
            pa.binary(), 2 * count, [None, pa.py_buffer(offsets), pa.py_buffer(self.block.raw)]
        )
        taken = seen.take(pa.array(np.arange(0, 2 * count, 2, dtype=np.int32)))
        _, own_offsets, data = taken.buffers()
        return pa.Array.from_buffers(pa.binary(), count, [self.validity(), own_offsets, data], self.null_count)

    def each(self) -> Iterator[bytes | None]:
        """The values one by one: the slow way, for what the fast ways do not understand."""
        for place in range(len(self)):
            yield self.value(place)

    def value(self, place: int) -> bytes | None:
        if self.nulls is not None and self.nulls[place]:
            return None
        begin = int(self.begins[place])
        return bytes(self.block.raw[begin : begin + int(self.lengths[place])])

    def error(self, place: int, reason: str, hint: str | None = None) -> DataError:
        """The value at `place` cannot be given: `reason` goes on after the value, as in `is no date`."""
        value = self.value(place) or b""
        shown = repr(value[:SHOWN_BYTES])[2:-1] + ("…" if len(value) > SHOWN_BYTES else "")
        row = self.block.first_row + place + 1
        return DataError(
            f"column {self.column.name!r}, row {row}: {shown!r} {reason}",
            code="data.value",
            data_column=self.column.name,
            row=row,
            hint=hint,
        )
