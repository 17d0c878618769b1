"""`Block`, some rows of a COPY in binary form, and `Values`, one column of them: where each value stands.

The form: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 (each value has its length before it).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from osiris.connectors._shared import buffers
from osiris.connectors._shared.buffers import Flags, Ints
from osiris.connectors._shared.postgres.answer import PAD, Rows, broken
from osiris.errors import DataError

LENGTH_BYTES: Final = 4
HEAD_BYTES: Final = PAD
"""What is looked at of each value at once, its length included: whatever is of a fixed width has room in it."""
SHOWN_BYTES: Final = 80


class Block:
    """Whole rows, `first_row` of which were given before."""

    def __init__(self, rows: Rows, first_row: int) -> None:
        self.raw, self.starts, self.ends = rows.raw, rows.starts, rows.ends
        self.first_row = first_row

    def heads(self, at: Ints) -> NDArray[np.uint8]:
        """The `HEAD_BYTES` from each position on: a length, and the value behind it if that is short.

        Positions are not aligned, and numpy is slow to gather numbers then, but fast to gather texts of 20 bytes or
        more: faster than shorter ones.
        """
        size = len(self.raw) - HEAD_BYTES + 1
        seen: NDArray[np.void] = np.ndarray((size,), f"V{HEAD_BYTES}", self.raw, 0, (1,))
        return seen[at].view(np.uint8).reshape(len(at), HEAD_BYTES)

    def columns(self, names: Sequence[str]) -> Iterator[Values]:
        """The columns, one after the other, since what is known of each takes much memory. Raises SourceError where a
        row has not as many."""
        if (_numbers(self.heads(self.starts), 0, ">i2") != len(names)).any():
            raise broken("a row has another number of columns")
        at = self.starts + 2
        for name in names:
            heads = self.heads(at)
            lengths = _numbers(heads, 0, ">i4").astype(np.int64)
            is_null = lengths < 0
            nulls = is_null if is_null.any() else None
            if nulls is not None:
                lengths[nulls] = 0
            begins = at + LENGTH_BYTES
            at = begins + lengths
            if (at > self.ends).any():
                raise broken("a value is longer than its row")
            yield Values(name, self, heads, begins, lengths, nulls)
        if (at != self.ends).any():
            raise broken("a row is longer than its values")


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a column: value i is `block.raw[begins[i]:begins[i] + lengths[i]]`; a null has length 0. `heads`
    has the first bytes of each, behind its length."""

    name: str
    block: Block
    heads: NDArray[np.uint8]
    begins: Ints
    lengths: Ints
    nulls: Flags | None
    rows: Ints | None = None
    """Of elements of arrays: the place of the row that each is in."""

    def __len__(self) -> int:
        return len(self.begins)

    @property
    def are_there(self) -> Flags | Literal[True]:
        """Which are not null."""
        return True if self.nulls is None else ~self.nulls

    def fixed(self, dtype: str) -> NDArray[np.generic]:
        """The values, which are of this form; of a null it is anything. Raises SourceError for other lengths."""
        if ((self.lengths != np.dtype(dtype).itemsize) & self.are_there).any():
            raise broken(f"a value of column {self.name!r} has another length than its type")
        return self.head(0, dtype)

    def head(self, place: int, dtype: str) -> NDArray[np.generic]:
        """What stands at `place` of each value, if it is that long."""
        return _numbers(self.heads, LENGTH_BYTES + place, dtype)

    def binary(self) -> pa.Array:
        """A copy of the bytes of each."""
        return buffers.gathered(self.block.raw, self.begins, self.lengths, self.nulls)

    def array(self, kind: pa.DataType, data: NDArray[np.generic], missing: Flags | None = None) -> pa.Array:
        """The array of a type of fixed width; `missing` are null besides those that the server sent."""
        nulls = self.nulls if missing is None else missing if self.nulls is None else missing | self.nulls
        return buffers.fixed(kind, data, nulls)

    def row(self, place: int) -> int:
        """Counted from 1, over the whole read."""
        return self.block.first_row + (place if self.rows is None else int(self.rows[place])) + 1

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


def _numbers(heads: NDArray[np.uint8], place: int, dtype: str) -> NDArray[np.generic]:
    """The column of a table of bytes that begins at `place`."""
    kind = np.dtype(dtype)
    return np.ndarray((len(heads),), kind, heads, place, (heads.shape[1],))
