"""Numbers from text: integers, YEAR, DECIMAL, DOUBLE, BIT and booleans."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from osiris.connectors.mysql.decode_kind import Kind
from osiris.connectors.mysql.digits import DIGITS, U8, Form, keep_last, known, number
from osiris.connectors.mysql.values import Flags, Ints, Values, Words

MINUS: Final = ord("-")
FAST_PRECISION: Final = 18
FAST_SCALE: Final = 7
_INTEGER = re.compile(rb"-?\d+")
_DECIMAL = re.compile(rb"-?\d+(?:\.\d+)?")
_DOUBLE = re.compile(rb"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


class Integers(Kind):
    """TINYINT to BIGINT, and YEAR."""

    def __init__(self, wanted: pa.DataType) -> None:
        super().__init__(wanted)
        bits = wanted.bit_width
        self._signed = pa.types.is_signed_integer(wanted)
        self._dtype = np.dtype(f"{'i' if self._signed else 'u'}{bits // 8}")
        self._most = 2 ** (bits - self._signed) - 1

    def fast(self, values: Values) -> pa.Array | None:
        numbers = self.numbers(values)
        return None if numbers is None else values.array(self.type, numbers)

    def numbers(self, values: Values) -> NDArray[np.generic] | None:
        found = magnitudes(values, 0, 20) if self._signed else unsigned(values, values.lengths, 0, 20)
        if isinstance(found, np.ndarray):
            found = found, None
        if found is None or not _fits(*found, self._most):
            return None
        return signed(*found).astype(self._dtype)

    def parse(self, value: bytes) -> int:
        found = int(_matching(_INTEGER, value))
        if not -self._most - 1 <= found <= self._most or (found < 0 and not self._signed):
            raise ValueError
        return found


class Booleans(Kind):
    """TINYINT(1) of which the user says that it holds 0 and 1."""

    hint = "set tinyint1_as_bool: false to read the numbers"

    def __init__(self) -> None:
        super().__init__(pa.bool_())
        self._integers = Integers(pa.int8())

    def fast(self, values: Values) -> pa.Array | None:
        numbers = self._integers.numbers(values)
        if numbers is None or (numbers.view(np.uint8) > 1).any():
            return None
        return values.array(self.type, np.packbits(numbers.view(np.bool_), bitorder="little"))

    def parse(self, value: bytes) -> bool:
        found = self._integers.parse(value)
        if found not in (0, 1):
            raise ValueError
        return bool(found)


class Decimals(Kind):
    """DECIMAL of up to 18 digits, 7 of them after the point, as 64-bit integers; longer ones by Arrow's own cast."""

    def __init__(self, wanted: pa.DataType) -> None:
        super().__init__(wanted)
        self._precision, self._scale = wanted.precision, wanted.scale
        self._short = self._precision <= FAST_PRECISION and self._scale <= FAST_SCALE

    def fast(self, values: Values) -> pa.Array | None:
        return self._fast_short(values) if self._short else self._fast_long(values)

    def parse(self, value: bytes) -> Decimal:
        found = Decimal(_matching(_DECIMAL, value).decode())
        _, digits, exponent = found.as_tuple()
        if not isinstance(exponent, int) or -exponent > self._scale:
            raise ValueError
        if len(digits) + exponent > self._precision - self._scale and found:
            raise ValueError
        return found

    def _fast_short(self, values: Values) -> pa.Array | None:
        most_digits = max(self._precision, self._scale + 1)
        found = magnitudes(values, self._scale, most_digits)
        if found is None or not _fits(*found, 10**self._precision - 1):
            return None
        whole = signed(*found)
        data = np.empty((len(values), 2), np.int64)
        data[:, 0] = whole
        np.right_shift(whole, 63, out=data[:, 1])
        return values.array(self.type, data)

    def _fast_long(self, values: Values) -> pa.Array | None:
        text = values.binary()
        data = np.frombuffer(text.buffers()[2] or b"", np.uint8)
        # nothing but digits, point, minus and slash: Arrow would take an exponent, which the server never writes
        if ((data - np.uint8(MINUS)) > ord("9") - MINUS).any() or values.has_empty():
            return None
        try:
            return pc.cast(text.view(pa.string()), self.type)
        except pa.ArrowInvalid:
            return None


class Doubles(Kind):
    """DOUBLE, which the server writes with as many digits as make it exact; and FLOAT cast to DOUBLE."""

    def fast(self, values: Values) -> pa.Array | None:
        try:
            doubles = pc.cast(pc.cast(values.binary(), pa.string()), pa.float64())
        except pa.ArrowInvalid:
            return None
        if values.nulls is not None:
            doubles = doubles.fill_null(0)
        numbers = np.frombuffer(doubles.buffers()[1], np.float64, len(values))
        if not np.isfinite(numbers).all():
            return None
        found = narrow(numbers) if pa.types.is_float32(self.type) else numbers
        return None if found is None else values.array(self.type, found)

    def parse(self, value: bytes) -> float:
        found = float(_matching(_DOUBLE, value))
        if not isfinite(found) or (pa.types.is_float32(self.type) and narrow(np.array([found])) is None):
            raise ValueError
        return found


