"""Values of the binary protocol: numbers, dates and times as they are in memory."""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
import pyarrow as pa

from osiris.connectors._shared.buffers import bitmap
from osiris.connectors.mysql.calendar import MAX_YEAR, Calendar
from osiris.connectors.mysql.decode_kind import Kind
from osiris.connectors.mysql.decode_moments import MAX_HOURS
from osiris.connectors.mysql.decode_numbers import narrow
from osiris.connectors.mysql.digits import U8, byte
from osiris.connectors.mysql.values import Ints, Values, Words


class PackedNumbers(Kind):
    """TINYINT to BIGINT, YEAR, FLOAT and DOUBLE; `code` is that of struct."""

    def __init__(self, wanted: pa.DataType, code: str) -> None:
        super().__init__(wanted)
        self._dtype = np.dtype(f"<{code}")
        self._struct = struct.Struct(f"<{code}")

    def fast(self, values: Values) -> pa.Array | None:
        words = values.block.words(values.begins, 1)[:, 0]
        if values.nulls is not None:
            words[values.nulls] = 0
        numbers = words.astype(f"u{self._dtype.itemsize}")
        if pa.types.is_boolean(self.type):
            return None if (numbers > 1).any() else values.array(self.type, np.packbits(numbers, bitorder="little"))
        found = narrow(numbers.view(self._dtype)) if pa.types.is_float32(self.type) else numbers.view(self._dtype)
        return None if found is None else values.array(self.type, found)

    def parse(self, value: bytes) -> Any:
        (found,) = self._struct.unpack(value)
        if pa.types.is_boolean(self.type) and found not in (0, 1):
            raise ValueError
        if pa.types.is_float32(self.type) and narrow(np.array([found])) is None:
            raise ValueError
        return bool(found) if pa.types.is_boolean(self.type) else found

    def shown(self, value: bytes) -> str:
        return str(self._struct.unpack(value)[0])


class PackedMoments(Kind):
    """DATE, DATETIME and TIMESTAMP: up to 11 bytes, of which the last are left out when they are zero."""

    def __init__(self, wanted: pa.DataType, calendar: Calendar) -> None:
        super().__init__(wanted)
        self._calendar = calendar

    def fast(self, values: Values) -> pa.Array | None:
        fields = _fields(values)
        if fields is None:
            return None
        year, month, day, clock = fields[0], fields[1], fields[2], fields[3:]
        if pa.types.is_date32(self.type):
            return self._calendar.dates(values, year, month, day)
        return self._calendar.timestamps(values, (year, month, day, _microseconds(*clock)), self.type)

    def parse(self, value: bytes) -> list[int]:
        if len(value) not in _MOMENT_SIZES:
            raise ValueError
        found = list(_MOMENT.unpack(value.ljust(_MOMENT.size, b"\0")))
        if any(part > limit for part, limit in zip(found, _LIMITS, strict=True)):
            raise ValueError
        return found


class PackedTexts(PackedMoments):
    """The same as text, as the text protocol gives it, for zero_dates: string. `length` is that of the text."""

    def __init__(self, calendar: Calendar, length: int) -> None:
        super().__init__(pa.string(), calendar)
        self._length = length

    def fast(self, values: Values) -> pa.Array | None:
        fields = _fields(values)
        if fields is None:
            return None
        text = np.tile(np.frombuffer(b"0000-00-00 00:00:00.000000", np.uint8), (len(values), 1))
        for part, (begin, end) in zip(fields, _PLACES, strict=True):
            rest = part.copy()
            for place in range(end - 1, begin - 1, -1):
                text[:, place] += (rest % 10).astype(np.uint8)
                rest //= 10
        data = np.ascontiguousarray(text[:, : self._length])
        offsets = np.arange(len(values) + 1, dtype=np.int32) * np.int32(self._length)
        buffers = [bitmap(values.nulls), pa.py_buffer(offsets), pa.py_buffer(data)]
        return pa.Array.from_buffers(pa.string(), len(values), buffers)


class PackedTimes(Kind):
    """TIME: a sign, days, hours, minutes, seconds and microseconds, in 12 bytes, 8 or none."""

    def __init__(self) -> None:
        super().__init__(pa.duration("us"))

    def fast(self, values: Values) -> pa.Array | None:
        found = _unpacked(values, _TIME_SIZES)
        if found is None:
            return None
        first, second = found
        negative, days = byte(first, 0), (first >> U8(8)) & U8(0xFFFFFFFF)
        hours, minutes, seconds = (byte(first, place) for place in (5, 6, 7))
        microseconds = second & U8(0xFFFFFFFF)
        parts = negative, hours, minutes, seconds, microseconds
        if any((part > limit).any() for part, limit in zip(parts, (1, *_LIMITS[3:]), strict=True)):
            return None
        hours += days * U8(24)
        if (hours > MAX_HOURS).any():
            return None
        total = _microseconds(*(part.view(np.int64) for part in (hours, minutes, seconds, microseconds)))
        return values.array(self.type, np.where(negative == 1, -total, total))

    def parse(self, value: bytes) -> list[int]:
        if len(value) not in _TIME_SIZES:
            raise ValueError
        found = list(_TIME.unpack(value.ljust(_TIME.size, b"\0")))
        negative, days, *clock = found
        if any(part > limit for part, limit in zip([negative, *clock], (1, *_LIMITS[3:]), strict=True)):
            raise ValueError
        if days * 24 + clock[0] > MAX_HOURS:
            raise ValueError
        return found


_MOMENT: Final = struct.Struct("<HBBBBBI")
_MOMENT_SIZES: Final = (0, 4, 7, 11)
_TIME: Final = struct.Struct("<BIBBBI")
_TIME_SIZES: Final = (0, 8, 12)
_LIMITS: Final = (MAX_YEAR, 99, 99, 23, 59, 59, 999_999)
"""Of year, month, day, hour, minute, second and microsecond; which months and days there are the calendar says."""
_PLACES: Final = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19), (20, 26))


def _fields(values: Values) -> list[Ints] | None:
    """Year, month, day, hour, minute, second and microsecond; None when one is beyond its limit."""
    found = _unpacked(values, _MOMENT_SIZES)
    if found is None:
        return None
    first, second = found
    microsecond = byte(first, 7) | ((second << U8(8)) & U8(0xFFFFFF00))
    parts = [first & U8(0xFFFF), *(byte(first, place) for place in range(2, 7)), microsecond]
    if any((part > limit).any() for part, limit in zip(parts, _LIMITS, strict=True)):
        return None
    return [part.view(np.int64) for part in parts]


def _unpacked(values: Values, sizes: tuple[int, ...]) -> tuple[Words, Words] | None:
    """Up to 16 bytes of each value, zero where there are none; None when a value is not of one of the `sizes`."""
    if not np.isin(values.lengths, sizes).all():
        return None
    words = values.block.words(values.begins, 2)
    first, second = (_keep_first(words[:, place], np.clip(values.lengths - 8 * place, 0, 8)) for place in (0, 1))
    return first, second


def _keep_first(words: Words, lengths: Ints) -> Words:
    """The first `lengths` bytes of each word, 0 to 8 of them, the others zero."""
    shift = ((8 - lengths) << 3).view(U8)
    return (words << shift) >> shift


def _microseconds(hours: Ints, minutes: Ints, seconds: Ints, microseconds: Ints) -> Ints:
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + microseconds
