"""Arrow columns as text: one spelling for each type, from which the value can be read back unchanged."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterable
from datetime import date, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors._shared.spelling import spelled
from osiris.errors import ConfigError, DataError

_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
_NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
_PLAIN = (pa.types.is_boolean, pa.types.is_temporal, pa.types.is_null)
_SECONDS_OF_YEARS = (-62_135_596_800, 253_402_300_800)  # from year 1 up to, not including, year 10000
_UNITS_IN_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def is_numeric(type_: pa.DataType) -> bool:
    return any(test(type_) for test in _NUMERIC)


def is_free_text(type_: pa.DataType) -> bool:
    """Whether values may hold any character, so that they must be looked through for those that need quotes."""
    return not (is_numeric(type_) or any(test(type_) for test in _PLAIN) or any(test(type_) for test in _BYTES))


def check(schema: pa.Schema) -> None:
    """Raise ConfigError for no columns, two of one name, or types that have no spelling, naming them."""
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice or not schema.names:
        text = f"there are two columns called {', '.join(twice)}" if twice else "there are no columns to write"
        raise ConfigError(text, code="csv.columns")
    wrong = [f"{field.name} ({field.type})" for field in schema if _reading(field.type) is None]
    if wrong:
        hint = "cast them to text in a processor, or in columns"
        raise ConfigError(f"a CSV file cannot hold {', '.join(wrong)}", code="csv.type", hint=hint)


def text_of(array: pa.Array, name: str, first_row: int) -> pa.Array:
    """`array` as strings, nulls kept. Raises DataError naming column and row for a date outside the years 1 to 9999."""
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        _check_years(array, name, first_row)
    reading = _reading(array.type)
    assert reading is not None, "check() let this type through"
    return reading(array)


def _reading(type_: pa.DataType) -> Callable[[pa.Array], pa.Array] | None:
    """How values of a type become text; None for types without a spelling."""
    if pa.types.is_duration(type_) or pa.types.is_interval(type_) or pa.types.is_union(type_):
        return None
    if isinstance(type_, pa.BaseExtensionType):
        return _uuids if type_ == pa.uuid() else _within(lambda array: array.storage, type_.storage_type)
    if pa.types.is_dictionary(type_):
        return _within(lambda array: array.dictionary_decode(), type_.value_type)
    return next((reading for test, reading in _READINGS if test(type_)), _cast)


def _cast(array: pa.Array) -> pa.Array:
    return spelled(array, pa.string())


def _within(unwrap: Callable[[pa.Array], pa.Array], inner: pa.DataType) -> Callable[[pa.Array], pa.Array] | None:
    reading = _reading(inner)
    return None if reading is None else lambda array: reading(unwrap(array))


def _decimals(array: pa.Array) -> pa.Array:
    """Plain digits: Arrow itself writes small and negative-scaled numbers with an exponent."""
    text = _cast(array)
    if 0 <= array.type.scale <= 6 or not pc.any(pc.match_substring(text, "E")).as_py():
        return text
    return _each(text, lambda value: format(Decimal(value), "f"))


def _uuids(array: pa.Array) -> pa.Array:
    return _each(array.storage, lambda value: str(uuid.UUID(bytes=value)))


def _each(array: pa.Array, spell: Callable[[Any], str]) -> pa.Array:
    values: Iterable[Any] = array.to_pylist()
    return pa.array([None if value is None else spell(value) for value in values], pa.string())


def _base64(array: pa.Array) -> pa.Array:
    return _each(array, lambda value: base64.b64encode(value).decode())


def _timestamps(array: pa.Array) -> pa.Array:
    """Those of a zone are told in UTC, so that one moment has one spelling."""
    return _cast(array if array.type.tz is None else pc.cast(array, pa.timestamp(array.type.unit, "UTC")))


def _documents(array: pa.Array) -> pa.Array:
    return _each(array, _json)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_inner)


def _inner(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _check_years(array: pa.Array, name: str, first_row: int) -> None:
    if pa.types.is_timestamp(array.type):
        units = _UNITS_IN_SECOND[array.type.unit]
        low, high = (bound * units for bound in _SECONDS_OF_YEARS)
        numbers = array.view(pa.int64())
    else:
        low, high = (bound // 86_400 for bound in _SECONDS_OF_YEARS)
        numbers = pc.cast(array, pa.date32()).view(pa.int32())
    extremes = pc.min_max(numbers)
    least, most = extremes["min"].as_py(), extremes["max"].as_py()
    if least is None or (low <= least and most < high):
        return
    place = next(n for n, number in enumerate(numbers.to_pylist()) if number is not None and not low <= number < high)
    row = first_row + place + 1
    text = f"column {name!r}, row {row}: the date lies outside the years 1 to 9999, which is all that text can hold"
    hint = "set such dates to null before the writer"
    raise DataError(text, code="csv.year", data_column=name, row=row, hint=hint)


_READINGS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], pa.Array]], ...] = (
    (pa.types.is_decimal, _decimals),
    (pa.types.is_timestamp, _timestamps),
    (pa.types.is_nested, _documents),
    *((test, _base64) for test in _BYTES),
)
