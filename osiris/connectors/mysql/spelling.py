"""Values of each kind as the texts that stand for them in SQL, column by column; nulls stay nulls.

Each function takes an array that `arrivals.bare` has made, and gives one of large_binary. A value that cannot be
written down raises Misfit.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors._shared.misfits import micros_of, refuse, strictly
from osiris.connectors._shared.spelling import spelled

TEXT: Final = pa.large_binary()


def nulls(array: pa.Array) -> pa.Array:
    return pa.nulls(len(array), TEXT)


def integers(array: pa.Array) -> pa.Array:
    return _cast(array)


def bools(array: pa.Array) -> pa.Array:
    """1 and 0. Arrow's bool8 holds numbers, of which 0 alone is false."""
    truth = array if pa.types.is_boolean(array.type) else pc.not_equal(array, pa.scalar(0, pa.int8()))
    return _cast(pc.cast(truth, pa.uint8()))


def decimals(array: pa.Array) -> pa.Array:
    """Arrow may write a small one with an exponent, which in quotes is exact too."""
    kind = array.type
    return _cast(pc.cast(array, pa.decimal256(76, 0)) if kind.scale < 0 else array)


def floats(array: pa.Array) -> pa.Array:
    """The fewest digits from which the double can be told; a float32 as the double that it is."""
    doubles = pc.cast(array, pa.float64())
    refuse(pc.invert(pc.is_finite(doubles)), "is not a finite number, and MySQL has no other")
    return _cast(doubles)


def texts(array: pa.Array) -> pa.Array:
    """Texts and binaries as they are."""
    return pc.cast(array, TEXT)


def dates(array: pa.Array) -> pa.Array:
    days = strictly(array, pa.date32(), "has a time of day, which a date has not")
    _within(days.view(pa.int32()), (_FIRST_DAY, _LAST_DAY), _CALENDAR)
    return _cast(days)


def moments(array: pa.Array) -> pa.Array:
    """`2026-01-02 03:04:05.000006`, in UTC if it has a time zone."""
    micros = micros_of(array)
    _within(micros, (_FIRST_DAY * _DAY_US, (_LAST_DAY + 1) * _DAY_US - 1), _CALENDAR)
    return _cast(micros.view(pa.timestamp("us")))


def times(array: pa.Array) -> pa.Array:
    return _cast(micros_of(array).view(pa.time64("us")))


def durations(array: pa.Array) -> pa.Array:
    """`-838:59:59.000000`"""
    micros = micros_of(array)
    _within(micros, (-_LONGEST_US, _LONGEST_US), "is longer than 838:59:59.999999, the most that a TIME holds")
    size = pc.abs(micros)
    hours = pc.divide(size, _HOUR_US)
    rest = pc.subtract(size, pc.multiply(hours, _HOUR_US))
    sign = pc.if_else(pc.less(micros, 0), pa.scalar(b"-", TEXT), pa.scalar(b"", TEXT))
    minutes = pc.utf8_slice_codeunits(pc.cast(rest.view(pa.time64("us")), pa.string()), 2)
    return pc.binary_join_element_wise(sign, _cast(hours), pc.cast(minutes, TEXT), pa.scalar(b"", TEXT))


def lengths(array: pa.Array) -> pa.Array:
    """Intervals of months, days and nanoseconds as durations, with days of 24 hours; a month has no fixed length."""
    raw = np.frombuffer(array.buffers()[1] or b"", _INTERVAL)[array.offset : array.offset + len(array)]
    days = raw["days"].astype(np.int64)
    for bad, reason in (
        (raw["months"] != 0, "has months, and those have no fixed length"),
        (np.abs(days) > _MOST_DAYS, f"has more than {_MOST_DAYS} days"),
        (raw["nanos"] % 1000 != 0, "is not a number of microseconds"),
    ):
        refuse(pc.and_(pa.array(bad), array.is_valid()), reason)
    micros = pa.array(days * _DAY_US + raw["nanos"] // 1000).view(pa.duration("us"))
    return pc.if_else(array.is_valid(), micros, None)


def uuids(array: pa.Array) -> pa.Array:
    """`123e4567-e89b-12d3-a456-426614174000`"""
    count, start = len(array), array.offset
    raw = np.frombuffer(array.buffers()[1] or b"", np.uint8)[start * 16 : (start + count) * 16]
    digits = _HEX[raw].view(np.uint8).reshape(count, 32)
    dash = np.full((count, 1), ord("-"), np.uint8)
    parts = [digits[:, first:last] for first, last in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))]
    text = np.hstack([each for part in parts for each in (part, dash)][:-1])
    return _like(array, np.arange(count + 1) * 36, text)


def hexadecimal(array: pa.Array) -> pa.Array:
    """Of the bytes of a large_binary."""
    ends, raw = raw_of(array)
    return _like(array, (ends - ends[0]) * 2, _HEX[raw].view(np.uint8))


def raw_of(array: pa.Array) -> tuple[Any, Any]:
    """The offsets of a large_binary array, and the bytes from the first to the last of them."""
    offsets, data = array.buffers()[1:]
    if not len(array):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    ends = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return ends, np.frombuffer(data or b"", np.uint8)[ends[0] : ends[-1]]


def _within(numbers: pa.Array, limits: tuple[int, int], reason: str) -> None:
    low, high = limits
    refuse(pc.or_(pc.less(numbers, low), pc.greater(numbers, high)), reason)


def _cast(array: pa.Array) -> pa.Array:
    """Arrow's own spelling."""
    return pc.cast(spelled(array, pa.large_string()), TEXT)


def _like(array: pa.Array, offsets: Any, data: Any) -> pa.Array:
    """A large_binary array of these bytes, null where `array` is."""
    buffers = [None, pa.py_buffer(offsets.astype(np.int64)), pa.py_buffer(np.ascontiguousarray(data))]
    made = pa.Array.from_buffers(TEXT, len(array), buffers)
    return pc.if_else(array.is_valid(), made, None) if array.null_count else made


_DAY_US: Final = 86_400_000_000
_HOUR_US: Final = 3_600_000_000
_LONGEST_US: Final = 839 * _HOUR_US - 1
_MOST_DAYS: Final = 100_000_000
"""So that their microseconds fit in 64 bits."""
_INTERVAL: Final = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])
"""As Arrow's columnar format has MONTH_DAY_NANO."""
_FIRST_DAY: Final = -719_162
"""0001-01-01: what servers make of the year 0 differs."""
_LAST_DAY: Final = 2_932_896
_CALENDAR: Final = "is not between the years 1 and 9999"
_HEX: Final = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint16)
