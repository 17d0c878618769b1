"""`Guess`: which type a column's text has, decided from all the values that it is shown."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors.filesystem.csv_dialect import Dialect
from osiris.connectors.filesystem.csv_kinds import Integers, Kind, Words, is_rounded, moments, numbers

HEADROOM_DIGITS = 3


class Guess:
    """Starts with every type and drops those that a value contradicts. Text is what remains, or a column of nulls."""

    def __init__(self, dialect: Dialect, dates: bool) -> None:
        words = Words(dialect.true_values, dialect.false_values)
        self._alive: list[Kind] = [words, Integers(), *(moments() if dates else [])]
        self._numbers: _Numbers | None = _Numbers(dialect.decimal_point)
        self._seen = False

    def update(self, text: pa.Array) -> None:
        """Take more of the column's values into account; nulls say nothing."""
        values = text.drop_null()
        if not len(values):
            return
        self._seen = True
        self._alive = [kind for kind in self._alive if _fits(kind, values)]
        if self._numbers is not None and not self._numbers.update(values):
            self._numbers = None

    def type(self) -> pa.DataType:
        if self._seen and self._alive:
            return self._alive[0].type
        return self._numbers.type() if self._seen and self._numbers else pa.string()


class _Numbers:
    """The shape of a column of numbers: how many digits before and behind the point."""

    def __init__(self, point: str) -> None:
        self._point = point
        self._reading = numbers(point)
        self._whole_digits = 1
        self._scales: set[int] = set()
        self._exponents = False
        self._padded = False
        self._rounded = False

    def update(self, values: pa.Array) -> bool:
        """Whether all values are still numbers."""
        try:
            floats = self._reading.convert(values)
        except pa.ArrowInvalid:
            return False
        self._rounded = self._rounded or is_rounded(values, floats, self._point)
        unsigned = pc.utf8_ltrim(values, "-")
        exponent = pc.match_substring(unsigned, "e", ignore_case=True)
        self._exponents = self._exponents or bool(pc.any(exponent).as_py())
        plain = unsigned.filter(pc.invert(exponent))
        at = pc.find_substring(plain, self._point)
        dotted, places = plain.filter(pc.not_equal(at, -1)), at.filter(pc.not_equal(at, -1))
        scales = pc.subtract(pc.subtract(pc.utf8_length(dotted), places), 1)
        self._scales |= set(pc.unique(scales).to_pylist())
        whole = pc.if_else(pc.equal(at, -1), pc.utf8_length(plain), at)
        self._whole_digits = max(self._whole_digits, pc.max(whole).as_py() or 1)
        self._padded = self._padded or bool(pc.any(pc.ends_with(dotted.filter(pc.greater(scales, 1)), "0")).as_py())
        return True

    def type(self) -> pa.DataType:
        """A decimal if all fractions are equally long; text where zeros at the end may mean something, or digits would
        be lost; else a float."""
        if not self._scales and not self._exponents:
            return pa.string()
        (scale,) = self._scales if len(self._scales) == 1 else (0,)
        if scale > 1 and not self._exponents and self._whole_digits + scale <= 38:
            small = self._whole_digits + scale + HEADROOM_DIGITS <= 18
            return pa.decimal128(18 if small else 38, scale)
        if self._padded or self._rounded or not self._scales:
            return pa.string()
        return pa.float64()


def _fits(kind: Kind, values: pa.Array) -> bool:
    try:
        kind.convert(values)
    except pa.ArrowInvalid:
        return False
    return True