class Bits(Kind):
    """BIT(n), which comes as bytes, the highest first: bool for n = 1, else uint64."""

    def __init__(self, wanted: pa.DataType, bits: int) -> None:
        super().__init__(wanted)
        self._most = 2**bits - 1
        self._size = (bits + 7) // 8

    def fast(self, values: Values) -> pa.Array | None:
        if not values.has_length(self._size):
            return None
        numbers = values.words_before(0, 1)[:, 0].byteswap() & U8(2 ** (8 * self._size) - 1)
        if values.nulls is not None:
            numbers[values.nulls] = 0
        if numbers.max(initial=0) > self._most:
            return None
        if pa.types.is_boolean(self.type):
            return values.array(self.type, np.packbits(numbers != 0, bitorder="little"))
        return values.array(self.type, numbers)

    def parse(self, value: bytes) -> int | bool:
        found = int.from_bytes(value)
        if len(value) != self._size or found > self._most:
            raise ValueError
        return bool(found) if pa.types.is_boolean(self.type) else found


def narrow(numbers: NDArray[np.floating]) -> NDArray[np.float32] | None:
    """The same numbers as FLOAT, None when one of them is none."""
    with np.errstate(over="ignore"):
        found = numbers.astype(np.float32)
    return found if (found == numbers).all() else None


def magnitudes(values: Values, scale: int, most_digits: int) -> tuple[Words, Flags | None] | None:
    """The numbers without point and sign, and which are negative; None when one is not written as numbers are."""
    found = unsigned(values, values.lengths, scale, most_digits)
    if found is not None:
        return found, None
    if not len(values):
        return None
    # most columns have no minus: only where there is one are the first characters looked at
    negative = (values.block.bytes[values.begins] == MINUS) & (values.lengths > 0)
    found = unsigned(values, values.lengths - negative, scale, most_digits)
    return None if found is None else (found, negative)


def unsigned(values: Values, lengths: Ints, scale: int, most_digits: int) -> Words | None:
    """The numbers in the last `lengths` bytes of the values, the point before the last `scale` digits left out."""
    point = int(scale > 0)
    longest = int(lengths.max(initial=0))
    if longest > most_digits + point or not _long_enough(values, lengths, scale + 1 + point):
        return None
    count = max(1, (longest + 7) // 8)
    words = values.words_before(0, count)
    form = _form(scale)
    last = keep_last(words[:, -1] ^ form.xor, lengths if longest <= 8 else np.minimum(lengths, 8))
    if not known(last, form.limits):
        return None
    total = number(_joined(last, scale))
    for place in range(1, count):
        word = keep_last(words[:, count - 1 - place] ^ DIGITS.xor, np.clip(lengths - 8 * place, 0, 8))
        weight = 10 ** (8 * place - point)
        part = number(word) if known(word, DIGITS.limits) else None
        if part is None or int(part.max()) > (2**64 - 1) // weight:
            return None
        part *= U8(weight)
        total += part
        if (total < part).any():  # it went over 2 ** 64
            return None
    return total


def signed(numbers: Words, negative: Flags | None) -> Ints:
    """With their signs; the bits of a number over 2 ** 63 stay what they are."""
    if negative is not None:
        np.negative(numbers, out=numbers, where=negative)
    return numbers.view(np.int64)


def _fits(numbers: Words, negative: Flags | None, most: int) -> bool:
    """Whether all are at most `most`, and the negative ones at most one more."""
    if negative is None:
        return int(numbers.max(initial=0)) <= most
    return int((numbers - negative).max(initial=0)) <= most


def _long_enough(values: Values, lengths: Ints, least: int) -> bool:
    if values.nulls is None:
        return int(lengths.min(initial=least)) >= least
    return bool(((lengths >= least) | values.nulls).all())


def _joined(words: Words, scale: int) -> Words:
    """The digits before the point moved to where it was."""
    if scale == 0:
        return words
    point = 7 - scale
    before = words & U8(2 ** (8 * point) - 1)
    before <<= U8(8)
    words &= U8(2**64 - 2 ** (8 * (point + 1)))
    words |= before
    return words


@cache
def _form(scale: int) -> Form:
    """The last eight characters of a number."""
    return Form("0" * (7 - scale) + "." + "0" * scale) if scale else DIGITS


def _matching(pattern: re.Pattern[bytes], value: bytes) -> bytes:
    if not pattern.fullmatch(value):
        raise ValueError
    return value
