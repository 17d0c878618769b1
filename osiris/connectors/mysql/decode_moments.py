"""Dates and times from text: DATE, DATETIME, TIMESTAMP and TIME."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa

from osiris.connectors.mysql.calendar import Calendar
from osiris.connectors.mysql.decode_kind import Kind
from osiris.connectors.mysql.digits import Form, byte, number, pairs
from osiris.connectors.mysql.values import Ints, Values, Words

MAX_HOURS: Final = 838
_MOMENT = re.compile(rb"(\d{4})-(\d\d)-(\d\d)(?: ([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?)?")
_TIME = re.compile(rb"(-?)(\d{2,3}):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?")
_CLOCK: Final = Form("00:00:00")


class Moments(Kind):
    """DATE `2026-01-31`; DATETIME and TIMESTAMP such as `2026-01-31 10:00:00.5`, texts of `length` characters."""

    def __init__(self, wanted: pa.DataType, length: int, calendar: Calendar) -> None:
        super().__init__(wanted)
        self._calendar = calendar
        self._is_date = bool(pa.types.is_date32(wanted))
        self._length = length
        text = "0000-00-00 00:00:00.000000"[:length]
        self._forms = [Form(text[at : at + 8]) for at in range(0, len(text), 8)]

    def fast(self, values: Values) -> pa.Array | None:
        if not values.has_length(self._length):
            return None
        words = values.block.words(values.begins, len(self._forms))
        parts = []
        for place, form in enumerate(self._forms):
            part = form.values(words[:, place], values.nulls)
            if part is None:
                return None
            parts.append(pairs(part))
        year = byte(parts[0], 0) * np.uint64(100) + byte(parts[0], 2)
        fields = _ints(year), _ints(byte(parts[0], 5)), _ints(byte(parts[1], 0))
        if self._is_date:
            return self._calendar.dates(values, *fields)
        clock = _clock(parts)
        return None if clock is None else self._calendar.timestamps(values, (*fields, clock), self.type)

    def exact(self, values: Values) -> pa.Array:
        rows = np.array([self._fields(values, place) for place in range(len(values))], np.int64).reshape(-1, 4)
        year, month, day, clock = np.ascontiguousarray(rows.T)
        if self._is_date:
            return self._calendar.dates(values, year, month, day)
        return self._calendar.timestamps(values, (year, month, day, clock), self.type)

    def parse(self, value: bytes) -> tuple[int, int, int, int]:
        """Year, month, day, and microseconds since midnight."""
        found = _MOMENT.fullmatch(value)
        if found is None or (found[4] is None) != self._is_date:
            raise ValueError
        year, month, day = (int(text) for text in found.groups()[:3])
        return year, month, day, 0 if self._is_date else _microseconds(found.groups()[3:])

    def _fields(self, values: Values, place: int) -> tuple[int, int, int, int]:
        value = values[place]
        try:
            return (0, 0, 0, 0) if value is None else self.parse(value)
        except ValueError:
            raise values.error(place, f"is no {self.name}") from None


class Times(Kind):
    """TIME, which may be over a day and negative: `-838:59:59` to `838:59:59`, as a duration."""

    def __init__(self, decimals: int) -> None:
        super().__init__(pa.duration("us"))
        fraction = _fraction(decimals)
        self._tail = len(fraction)
        self._fraction = Form(fraction.rjust(8, "_")) if fraction else None
        self._scale = 10 ** (6 - decimals)

    def fast(self, values: Values) -> pa.Array | None:
        extra = values.lengths - (len(_CLOCK.text) + self._tail)
        if values.nulls is not None:
            extra[values.nulls] = 0
        if extra.min(initial=0) < 0 or extra.max(initial=0) > 2:
            return None
        words = values.words_before(self._tail, 2)
        clock = _CLOCK.values(words[:, 1], values.nulls)
        if clock is None:
            return None
        total = self._since_midnight(values, pairs(clock), extra, words[:, 0])
        return None if total is None else values.array(self.type, total)

    def parse(self, value: bytes) -> int:
        found = _TIME.fullmatch(value)
        if found is None or int(found[2]) > MAX_HOURS:
            raise ValueError
        return _microseconds(found.groups()[1:]) * (-1 if found[1] else 1)

    def _since_midnight(self, values: Values, clock: Words, extra: Ints, before: Words) -> Ints | None:
        hours, minutes, seconds = (_ints(byte(clock, place)) for place in (0, 3, 6))
        negative = None
        if extra.any():
            found = _sign_and_hundreds(extra, before)
            if found is None:
                return None
            negative, hundreds = found
            hours += hundreds
        if hours.max() > MAX_HOURS or minutes.max() > 59 or seconds.max() > 59:
            return None
        total = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000
        if self._fraction is not None:
            part = self._fraction.values(values.words_before(0, 1)[:, 0], values.nulls)
            if part is None:
                return None
            total += _ints(number(part)) * self._scale
        return total if negative is None else np.where(negative, -total, total)


def _sign_and_hundreds(extra: Ints, before: Words) -> tuple[np.ndarray, Ints] | None:
    """Of the up to two characters before `00:00:00`: which begin with a minus, and a hundred times the other one."""
    nearest, next_one = byte(before, 7), byte(before, 6)
    minus = ord("-")
    negative = ((extra == 1) & (nearest == minus)) | ((extra == 2) & (next_one == minus))
    has_hundreds = extra - negative
    hundreds = np.where(has_hundreds == 1, _ints(nearest) - ord("0"), 0)
    if (has_hundreds > 1).any() or hundreds.min() < 0 or hundreds.max() > 9:
        return None
    return negative, hundreds * 100


def _clock(parts: list[Words]) -> Ints | None:
    """Microseconds since midnight from the pairs of `00 00:00`, `:00.0000` and `00`."""
    hours, minutes, seconds = _ints(byte(parts[1], 3)), _ints(byte(parts[1], 6)), _ints(byte(parts[2], 1))
    if hours.max() > 23 or minutes.max() > 59 or seconds.max() > 59:
        return None
    hours *= 60
    hours += minutes
    hours *= 60
    hours += seconds
    hours *= 1_000_000
    hours += _ints(byte(parts[2], 4)) * 10_000  # digits that are not there are zero
    hours += _ints(byte(parts[2], 6)) * 100
    if len(parts) > 3:
        hours += _ints(byte(parts[3], 0))
    return hours


def _microseconds(texts: tuple[bytes | None, ...]) -> int:
    """Hours, minutes, seconds and the digits after the point."""
    hours, minutes, seconds = (int(text or 0) for text in texts[:3])
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + int((texts[3] or b"").ljust(6, b"0"))


def _fraction(decimals: int) -> str:
    return "." + "0" * decimals if 0 < decimals <= 6 else ""


def _ints(words: Words) -> Ints:
    return words.view(np.int64)
