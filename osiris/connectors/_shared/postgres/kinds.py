"""`Kind`: how the values of a type are asked for and become Arrow's, a whole column at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from osiris.connectors._shared import buffers
from osiris.connectors._shared.buffers import Flags
from osiris.connectors._shared.postgres.block import Values, broken
from osiris.errors import DataError

Specials = Literal["error", "null", "string"]
EPOCH_DAYS: Final = 10_957
EPOCH_US: Final = EPOCH_DAYS * 86_400_000_000
"""From 1970-01-01 to 2000-01-01, from which PostgreSQL counts."""
DAY_US: Final = 86_400_000_000
HINT: Final = "set special_values: null to read it as missing, or string to read all columns of such types as text"


@dataclass(slots=True)
class Reading:
    """What becomes of values that Arrow has none for; `counts` learns how many became null."""

    specials: Specials = "error"
    counts: Counter[str] = field(default_factory=Counter)

    def missing(self, values: Values, special: Flags, shown: NDArray[Any] | list[str], why: str) -> Flags | None:
        """Those values as null, if the user chose that; else raises DataError, naming the first of them."""
        if values.nulls is not None:
            special = special & ~values.nulls
        if not special.any():
            return None
        if self.specials != "null":
            place = int(np.argmax(special))
            raise values.error(place, str(shown[place]), why, HINT)
        self.counts["special_values"] += int(np.count_nonzero(special))
        return special


class Kind(ABC):
    """`arrow` is the type of the values. A type whose binary form is nobody's but its own is cast to text."""

    def __init__(self, arrow: pa.DataType, cast: str = "{}") -> None:
        self.arrow = arrow
        self.cast = cast

    def sql(self, name: str) -> str:
        """The column `name`, which is quoted, as it is asked for."""
        return self.cast.replace("{}", name)

    @abstractmethod
    def read(self, values: Values, reading: Reading) -> pa.Array:
        """Raises DataError for a value that the type cannot hold."""


class Numbers(Kind):
    """Integers and floats, which come as they are but for the order of their bytes."""

    def __init__(self, arrow: pa.DataType, sent: str) -> None:
        super().__init__(arrow)
        self._sent = sent

    def read(self, values: Values, reading: Reading) -> pa.Array:
        found = values.fixed(self._sent)
        return values.array(self.arrow, found.astype(np.dtype(self._sent).newbyteorder("<")))


class Booleans(Kind):
    def __init__(self) -> None:
        super().__init__(pa.bool_())

    def read(self, values: Values, reading: Reading) -> pa.Array:
        bits = pa.py_buffer(np.packbits(values.fixed("u1") != 0, bitorder="little"))
        nulls = values.nulls
        return pa.Array.from_buffers(self.arrow, len(values), [buffers.bitmap(nulls), bits], buffers.count(nulls))


class Uuids(Kind):
    def __init__(self) -> None:
        super().__init__(pa.uuid())

    def read(self, values: Values, reading: Reading) -> pa.Array:
        return pa.ExtensionArray.from_storage(self.arrow, values.array(pa.binary(16), values.fixed("V16")))


class Binaries(Kind):
    def __init__(self) -> None:
        super().__init__(pa.binary())

    def read(self, values: Values, reading: Reading) -> pa.Array:
        return values.binary()


class Texts(Kind):
    """Text in UTF-8; an old database without an encoding (SQL_ASCII) may hold what is none."""

    def __init__(self, cast: str = "{}", arrow: pa.DataType | None = None) -> None:
        super().__init__(arrow or pa.string(), cast)

    def read(self, values: Values, reading: Reading) -> pa.Array:
        found = texts(values)
        return found if self.arrow == pa.string() else pa.ExtensionArray.from_storage(self.arrow, found)


class JsonB(Texts):
    """Text with the version of its form before it, which is 1."""

    def __init__(self) -> None:
        super().__init__(arrow=pa.json_())

    def read(self, values: Values, reading: Reading) -> pa.Array:
        is_there = 1 if values.nulls is None else ~values.nulls
        versions = values.block.ahead(values.begins, 1).view("u1")
        if ((versions != 1) & is_there).any() or ((values.lengths < 1) & is_there).any():
            raise broken(f"column {values.name!r} has a version of jsonb that this reader does not know")
        inner = Values(values.name, values.block, values.begins + is_there, values.lengths - is_there, values.nulls)
        return super().read(inner, reading)


class Dates(Kind):
    def __init__(self) -> None:
        super().__init__(pa.date32())

    def read(self, values: Values, reading: Reading) -> pa.Array:
        days = values.fixed(">i4").astype(np.int64)
        special = (days == _LEAST_32) | (days == _MOST_32)
        missing = reading.missing(values, special, _infinities(days), "is no day of a calendar")
        return values.array(self.arrow, np.where(special, 0, days + EPOCH_DAYS).astype("<i4"), missing)


class Timestamps(Kind):
    """With the time zone UTC, or without one."""

    def read(self, values: Values, reading: Reading) -> pa.Array:
        since = values.fixed(">i8").astype("<i8")
        special = (since == _LEAST_64) | (since > _MOST_64 - EPOCH_US)
        shown = np.where((since == _LEAST_64) | (since == _MOST_64), _infinities(since), "a time after the year 294246")
        missing = reading.missing(values, special, shown, "is no moment that Arrow's microseconds can say")
        return values.array(self.arrow, np.where(special, 0, since) + EPOCH_US, missing)


