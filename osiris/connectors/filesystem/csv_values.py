"""Readings of text that pyarrow's CSV reader does not know: dates in a given format, JSON, base64."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from osiris.stream.types import JSON

Reading = Callable[[pa.Array], pa.Array]
_CLOCK = ("%H", "%I", "%M", "%S", "%f", "%p", "%X", "%c")
_LOCAL = frozenset(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns"))
_CALENDAR = ("%d", "%m", "%y", "%Y", "%j", "%b", "%B", "%x", "%c")


def type_of_formats(formats: Sequence[str]) -> pa.DataType:
    """What a column of dates holds, going by the formats: a timestamp if they have a time of day, UTC if a zone too."""

    def has(parts: Sequence[str]) -> bool:
        return any(part in text for text in formats for part in parts)

    if has(("%z",)):
        return pa.timestamp("us", tz="UTC")
    if not has(_CLOCK):
        return pa.date32()
    return pa.timestamp("us") if has(_CALENDAR) else pa.time64("us")


@dataclass(frozen=True, slots=True)
class Formatted:
    """Reads dates, times or timestamps written in one of `formats` (Python's strptime), the first that fits."""

    type: pa.DataType
    formats: tuple[str, ...]

    def __call__(self, text: pa.Array) -> pa.Array:
        """Raises ArrowInvalid for a value that fits no format, or has more in it than the type holds."""
        distinct = text.dictionary_encode()
        values = self._at_once(distinct.dictionary)
        if values is None:
            values = pa.array([self._read(each) for each in distinct.dictionary.to_pylist()], self.type)
        return values.take(distinct.indices)

    def _at_once(self, text: pa.Array) -> pa.Array | None:
        """By Arrow, which is much faster but takes 31 February for 3 March: only when each value is spelled again as it
        was written. None otherwise."""
        pattern = self.formats[0]
        whole_days = pa.types.is_date(self.type) and not any(part in pattern for part in _CLOCK)
        if "%z" in pattern.lower() or not (whole_days or self.type in _LOCAL):
            return None
        try:
            seconds = pc.strptime(text, format=pattern, unit="s")
            same = pc.all(pc.equal(pc.strftime(seconds, format=pattern), text)).as_py()
            return pc.cast(seconds, self.type) if same else None
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None

    def _read(self, text: str) -> date | time | datetime:
        for pattern in self.formats:
            try:
                moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - whether there is a zone is checked below
            except ValueError:
                continue
            return self._fit(moment, text)
        raise pa.ArrowInvalid(f"{text!r} is not written as {' or '.join(self.formats)}")

    def _fit(self, moment: datetime, text: str) -> date | time | datetime:
        if pa.types.is_timestamp(self.type) and (moment.tzinfo is None) == (self.type.tz is None):
            return moment
        if pa.types.is_date(self.type) and moment.timetz() == time():
            return moment.date()
        if pa.types.is_time(self.type) and moment.tzinfo is None:
            return moment.time()
        raise pa.ArrowInvalid(f"{text!r} has a zone or a time of day that {self.type} cannot hold, or lacks its zone")


def read_json(text: pa.Array) -> pa.Array:
    """JSON documents as Arrow's json type, their text unchanged. Raises ArrowInvalid for what is none."""
    return pa.ExtensionArray.from_storage(JSON, _each(text, _checked_json, pa.string()))


def read_decimal(wanted: pa.DataType, text: pa.Array) -> pa.Array:
    """Decimals of more than 38 digits. Raises ArrowInvalid for digits that do not fit."""
    return pc.cast(pc.utf8_trim_whitespace(text), wanted)


def read_base64(text: pa.Array) -> pa.Array:
    """Bytes that are written in base64. Raises ArrowInvalid for what is not."""
    return _each(text, _unpack, pa.binary())


def _each(text: pa.Array, read: Callable[[str], Any], wanted: pa.DataType) -> pa.Array:
    return pa.array([None if value is None else read(value) for value in text.to_pylist()], wanted)


def _checked_json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise pa.ArrowInvalid(f"no JSON: {error}") from error
    return text


def _unpack(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise pa.ArrowInvalid(f"no base64: {error}") from error
