"""The types that are guessed from text, and the strict reading of each: a value that only looks alike is refused.

| type | values |
|---|---|
| bool | the true and false values, but for `0` and `1` |
| int64 | `0`, `-12`: no leading zero, sign, blank or exponent; up to the limits of int64 |
| decimal(18 or 38, s) | numbers whose fractions all have the same s >= 2 digits (or none): `12.50`, `7` |
| float64 | other numbers with a point of which nothing is lost (not `1.10`); an exponent needs a sign or a point |
| date | `2026-01-31`, and nothing less definite |
| timestamp, in UTC if all have a zone | `2026-01-31 10:00`, `2026-01-31T10:00:00.5+01:00`; nanoseconds where needed |
| string | everything else: `00123`, `1e5`, `NULL`, `01/02/2024`, numbers beyond int64, `10:30` |
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

_YEAR = r"(?:[1-9]\d{3}|0[1-9]\d{2}|00[1-9]\d|000[1-9])"
_DATE = rf"{_YEAR}-\d{{2}}-\d{{2}}"
_TIME = r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?"
_ZONE = r"(?:Z|[+-]\d{2}(?::?\d{2})?)"
_WHOLE = r"-?(?:0|[1-9]\d*)"
_EXACT_DIGITS = 15


class Kind(Protocol):
    """A type and the one spelling in which text is taken for it."""

    @property
    def type(self) -> pa.DataType: ...

    def convert(self, text: pa.Array) -> pa.Array:
        """The values of `text`, nulls kept. Raises ArrowInvalid unless each of them is spelled so and fits."""


class Words:
    """Truth values, by the words that stand for them."""

    type = pa.bool_()

    def __init__(self, true: Iterable[str], false: Iterable[str]) -> None:
        self._true = pa.array(sorted(set(true) - {"0", "1"}), pa.string())
        self._all = pa.array(sorted((set(true) | set(false)) - {"0", "1"}), pa.string())

    def convert(self, text: pa.Array) -> pa.Array:
        _need(pc.is_in(text.drop_null(), self._all))
        return pc.if_else(pc.is_valid(text), pc.is_in(text, self._true), pa.scalar(None, pa.bool_()))


class Integers:
    """Whole numbers that print again as they were read."""

    type = pa.int64()

    def convert(self, text: pa.Array) -> pa.Array:
        values = pc.cast(text, self.type)
        _need(pc.equal(pc.cast(values, pa.string()), text))
        return values


class Spelled:
    """Values of `type` whose text matches `pattern` as a whole; `point` is what they use for a decimal point."""

    def __init__(self, wanted: pa.DataType, pattern: str, point: str = ".") -> None:
        self.type = wanted
        self._pattern = f"^(?:{pattern})$"
        self._point = point

    def convert(self, text: pa.Array) -> pa.Array:
        _need(pc.match_substring_regex(text, self._pattern))
        if self._point != ".":
            text = pc.replace_substring(text, self._point, ".")
        values = pc.cast(text, self.type)
        if pa.types.is_floating(self.type):
            _need(pc.is_finite(values))
        return values


class Floats(Spelled):
    """Numbers that are the same when they are printed again: no digit is rounded away, and no zero at the end."""

    def __init__(self, point: str) -> None:
        p = re.escape(point)
        fraction = rf"{p}(?:\d|\d*[1-9])|{p}\d+[eE][+-]?\d+|[eE][+-]\d+"
        super().__init__(pa.float64(), rf"{_WHOLE}(?:{fraction})?", point)

    def convert(self, text: pa.Array) -> pa.Array:
        values = super().convert(text)
        if is_rounded(text, values, self._point):
            raise pa.ArrowInvalid("a number has more digits than a float keeps")
        return values


def is_rounded(text: pa.Array, values: pa.Array, point: str) -> bool:
    """Whether one of the floats `values` is another number than its text. Up to 15 digits none can be."""
    long = pc.fill_null(pc.greater(pc.utf8_length(text), _EXACT_DIGITS), False)
    written = pc.replace_substring(text.filter(long), point, ".")
    printed = pc.cast(values.filter(long), pa.string())
    differ = pc.not_equal(written, printed)
    pairs = zip(written.filter(differ).to_pylist(), printed.filter(differ).to_pylist(), strict=True)
    return any(Decimal(one) != Decimal(other) for one, other in pairs)


def numbers(point: str) -> Spelled:
    """Everything that is a number, as floats, however many digits it has."""
    p = re.escape(point)
    return Spelled(pa.float64(), rf"{_WHOLE}(?:{p}\d+(?:[eE][+-]?\d+)?|[eE][+-]\d+)?", point)


def decimals(wanted: pa.Decimal128Type, point: str) -> Spelled:
    """Numbers with a fraction of as many digits as `wanted` has, or none."""
    return Spelled(wanted, rf"{_WHOLE}(?:{re.escape(point)}\d{{{wanted.scale}}})?", point)


def moments() -> list[Spelled]:
    """Dates and timestamps, the coarser unit first."""
    plain = [Spelled(pa.timestamp(unit), rf"{_DATE}[ T]{_TIME}") for unit in ("us", "ns")]
    zoned = [Spelled(pa.timestamp(unit, tz="UTC"), rf"{_DATE}[ T]{_TIME}{_ZONE}") for unit in ("us", "ns")]
    return [Spelled(pa.date32(), _DATE), *plain, *zoned]


def kind_of(wanted: pa.DataType, words: Words, point: str) -> Kind:
    """The strict reading of a type that was guessed before."""
    if pa.types.is_boolean(wanted):
        return words
    if pa.types.is_integer(wanted):
        return Integers()
    if pa.types.is_floating(wanted):
        return Floats(point)
    if pa.types.is_decimal(wanted):
        return decimals(wanted, point)
    return next(kind for kind in moments() if kind.type == wanted)


def _need(holds: pa.Array) -> None:
    if not pc.all(holds, min_count=0).as_py():
        raise pa.ArrowInvalid("a value is spelled in another way")
