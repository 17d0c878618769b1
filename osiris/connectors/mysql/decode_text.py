"""Rows of the text protocol: each value is a length and that many bytes, or one byte for NULL.

<https://mariadb.com/kb/en/resultset-row/>. All rows of a block are walked at once, column by column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from osiris.connectors.mysql.columns import Column, Policy
from osiris.connectors.mysql.kinds import kind_of
from osiris.connectors.mysql.values import Block, Ints, Values
from osiris.connectors.mysql.wire import broken

NULL: Final = 0xFB
_WIDE: Final = {0xFC: 2, 0xFD: 3, 0xFE: 8}
"""First byte of a length that does not fit into one byte, and how many bytes follow it."""


class TextRows:
    """Decodes blocks of text rows into the arrays of `schema`."""

    def __init__(self, columns: Sequence[Column], schema: pa.Schema, policy: Policy, counts: Counter[str]) -> None:
        self._columns = columns
        self._kinds = [
            kind_of(column, field.type, policy, counts) for column, field in zip(columns, schema, strict=True)
        ]

    def arrays(self, block: Block) -> list[pa.Array]:
        arrays = []
        at = block.starts
        for column, kind in zip(self._columns, self._kinds, strict=True):
            begins, lengths, nulls = spans(block, at)
            at = begins + lengths
            if (at > block.ends).any():
                raise broken("a value is longer than its row")
            arrays.append(kind.read(Values(column, block, begins, lengths, nulls)))
        if (at != block.ends).any():
            raise broken("a row has bytes after its last column")
        return arrays


def spans(block: Block, at: Ints) -> tuple[Ints, Ints, NDArray[np.bool_] | None]:
    """Where the values begin whose lengths stand at `at`, how long they are, and which are null."""
    if (at >= block.ends).any():
        raise broken("a row ends before its last column")
    first = block.bytes[at]
    lengths = first.astype(np.int64)
    begins = at + 1
    if not len(first) or first.max() < NULL:
        return begins, lengths, None
    if first.max() == 0xFF:
        raise broken("0xff is no length")
    for mark, count in _WIDE.items():
        chosen = np.flatnonzero(first == mark)
        if len(chosen):
            lengths[chosen] = _wide(block, at[chosen], count)
            begins[chosen] += count
    nulls = first == NULL
    lengths[nulls] = 0
    return begins, lengths, nulls if nulls.any() else None


def _wide(block: Block, at: Ints, count: int) -> Ints:
    if (at + count >= block.bytes.size).any():
        raise broken("a length is cut off")
    total = np.zeros(len(at), np.int64)
    for place in range(count, 0, -1):
        total = (total << 8) | block.bytes[at + place]
    if (total < 0).any() or (total > block.bytes.size).any():
        raise broken("a value is longer than its row")
    return total
