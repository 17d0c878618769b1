"""Rows of the text protocol: each value is a length and that many bytes, or one byte for NULL.

<https://mariadb.com/kb/en/resultset-row/>. All rows of a block are walked at once, column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from pymysql.constants import FIELD_TYPE

from osiris.connectors.mysql.calendar import Calendar
from osiris.connectors.mysql.columns import Column
from osiris.connectors.mysql.decode_kind import Kind
from osiris.connectors.mysql.decode_moments import Moments, Times
from osiris.connectors.mysql.decode_numbers import Bits, Booleans, Decimals, Doubles, Integers
from osiris.connectors.mysql.decode_strings import Binaries, Json, Nothing, Texts, Uuids
from osiris.connectors.mysql.values import Block, Flags, Ints, Values
from osiris.connectors.mysql.wire import broken
from osiris.errors import InternalError

NULL: Final = 0xFB
_WIDE: Final = {0xFC: 2, 0xFD: 3, 0xFE: 8}
"""First byte of a length that does not fit into one byte, and how many bytes follow it."""


class TextRows:
    """Decodes blocks of text rows into the arrays of `schema`."""

    def __init__(self, columns: Sequence[Column], schema: pa.Schema, calendar: Calendar) -> None:
        self._columns = columns
        if any(column.is_rounded for column in columns):
            raise InternalError(
                "FLOAT or DOUBLE(M,D) in text rows has lost digits: prepare the query, or cast to DOUBLE"
            )
        self._kinds = [kind_of(column, kind, calendar) for column, kind in zip(columns, schema.types, strict=True)]

    def arrays(self, block: Block) -> list[pa.Array]:
        """Raises DataError for a value that does not fit, SourceError for rows that are not rows of the columns."""
        arrays = []
        at = block.starts
        for column, kind in zip(self._columns, self._kinds, strict=True):
            begins, lengths, nulls = spans(block, at, block.ends)
            at = begins + lengths
            if (at > block.ends).any():
                raise broken("a value is longer than its row")
            arrays.append(kind.read(Values(column, block, begins, lengths, nulls)))
        if (at != block.ends).any():
            raise broken("a row has bytes after its last column")
        return arrays


def kind_of(column: Column, wanted: pa.DataType, calendar: Calendar) -> Kind:
    """How the text of a column becomes values of the type `wanted`, which is that of its field."""
    if column.type_code == FIELD_TYPE.BIT:
        return Bits(wanted, column.length)
    if pa.types.is_decimal(wanted):
        return Decimals(wanted)
    if pa.types.is_integer(wanted):
        return Integers(wanted)
    if pa.types.is_floating(wanted):
        return Doubles(wanted)
    if pa.types.is_date32(wanted) or pa.types.is_timestamp(wanted):
        return Moments(wanted, column.text_length, calendar)
    return Times(column.decimals) if pa.types.is_duration(wanted) else _PLAIN[wanted]()


_PLAIN: Final = {
    pa.bool_(): Booleans,
    pa.string(): lambda: Texts(pa.string()),
    pa.binary(): lambda: Binaries(pa.binary()),
    pa.json_(): lambda: Json(pa.string()),
    pa.uuid(): Uuids,
    pa.null(): Nothing,
}


def spans(block: Block, at: Ints, ends: Ints) -> tuple[Ints, Ints, Flags | None]:
    """Where the values begin whose lengths stand at `at`, before `ends`; how long they are, and which are null."""
    if (at >= ends).any():
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
