"""Arrow arrays out of bytes of the wire: validity bitmaps, and texts gathered from where they stand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def bitmap(nulls: Flags | None) -> pa.Buffer | None:
    """Arrow's bitmap of what is not null."""
    return None if nulls is None else pa.py_buffer(np.packbits(~nulls, bitorder="little"))


def count(nulls: Flags | None) -> int:
    return 0 if nulls is None else int(np.count_nonzero(nulls))


def fixed(kind: pa.DataType, data: NDArray[np.generic], nulls: Flags | None) -> pa.Array:
    """The array of a type of fixed width whose values are the bytes of `data`, one row or item for each."""
    buffer = pa.py_buffer(np.ascontiguousarray(data))
    return pa.Array.from_buffers(kind, len(data), [bitmap(nulls), buffer], count(nulls))


def gathered(raw: bytes | bytearray, begins: Ints, lengths: Ints, nulls: Flags | None) -> pa.Array:
    """A copy of `raw[begins[i]:begins[i] + lengths[i]]` for each i, as Arrow binary; a null has length 0.

    The buffer itself is seen as an array of values and the gaps between them, and Arrow takes every second one: it
    copies each at once, where numpy would gather byte by byte. Each value begins behind the one before it.
    """
    size = len(begins)
    if nulls is None and size and lengths.min() == lengths.max() == 1:
        offsets, data = pa.py_buffer(np.arange(size + 1, dtype=np.int32)), np.frombuffer(raw, np.uint8)[begins]
        return pa.Array.from_buffers(pa.binary(), size, [None, offsets, pa.py_buffer(data)], 0)
    borders = np.zeros(2 * size + 1, np.int32)
    borders[0:-1:2] = begins
    np.add(begins, lengths, out=borders[1::2], casting="same_kind")
    borders[-1:] = borders[-2:-1]
    seen = pa.Array.from_buffers(pa.binary(), 2 * size, [None, pa.py_buffer(borders), pa.py_buffer(raw)], 0)
    _, own_offsets, own_data = seen.take(pa.array(np.arange(0, 2 * size, 2, dtype=np.int32))).buffers()
    return pa.Array.from_buffers(pa.binary(), size, [bitmap(nulls), own_offsets, own_data], count(nulls))


def text(binary: pa.Array) -> pa.Array | None:
    """Arrow binary as text without a copy; None when it is not valid UTF-8."""
    made = pa.Array.from_buffers(pa.string(), len(binary), binary.buffers(), binary.null_count)
    data = np.frombuffer(binary.buffers()[2] or b"", np.uint8)
    if data.max(initial=0) >= 0x80:  # most columns are ASCII, and to see that is far faster
        try:
            made.validate(full=True)
        except pa.ArrowInvalid:
            return None
    return made
