"""`texts`: values of each kind as the JSON that PostgreSQL reads them from, exactly.

Each function takes an array that `arrivals.bare` has made, and leaves nulls as they are. A value that has no such JSON
raises Misfit.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors._shared.arrivals import bare
from osiris.connectors._shared.documents import documents
from osiris.connectors._shared.misfits import Misfit, micros_of, refuse, strictly
from osiris.connectors._shared.postgres import encode
from osiris.connectors._shared.postgres.fits import is_list, kind_of
from osiris.connectors._shared.spelling import spelled

TEXT: Final = pa.large_string()
YEAR_1: Final = {pa.int32(): -719_162, pa.int64(): -62_135_596_800_000_000}
"""The first of January of that year, in days and in microseconds since 1970."""


def texts(kind: str, array: pa.Array) -> pa.Array:
    return _TEXTS[kind](array)


def strings(array: pa.Array) -> pa.Array:
    """Texts as JSON strings. PostgreSQL has no NUL in texts."""
    found = pc.cast(array, TEXT)
    refuse(pc.match_substring(found, "\0"), "holds the character NUL, which PostgreSQL has in no text")
    if pc.any(pc.match_substring_regex(found, r"[\x01-\x1f]")).as_py():
        return _each(found, lambda text: json.dumps(text, ensure_ascii=False))
    found = pc.replace_substring(pc.replace_substring(found, "\\", "\\\\"), '"', '\\"')
    return _within('"', found, '"')


def raw(array: pa.Array) -> pa.Array:
    """Texts that are documents of JSON themselves. A document that is null would become a NULL, which it is not."""
    found = pc.cast(array, TEXT)
    for place, text in enumerate(found.to_pylist()):
        try:
            document = None if text is None else json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise Misfit(place, f"is no JSON: {error}") from error
        if text is not None and document is None:
            raise Misfit(place, "is the JSON document null, which would become NULL over rest")
    return found


def whole_numbers(array: pa.Array) -> pa.Array:
    """Decimals without a fraction, for columns that read no point."""
    return pc.cast(strictly(array, pa.decimal256(76, 0), "has digits after the point, which the column has not"), TEXT)


def _nulls(array: pa.Array) -> pa.Array:
    return pa.nulls(len(array), TEXT)


def _bools(array: pa.Array) -> pa.Array:
    """Arrow's bool8 holds numbers, of which 0 alone is false."""
    truth = array if pa.types.is_boolean(array.type) else pc.not_equal(array, pa.scalar(0, pa.int8()))
    return pc.if_else(truth, pa.scalar("true", TEXT), pa.scalar("false", TEXT))


def _numbers(array: pa.Array) -> pa.Array:
    return spelled(array, TEXT)


def _floats(array: pa.Array) -> pa.Array:
    """The fewest digits that are read as the same number."""
    array = pc.cast(array, pa.float32()) if pa.types.is_float16(array.type) else array
    found = pc.cast(array, TEXT)
    if pc.all(pc.is_finite(array)).as_py() is not False:
        return found
    special = pc.if_else(pc.greater(array, 0), '"Infinity"', pc.if_else(pc.is_nan(array), '"NaN"', '"-Infinity"'))
    return pc.if_else(pc.is_finite(array), found, pc.cast(special, TEXT))


def _binaries(array: pa.Array) -> pa.Array:
    return _each(array, lambda value: f'"\\\\x{value.hex()}"')


def _uuids(array: pa.Array) -> pa.Array:
    return _each(array, lambda value: f'"{uuid.UUID(bytes=value)}"')


def _dates(array: pa.Array) -> pa.Array:
    encode.dates(array)  # refuses what PostgreSQL's calendar has not
    return _moments(strictly(array, pa.date32(), "has a time of day, which a date has not"), pa.int32())


def _datetimes(array: pa.Array) -> pa.Array:
    encode.moments(array)
    return _moments(micros_of(array).view(pa.timestamp("us")), pa.int64())


def _zoned(array: pa.Array) -> pa.Array:
    """In UTC."""
    encode.moments(array)
    return _moments(micros_of(array).view(pa.timestamp("us")), pa.int64(), "+00")


def _moments(array: pa.Array, counted: pa.DataType, zone: str = "") -> pa.Array:
    """What is before Christ as PostgreSQL spells it: Arrow's year 0 is 1 BC."""
    found = pc.binary_join_element_wise(spelled(array, TEXT), pa.scalar(zone, TEXT), pa.scalar("", TEXT))
    early = pc.less(array.view(counted), YEAR_1[counted])
    if pc.any(early).as_py():
        pairs = zip(found.to_pylist(), early.to_pylist(), strict=True)
        found = pa.array([_before_christ(text) if is_early else text for text, is_early in pairs], TEXT)
    return _within('"', found, '"')


def _before_christ(text: str) -> str:
    year, rest = text.lstrip("-").split("-", 1)
    return f"{int(year) + 1:04d}-{rest} BC"


def _times(array: pa.Array) -> pa.Array:
    return _within('"', spelled(micros_of(array).view(pa.time64("us")), TEXT), '"')


def _durations(array: pa.Array) -> pa.Array:
    return _each(micros_of(array), lambda micros: f'"{_clock(micros)}"')


def _intervals(array: pa.Array) -> pa.Array:
    encode.intervals(array)  # refuses what is finer than a microsecond
    return _each(array, lambda value: f'"{value.months} mons {value.days} days {_clock(value.nanoseconds // 1000)}"')


def _clock(micros: int) -> str:
    """Its sign is that of all its parts."""
    seconds, fraction = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:06d}"


def _nested(array: pa.Array) -> pa.Array:
    """Lists of plain values as they would be in columns of their own; others as documents."""
    if not is_list(array.type) or kind_of(array.type.value_type, "") == "nested":
        return documents(array)
    flat = bare(pc.list_flatten(array))
    elements = pc.fill_null(texts(kind_of(array.type.value_type, ""), flat), "null")
    lengths = pc.fill_null(pc.cast(pc.list_value_length(array), pa.int64()), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
    joined = pc.binary_join(pa.LargeListArray.from_arrays(offsets, elements), pa.scalar(",", TEXT))
    listed = _within("[", joined, "]")
    return pc.if_else(array.is_valid(), listed, pa.scalar(None, TEXT))


def _within(before: str, array: pa.Array, after: str) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(before, TEXT), array, pa.scalar(after, TEXT), pa.scalar("", TEXT))


def _each(array: pa.Array, spell: Callable[[Any], str]) -> pa.Array:
    return pa.array([None if value is None else spell(value) for value in array.to_pylist()], TEXT)


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


_TEXTS: Final[dict[str, Callable[[pa.Array], pa.Array]]] = {
    "null": _nulls,
    "bool": _bools,
    "integer": _numbers,
    "decimal": _numbers,
    "float": _floats,
    "text": strings,
    "binary": _binaries,
    "date": _dates,
    "datetime": _datetimes,
    "moment": _zoned,
    "time": _times,
    "duration": _durations,
    "interval": _intervals,
    "json": raw,
    "uuid": _uuids,
    "nested": _nested,
}
