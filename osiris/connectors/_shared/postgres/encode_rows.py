"""Rows of COPY BINARY out of columns of cells: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4

A column's cells are a matrix, of one row of bytes for each value, where all values of its type have one width; else an
array of large_binary. The numbers in them are in network byte order. What is under a null does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from osiris.connectors._shared.misfits import refuse

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Ends = NDArray[np.int64]
BINARY: Final = pa.large_binary()
HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
LARGEST: Final = 2**30 - 1
"""https://www.postgresql.org/docs/current/limits.html"""
NULL: Final = 0xFF
"""Each of the four bytes in place of a length."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A column whose values have one width: (rows, width) bytes, and which of them are null, if any."""

    cells: Bytes
    nulls: Flags | None = None


def rows(fixed: Sequence[Fixed], texts: Sequence[pa.Array], count: int) -> memoryview:
    """`count` rows, in which the columns of one width come first, in their order, then the others."""
    head = _head(fixed, texts, count)
    if not texts:
        return raw_of(head)[1].data
    parts = [head, _filled(texts[0])]
    for column in texts[1:]:
        parts += [binary(sizes(column)), _filled(column)]
    return raw_of(joined(*parts))[1].data


def bounded(cells: Fixed | pa.Array) -> Fixed | pa.Array:
    """The cells, if none is larger than a value may be; raises Misfit."""
    if not isinstance(cells, Fixed):
        refuse(pc.greater(pc.binary_length(cells), _LARGEST), "is larger than 1 GB, the most that a value may have")
    return cells


def entries(cells: Fixed | pa.Array) -> pa.Array:
    """Each value with its length before it, or the sign of a null: as an array of PostgreSQL has its elements."""
    if isinstance(cells, Fixed):
        count, width = cells.cells.shape
        matrix, kept = np.empty((count, 4 + width), np.uint8), None
        matrix[:, 4:] = cells.cells
        matrix[:, :4] = big_endian(np.full(count, width, ">i4"))
        if cells.nulls is not None:
            kept = np.ones(matrix.shape, np.bool_)
            matrix[cells.nulls, :4], kept[cells.nulls, 4:] = NULL, False
        return binary(matrix, kept)
    return joined(binary(sizes(cells)), _filled(cells))


def binary(matrix: Bytes, kept: Flags | None = None) -> pa.Array:
    """An array of large_binary whose values are the rows of the matrix, without the bytes that are not `kept`."""
    count, width = matrix.shape
    if kept is None:
        ends = (
            np.arange(0, count * width + 1, max(width, 1), dtype=np.int64) if width else np.zeros(count + 1, np.int64)
        )
        return array_of(ends, matrix)
    ends = np.zeros(count + 1, np.int64)
    np.cumsum(kept.sum(axis=1), out=ends[1:])
    return array_of(ends, matrix[kept])


def array_of(ends: Ends, data: Bytes, like: pa.Array | None = None) -> pa.Array:
    """An array of large_binary: value i is `data[ends[i]:ends[i + 1]]`, or null where `like` is."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(ends)), pa.py_buffer(np.ascontiguousarray(data))]
    made = pa.Array.from_buffers(BINARY, len(ends) - 1, buffers)
    return made if like is None or not like.null_count else pc.if_else(like.is_valid(), made, None)


def joined(*parts: pa.Array) -> pa.Array:
    """The values of several arrays, end to end; one that has a null gives one."""
    return pc.binary_join_element_wise(*parts, _NOTHING)


def raw_of(array: pa.Array) -> tuple[Ends, Bytes]:
    """The offsets of a large_binary array, and the bytes from the first to the last of them."""
    offsets, data = array.buffers()[1:]
    if not len(array):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    ends = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return ends, np.frombuffer(data or b"", np.uint8)[ends[0] : ends[-1]]


def sizes(array: pa.Array) -> Bytes:
    """The length of each value, -1 for a null."""
    return big_endian(pc.binary_length(array).fill_null(_NO_LENGTH).to_numpy().astype(">i4"))


def big_endian(numbers: NDArray[np.generic]) -> Bytes:
    """Numbers that are in network byte order already, as bytes: a row for each."""
    return np.ascontiguousarray(numbers).view(np.uint8).reshape(len(numbers), numbers.dtype.itemsize)


def nulls_of(array: pa.Array) -> Flags | None:
    """Which values are null; None when none is."""
    return array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None


def _head(fixed: Sequence[Fixed], texts: Sequence[pa.Array], count: int) -> pa.Array:
    """All of each row that is of one width: the number of its fields, the fixed ones, the length of the first other."""
    made = np.empty(count, _record([column.cells.shape[1] for column in fixed], is_last=not texts))
    made["fields"] = len(fixed) + len(texts)
    for place, column in enumerate(fixed):
        width = column.cells.shape[1]
        made[f"size {place}"] = width
        if width:
            made[f"cell {place}"] = _items(column.cells)
    if texts:
        made["next"] = _items(sizes(texts[0]))
    matrix: Bytes = made.view(np.uint8).reshape(count, made.dtype.itemsize)
    return binary(matrix, _without_nulls(matrix, made.dtype, fixed))


def _record(widths: Sequence[int], *, is_last: bool) -> np.dtype[np.void]:
    """Fields that numpy fills as wholes, which is much faster than byte by byte."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for place, width in enumerate(widths):
        fields += [(f"size {place}", ">i4"), *([(f"cell {place}", f"V{width}")] if width else [])]
    return np.dtype(fields if is_last else [*fields, ("next", "V4")])


def _without_nulls(matrix: Bytes, record: np.dtype[np.void], fixed: Sequence[Fixed]) -> Flags | None:
    """Which bytes of the matrix count, where some are null; the sign of a null is put in place of their lengths."""
    if all(column.nulls is None for column in fixed):
        return None
    kept = np.ones(matrix.shape, np.bool_)
    for place, column in enumerate(fixed):
        if column.nulls is not None:
            start = record.fields[f"size {place}"][1] if record.fields else 0
            matrix[column.nulls, start : start + 4] = NULL
            kept[column.nulls, start + 4 : start + 4 + column.cells.shape[1]] = False
    return kept


def _items(cells: Bytes) -> NDArray[np.void]:
    """Each row of bytes as one item."""
    found: NDArray[np.void] = np.ascontiguousarray(cells).view(f"V{cells.shape[1]}")[:, 0]
    return found


def _filled(column: pa.Array) -> pa.Array:
    return column.fill_null(_NOTHING) if column.null_count else column


_LARGEST: Final = pa.scalar(LARGEST, pa.int64())
_NO_LENGTH: Final = pa.scalar(-1, pa.int64())
_NOTHING: Final = pa.scalar(b"", BINARY)
"""Made once: where pandas is not installed, Arrow looks for it whenever it makes a scalar, for 0.2 ms."""
