"""`Kind`: how the values of a type are asked for and become Arrow's, a whole column at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors._shared import buffers
from osiris.connectors._shared.buffers import Flags, Ints
from osiris.connectors._shared.postgres.answer import broken
from osiris.connectors._shared.postgres.block import Values
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

    def missing(self, values: Values, special: Flags, shown: Callable[[int], str], why: str) -> Flags | None:
        """Those values as null, if the user chose that; else raises DataError, naming the first of them, which is
        `shown` so."""
        if values.nulls is not None:
            special = special & ~values.nulls
        if not special.any():
            return None
        if self.specials != "null":
            place = int(np.argmax(special))
            raise values.error(place, shown(place), why, HINT)
        self.counts["special_values"] += int(np.count_nonzero(special))
        return special


AS_TEXT: Final = "{}::pg_catalog.text"


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
        if (((values.head(0, "u1") != 1) | (values.lengths < 1)) & values.are_there).any():
            raise broken(f"column {values.name!r} has a version of jsonb that this reader does not know")
        begins, lengths = values.begins + values.are_there, values.lengths - values.are_there
        return super().read(replace(values, begins=begins, lengths=lengths), reading)


class Dates(Kind):
    def __init__(self) -> None:
        super().__init__(pa.date32())

    def read(self, values: Values, reading: Reading) -> pa.Array:
        days = values.fixed(">i4").astype(np.int64)
        special = (days == _LEAST_32) | (days == _MOST_32)
        missing = reading.missing(values, special, lambda place: _infinity(days[place]), "is no day of a calendar")
        return values.array(self.arrow, np.where(special, 0, days + EPOCH_DAYS).astype("<i4"), missing)


class Timestamps(Kind):
    """With the time zone UTC, or without one."""

    def read(self, values: Values, reading: Reading) -> pa.Array:
        since = values.fixed(">i8").astype("<i8")
        special = (since == _LEAST_64) | (since > _MOST_64 - EPOCH_US)
        is_late = special & (since != _LEAST_64) & (since != _MOST_64)
        missing = reading.missing(
            values,
            special,
            lambda place: "a time after the year 294246" if is_late[place] else _infinity(since[place]),
            "is no moment that Arrow's microseconds can say",
        )
        return values.array(self.arrow, np.where(special, 0, since) + EPOCH_US, missing)


class Times(Kind):
    """Times of a day. PostgreSQL has 24:00:00 besides, the end of a day, which nobody else knows."""

    def __init__(self) -> None:
        super().__init__(pa.time64("us"))

    def read(self, values: Values, reading: Reading) -> pa.Array:
        found = values.fixed(">i8").astype("<i8")
        special = found >= DAY_US
        missing = reading.missing(values, special, lambda _: "24:00:00", "is no time within a day")
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
        counts = values.head(0, ">u2").astype(np.int64)
        signs = values.head(4, ">u2").astype(np.int64)
        if (((values.lengths != 8 + 2 * counts) | (counts > self._groups)) & values.are_there).any():
            raise broken(f"column {values.name!r} has a number of another form than its type")
        special = signs >= _NAN
        if special.any() and (special & values.are_there & ~np.isin(signs, list(_SIGNS))).any():
            raise broken(f"column {values.name!r} has a number with a sign that this reader does not know")
        missing = reading.missing(
            values, special, lambda place: _SIGNS[int(signs[place])], "is no number that Arrow's decimals can say"
        )
        total = self._total(values, counts)
        if ((total > self._most) & values.are_there & ~special).any():
            raise broken(f"column {values.name!r} has a number of more digits than its type")
        np.negative(total, out=total, where=signs == _MINUS)
        data = np.empty((len(values), 2), np.int64)
        data[:, 0] = total
        np.right_shift(total, 63, out=data[:, 1])
        return values.array(self.arrow, data, missing)

    def _total(self, values: Values, counts: Ints) -> Ints:
        """The digits, without point and sign."""
        # the first group stands before the point when its weight is 0 or more
        power = values.head(2, ">i2").astype(np.int64) + self._groups_behind
        np.clip(power, -1, len(_POWERS) - 2, out=power)
        total = np.zeros(len(values), np.int64)
        for place in range(int(np.clip(counts, 0, self._groups).max(initial=0))):
            digits = values.head(8 + 2 * place, ">u2").astype(np.int64)
            digits *= _POWERS[power]
            total += np.where(place < counts, digits, 0)
            power = np.maximum(power - 1, -1)
        total //= self._divisor
        return total


class LongDecimals(Kind):
    """numeric with more digits, which comes as text."""

    def __init__(self, arrow: pa.DataType) -> None:
        super().__init__(arrow, AS_TEXT)

    def read(self, values: Values, reading: Reading) -> pa.Array:
        found = texts(values)
        is_special = pc.is_in(found, value_set=pa.array(_SPECIALS, pa.string()))
        if pc.any(is_special).as_py():
            special = np.asarray(is_special.to_pylist(), bool)
            why = "is no number that Arrow's decimals can say"
            reading.missing(values, special, lambda place: str(found[place]), why)
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


def _infinity(found: int) -> str:
    return "-infinity" if found < 0 else "infinity"


_LEAST_32, _MOST_32 = -(2**31), 2**31 - 1
_LEAST_64, _MOST_64 = -(2**63), 2**63 - 1
_DIGITS: Final = 4
"""In a group of a numeric."""
_FAST_DIGITS: Final = 18
_MINUS, _NAN = 0x4000, 0xC000
_SIGNS: Final = {_NAN: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}
_POWERS: Final = np.array([10 ** (_DIGITS * power) for power in range(5)] + [0], np.int64)
"""The last one stands at -1: for groups that a number cannot have."""
_SPECIALS: Final = tuple(_SIGNS.values())
