"""Rows of the binary protocol, those of a prepared statement: numbers as they are in memory, so FLOAT is exact.

<https://mariadb.com/kb/en/resultset-row/#binary-resultset-row>: a zero byte, a bit for each column that is null, and
the values that are not. Texts, DECIMAL and BIT are as in the text protocol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from pymysql.constants import FIELD_TYPE

from osiris.connectors.mysql.calendar import Calendar
from osiris.connectors.mysql.columns import Column
from osiris.connectors.mysql.decode_kind import Kind
from osiris.connectors.mysql.decode_packed import PackedMoments, PackedNumbers, PackedTexts, PackedTimes
from osiris.connectors.mysql.decode_text import kind_of, spans
from osiris.connectors.mysql.values import Block, Flags, Ints, Values
from osiris.connectors.mysql.wire import broken

_FIRST_BIT: Final = 2
"""Where the first column is in the bits of a row; the two before it are not used."""
_NUMBERS: Final[Mapping[int, str]] = {
    FIELD_TYPE.TINY: "b",
    FIELD_TYPE.SHORT: "h",
    FIELD_TYPE.YEAR: "h",
    FIELD_TYPE.INT24: "i",
    FIELD_TYPE.LONG: "i",
    FIELD_TYPE.LONGLONG: "q",
    FIELD_TYPE.FLOAT: "f",
    FIELD_TYPE.DOUBLE: "d",
}
"""The types of fixed size, by struct's letters for signed ones."""


class BinaryRows:
    """Decodes blocks of binary rows into the arrays of `schema`."""

    def __init__(self, columns: Sequence[Column], schema: pa.Schema, calendar: Calendar) -> None:
        self._columns = columns
        self._kinds = [_kind_of(column, kind, calendar) for column, kind in zip(columns, schema.types, strict=True)]
        self._head_bytes = 1 + (len(columns) + _FIRST_BIT + 7) // 8

    def arrays(self, block: Block) -> list[pa.Array]:
        """Raises DataError for a value that does not fit, SourceError for rows that are not rows of the columns."""
        at = block.starts + self._head_bytes
        if (at > block.ends).any() or block.bytes[block.starts].any():
            raise broken("a row of a prepared statement does not begin like one")
        arrays = []
        for place, (column, kind) in enumerate(zip(self._columns, self._kinds, strict=True)):
            values = _values(column, block, at, _nulls(block, place))
            at = values.begins + values.lengths
            if (at > block.ends).any():
                raise broken("a value is longer than its row")
            arrays.append(kind.read(values))
        if (at != block.ends).any():
            raise broken("a row has bytes after its last column")
        return arrays


def _nulls(block: Block, place: int) -> Flags | None:
    byte, bit = divmod(place + _FIRST_BIT, 8)
    nulls = (block.bytes[block.starts + (1 + byte)] & (1 << bit)) != 0
    return nulls if nulls.any() else None


def _values(column: Column, block: Block, at: Ints, nulls: Flags | None) -> Values:
    letter = _NUMBERS.get(column.type_code)
    if letter is not None:
        lengths = np.full(len(at), np.dtype(letter).itemsize)
        if nulls is not None:
            lengths[nulls] = 0
        return Values(column, block, at, lengths, nulls)
    if nulls is None:
        begins, lengths, unexpected = spans(block, at, block.ends)
    else:
        begins, lengths, there = at.copy(), np.zeros(len(at), np.int64), ~nulls
        begins[there], lengths[there], unexpected = spans(block, at[there], block.ends[there])
    if unexpected is not None:
        raise broken("a value has no length")
    return Values(column, block, begins, lengths, nulls)


def _kind_of(column: Column, wanted: pa.DataType, calendar: Calendar) -> Kind:
    letter = _NUMBERS.get(column.type_code)
    if letter is not None:
        return PackedNumbers(wanted, letter.upper() if column.unsigned and letter not in "fd" else letter)
    if column.is_dated:
        return (
            PackedTexts(calendar, column.text_length) if pa.types.is_string(wanted) else PackedMoments(wanted, calendar)
        )
    return PackedTimes() if pa.types.is_duration(wanted) else kind_of(column, wanted, calendar)
