"""Decimals, dates and times as Arrow spells them, faster where values come again."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

PROBE_ROWS: Final = 1024
_SLOW: Final = (
    pa.types.is_decimal128,
    pa.types.is_decimal256,
    pa.types.is_date,
    pa.types.is_timestamp,
    pa.types.is_time,
)


def spelled(array: pa.Array, text: pa.DataType) -> pa.Array:
    """`array` cast to `text`, a type of strings.

    Arrow takes long to spell a decimal or a date. Columns of prices, rates and days hold few different ones, and it is
    quicker to find those, to spell each once, and to copy that.
    """
    if not _repeats(array):
        return pc.cast(array, text)
    distinct = array.dictionary_encode()
    return pc.cast(distinct.dictionary, text).take(distinct.indices)


def _repeats(array: pa.Array) -> bool:
    """Whether a column is worth it, going by its first rows."""
    if len(array) < 4 * PROBE_ROWS or not any(test(array.type) for test in _SLOW):
        return False
    return bool(len(array.slice(0, PROBE_ROWS).unique()) < PROBE_ROWS // 4)
