"""`Lists`: arrays as Arrow lists, their elements read as a column of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from osiris.connectors._shared import buffers
from osiris.connectors._shared.buffers import Flags, Ints
from osiris.connectors._shared.postgres.answer import broken
from osiris.connectors._shared.postgres.block import LENGTH_BYTES, Values
from osiris.connectors._shared.postgres.kinds import AS_TEXT, Kind, Reading

HEADER_BYTES = 12
"""Dimensions, whether there are nulls, and the type of the elements; then size and lower bound of each dimension."""
DIMENSION_BYTES = 8
HINT = "set arrays: string to read arrays as text, or leave the column out"


class Lists(Kind):
    """Arrays of one dimension, or without elements; other ones are an error. Where an array's numbers begin is lost."""

    def __init__(self, element: Kind) -> None:
        super().__init__(pa.list_(element.arrow), "{}" if element.cast == "{}" else f"{AS_TEXT}[]")
        self._element = element

    @classmethod
    def can(cls, element: Kind) -> bool:
        """Whether the elements come as they are, or as text: casts of another kind are for one value only."""
        return element.cast in ("{}", AS_TEXT)

    def read(self, values: Values, reading: Reading) -> pa.Array:
        sizes = self._sizes(values)
        offsets = np.zeros(len(values) + 1, np.int64)
        np.cumsum(sizes, out=offsets[1:])
        elements = self._element.read(_elements(values, sizes, offsets), reading)
        made = pa.py_buffer(offsets.astype(np.int32))
        nulls = values.nulls
        return pa.Array.from_buffers(
            self.arrow, len(values), [buffers.bitmap(nulls), made], buffers.count(nulls), children=[elements]
        )

    def _sizes(self, values: Values) -> Ints:
        """How many elements each array has. Raises DataError for one of several dimensions."""
        dimensions = np.where(values.are_there, values.head(0, ">i4"), 0).astype(np.int64)
        if (dimensions > 1).any():
            place = int(np.argmax(dimensions > 1))
            raise values.error(place, f"an array of {dimensions[place]} dimensions", "is no list", HINT)
        least = HEADER_BYTES + DIMENSION_BYTES * dimensions
        if ((dimensions < 0) | ((values.lengths < least) & values.are_there)).any():
            raise broken(f"column {values.name!r} has an array of another form")
        sizes = np.where(dimensions == 1, values.head(HEADER_BYTES, ">i4"), 0).astype(np.int64)
        if ((sizes < 0) | (sizes * LENGTH_BYTES > values.lengths)).any():
            raise broken(f"column {values.name!r} has an array of another form")
        return sizes


def _elements(values: Values, sizes: Ints, offsets: Ints) -> Values:
    """The elements of all arrays, one after the other: the first of each is looked at, then the second, and so on."""
    count = int(offsets[-1])
    begins, lengths = np.zeros(count, np.int64), np.zeros(count, np.int64)
    heads = np.zeros((count, values.heads.shape[1]), np.uint8)
    ends = values.begins + values.lengths
    rows = np.flatnonzero(sizes)
    at = values.begins[rows] + (HEADER_BYTES + DIMENSION_BYTES)
    for rank in range(int(sizes.max(initial=0))):
        more = sizes[rows] > rank
        rows, at = rows[more], at[more]
        places = offsets[rows] + rank
        heads[places] = values.block.heads(at)
        size = np.ndarray((count,), ">i4", heads, 0, (heads.shape[1],))[places].astype(np.int64)
        begins[places], lengths[places] = at + LENGTH_BYTES, size
        at = at + (LENGTH_BYTES + np.maximum(size, 0))
        if (at > ends[rows]).any():
            raise broken(f"column {values.name!r} has an element that is longer than its array")
    nulls: Flags | None = lengths < 0
    lengths = np.maximum(lengths, 0)
    owners = np.repeat(np.arange(len(values)), sizes)
    return replace(
        values,
        heads=heads,
        begins=begins,
        lengths=lengths,
        nulls=nulls if nulls is not None and nulls.any() else None,
        rows=owners,
    )