class Times(Kind):
    """Times of a day. PostgreSQL has 24:00:00 besides, the end of a day, which nobody else knows."""

    def __init__(self) -> None:
        super().__init__(pa.time64("us"))

    def read(self, values: Values, reading: Reading) -> pa.Array:
        found = values.fixed(">i8").astype("<i8")
        special = found >= DAY_US
        shown = ["24:00:00"] * len(values) if special.any() else []
        missing = reading.missing(values, special, shown, "is no time within a day")
        return values.array(self.arrow, found, missing)


class Decimals(Kind):
    """numeric with up to 18 digits, in groups of four; the binary form: utils/adt/numeric.c of PostgreSQL."""

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(pa.decimal128(precision, scale))
        self._groups_behind = -(-scale // _DIGITS)
        self._divisor = 10 ** (self._groups_behind * _DIGITS - scale)
        self._groups = -(-(precision - scale) // _DIGITS) + self._groups_behind
        self._most = 10**precision - 1

    @classmethod
    def can(cls, precision: int, scale: int) -> bool:
        """Whether the digits fit 64 bits on the way, all groups whole."""
        behind = -(-scale // _DIGITS) * _DIGITS
        return 0 <= scale <= precision and precision - scale + behind <= _FAST_DIGITS

    def read(self, values: Values, reading: Reading) -> pa.Array:
        head = values.block.ahead(values.begins, 8 + 2 * max(self._groups, 1)).view(">u2").reshape(len(values), -1)
        counts, signs = head[:, 0].astype(np.int64), head[:, 2]
        weights = head[:, 1].astype(np.uint16).view(np.int16).astype(np.int64)
        is_there = True if values.nulls is None else ~values.nulls
        special = signs >= _NAN
        if ((values.lengths != 8 + 2 * counts) & is_there).any() or ((counts > self._groups) & is_there).any():
            raise broken(f"column {values.name!r} has a number of another form than its type")
        missing = reading.missing(values, special, _specials(signs), "is no number that Arrow's decimals can say")
        total = np.zeros(len(values), np.int64)
        for place in range(self._groups):
            power = weights - place + self._groups_behind
            used = (place < counts) & (power >= 0) & (power < len(_POWERS))
            total += np.where(used, head[:, 4 + place] * _POWERS[np.where(used, power, 0)], 0)
        total //= self._divisor
        if ((total > self._most) & is_there & ~special).any():
            raise broken(f"column {values.name!r} has a number of more digits than its type")
        total = np.where(signs == _MINUS, -total, total)
        data = np.stack((total, total >> 63), axis=1)
        return values.array(self.arrow, data, missing)


class LongDecimals(Kind):
    """numeric with more digits, which comes as text."""

    def __init__(self, arrow: pa.DataType) -> None:
        super().__init__(arrow, "{}::pg_catalog.text")

    def read(self, values: Values, reading: Reading) -> pa.Array:
        found = texts(values)
        is_special = pc.is_in(found, value_set=pa.array(_SPECIALS, pa.string()))
        if pc.any(is_special).as_py():
            special = np.asarray(is_special.to_pylist(), bool)
            reading.missing(values, special, found.to_pylist(), "is no number that Arrow's decimals can say")
            found = pc.if_else(is_special, pa.scalar(None, pa.string()), found)
        try:
            return pc.cast(found, self.arrow)
        except pa.ArrowInvalid:
            raise _misfit(values, found, self.arrow) from None


def texts(values: Values) -> pa.Array:
    """Raises DataError for what is not valid UTF-8."""
    binary = values.binary()
    found = buffers.text(binary)
    if found is None:
        for place, value in enumerate(binary):
            try:
                (value.as_py() or b"").decode("utf-8")
            except UnicodeDecodeError as error:
                shown = error.object.decode("utf-8", "backslashreplace")
                raise values.error(place, shown, "is not UTF-8", "read it as bytea in a query") from None
    return found


def _misfit(values: Values, found: pa.Array, arrow: pa.DataType) -> DataError:
    """The error of the first number that does not fit."""
    for place, value in enumerate(found):
        try:
            pc.cast(pa.array([value.as_py()], pa.string()), arrow)
        except pa.ArrowInvalid:
            return values.error(place, str(value), f"does not fit {arrow}", "give the column more digits under dtypes")
    return values.error(0, "a number", f"does not fit {arrow}")


def _infinities(found: NDArray[Any]) -> NDArray[Any]:
    return np.where(found < 0, "-infinity", "infinity")


def _specials(signs: NDArray[Any]) -> NDArray[Any]:
    return np.where(signs == _NAN, "NaN", np.where(signs == _PLUS_INFINITY, "Infinity", "-Infinity"))


_LEAST_32, _MOST_32 = -(2**31), 2**31 - 1
_LEAST_64, _MOST_64 = -(2**63), 2**63 - 1
_DIGITS: Final = 4
"""In a group of a numeric."""
_FAST_DIGITS: Final = 18
_MINUS, _NAN, _PLUS_INFINITY = 0x4000, 0xC000, 0xD000
_POWERS: Final = 10 ** (np.arange(5, dtype=np.int64) * _DIGITS)
_SPECIALS: Final = ("NaN", "Infinity", "-Infinity")
