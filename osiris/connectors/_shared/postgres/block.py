"""`Block`, some rows of a COPY in binary form, and `Values`, one column of them: where each value stands.

The form: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 (each value has its length before it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from osiris.connectors._shared import buffers
from osiris.connectors._shared.buffers import Flags, Ints
from osiris.errors import DataError, SourceError

AHEAD_BYTES: Final = 64
"""How far behind the start of a value may be looked, whatever its length is."""
SHOWN_BYTES: Final = 80


class Block:
    """Whole rows: row i is `raw[starts[i]:ends[i]]`; `first_row` rows were given before it."""

    def __init__(self, rows: Sequence[memoryview], first_row: int) -> None:
        self.raw = b"".join((*rows, bytes(AHEAD_BYTES)))
        self.ends: Ints = np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)))
        self.starts: Ints = np.concatenate(([0], self.ends[:-1])).astype(np.int64)[: len(rows)]
        self.first_row = first_row

    def ahead(self, at: Ints, size: int) -> NDArray[np.void]:
        """The `size` bytes from each position on. Positions are not aligned, and numpy gathers only texts fast then."""
        seen: NDArray[np.void] = np.ndarray((len(self.raw) - size + 1,), f"V{size}", self.raw, 0, (1,))
        return seen[at]

    def columns(self, count: int) -> list[tuple[Ints, Ints, Flags | None]]:
        """For each column where its values begin, their lengths, and which are null. Raises SourceError when the rows
        are not of so many columns."""
        if (self.ahead(self.starts, 2).view(">i2") != count).any():
            raise broken("a row has another number of columns")
        at, found = self.starts + 2, []
        for _ in range(count):
            lengths = self.ahead(at, 4).view(">i4").astype(np.int64)
            is_null = lengths < 0
            nulls = is_null if is_null.any() else None
            if nulls is not None:
                lengths[nulls] = 0
            at = at + 4
            found.append((at, lengths, nulls))
            at = at + lengths
            if (at > self.ends).any():
                raise broken("a value is longer than its row")
        if (at != self.ends).any():
            raise broken("a row is longer than its values")
        return found


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a column: value i is `block.raw[begins[i]:begins[i] + lengths[i]]`; a null has length 0."""

    name: str
    block: Block
    begins: Ints
    lengths: Ints
    nulls: Flags | None

    def __len__(self) -> int:
        return len(self.begins)

    def fixed(self, dtype: str) -> NDArray[np.generic]:
        """The values, which are of this form; of a null it is anything. Raises SourceError for other lengths."""
        size = np.dtype(dtype).itemsize
        fits = self.lengths == size
        if self.nulls is not None:
            fits |= self.nulls
        if not fits.all():
            raise broken(f"a value of column {self.name!r} has another length than its type")
        return self.block.ahead(self.begins, size).view(dtype)

    def binary(self) -> pa.Array:
        """A copy of the bytes of each."""
        return buffers.gathered(self.block.raw, self.begins, self.lengths, self.nulls)

    def array(self, kind: pa.DataType, data: NDArray[np.generic], missing: Flags | None = None) -> pa.Array:
        """The array of a type of fixed width; `missing` are null besides those that the server sent."""
        nulls = self.nulls if missing is None else missing if self.nulls is None else missing | self.nulls
        return buffers.fixed(kind, data, nulls)

    def row(self, place: int) -> int:
        """Counted from 1, over the whole read."""
        return self.block.first_row + place + 1

    def error(self, place: int, shown: str, reason: str, hint: str | None = None) -> DataError:
        """The value at `place`, which reads as `shown`, cannot be given: `reason` goes on after it (`is no date`)."""
        row = self.row(place)
        text = shown[:SHOWN_BYTES] + ("…" if len(shown) > SHOWN_BYTES else "")
        return DataError(
            f"column {self.name!r}, row {row}: '{text}' {reason}",
            code="data.value",
            data_column=self.name,
            row=row,
            hint=hint,
        )


def broken(reason: str) -> SourceError:
    return SourceError(
        f"the server's answer cannot be read: {reason}",
        code="source.protocol",
        hint="run again; if it happens each time, look for a proxy between here and the server",
    )
