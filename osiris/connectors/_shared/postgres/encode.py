"""Values of each kind in PostgreSQL's binary form, column by column, as `encode_rows` puts them into rows.

Each function takes an array that `arrivals.bare` has made. A value that PostgreSQL does not have raises Misfit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from osiris.connectors._shared.misfits import micros_of, refuse, strictly
from osiris.connectors._shared.postgres import encode_numeric
from osiris.connectors._shared.postgres.encode_rows import BINARY, Fixed, big_endian, joined, nulls_of

Cells: TypeAlias = "Fixed | pa.Array"


def nulls(array: pa.Array) -> Cells:
    return Fixed(np.zeros((len(array), 0), np.uint8), np.ones(len(array), np.bool_))


def bools(array: pa.Array) -> Cells:
    """Arrow's bool8 holds numbers, of which 0 alone is false."""
    truth = array if pa.types.is_boolean(array.type) else pc.not_equal(array, pa.scalar(0, pa.int8()))
    return _numbers(pc.cast(truth, pa.uint8()), "u1", ">u1")


def integers(array: pa.Array, size: int) -> Cells:
    """In `size` bytes."""
    wanted = {2: pa.int16(), 4: pa.int32(), 8: pa.int64()}[size]
    return _numbers(strictly(array, wanted, f"is out of the range of {size} bytes"), f"i{size}", f">i{size}")


def oids(array: pa.Array) -> Cells:
    return _numbers(strictly(array, pa.uint32(), "is out of the range of an OID"), "u4", ">u4")


def floats(array: pa.Array, size: int) -> Cells:
    """In `size` bytes, each exactly; NaN and Infinity too."""
    wanted = pa.float32() if size == 4 else pa.float64()
    if pa.types.is_integer(array.type):
        limit = 2**24 if size == 4 else 2**53
        array = strictly(array, pa.int64(), _DIGITS)
        refuse(pc.or_(pc.less(array, -limit), pc.greater(array, limit)), _DIGITS)
    made = pc.cast(array, wanted, safe=False)
    if array.type.bit_width > wanted.bit_width:
        back = pc.cast(made, array.type)
        refuse(pc.and_(pc.not_equal(back, array), pc.invert(pc.is_nan(array))), _DIGITS)
    return _numbers(made, f"f{size}", f">f{size}")


def numerics(array: pa.Array, scale: int | None = None) -> Cells:
    """Whole numbers or decimals; with no more than `scale` digits after the point."""
    if pa.types.is_integer(array.type):
        array = pc.cast(array, pa.decimal128(20, 0))
    array = encode_numeric.wide(array)
    if scale is not None and scale < array.type.scale:
        array = strictly(
            array,
            pa.decimal256(76, max(scale, 0)),
            f"has more digits after the point than the column, which keeps {scale}",
        )
    return Fixed(encode_numeric.numerics(array), nulls_of(array))


def texts(array: pa.Array) -> pa.Array:
    """Texts and binaries as they are."""
    return pc.cast(array, BINARY)


def jsonb(array: pa.Array) -> pa.Array:
    return joined(pa.scalar(b"\1", BINARY), pc.cast(array, BINARY))


def uuids(array: pa.Array) -> Cells:
    start = array.offset * 16
    raw = np.frombuffer(array.buffers()[1] or b"", np.uint8)[start : start + len(array) * 16]
    return Fixed(raw.reshape(len(array), 16), nulls_of(array))


def dates(array: pa.Array) -> Cells:
    days = strictly(array, pa.date32(), "has a time of day, which a date has not").view(pa.int32())
    return _counted(days, _DAYS, "i4", _TO_EPOCH_DAYS)


def moments(array: pa.Array) -> Cells:
    """With or without a time zone: in UTC if it has one. Dates are midnights."""
    if pa.types.is_date(array.type):
        array = strictly(array, pa.timestamp("us"), _CALENDAR)
    return _counted(micros_of(array), _MICROS, "i8", _TO_EPOCH_DAYS * _DAY_US)


def times(array: pa.Array) -> Cells:
    return _numbers(micros_of(array), "i8", ">i8")


def intervals(array: pa.Array) -> Cells:
    """Durations, and Arrow's intervals of months, days and nanoseconds."""
    made = np.zeros(len(array), _INTERVAL)
    if pa.types.is_duration(array.type):
        made["micros"] = _values(micros_of(array), "i8")
    else:
        parts = _values(array, _MONTHS_DAYS_NANOS)
        made["micros"], rest = np.divmod(parts["nanos"], 1000)
        made["days"], made["months"] = parts["days"], parts["months"]
        refuse(pc.and_(pa.array(rest != 0), array.is_valid()), "is not a number of microseconds")
    return Fixed(big_endian(made), nulls_of(array))


def whole(array: pa.Array, digits: int) -> pa.Array:
    """The array, if none of its times has more than `digits` digits after the second; the server would round it."""
    unit = 10 ** (6 - digits)
    if unit > 1 and getattr(array.type, "unit", "s") != "s":
        micros = micros_of(array)
        rounded = pc.multiply(pc.divide(micros, unit), unit)
        refuse(pc.not_equal(rounded, micros), f"has more digits of a second than the column, which keeps {digits}")
    return array


def short(array: pa.Array, limit: int, *, padded: bool = False) -> pa.Array:
    """The texts, if none has more than `limit` characters, of which the server would cut spaces. With `padded` it fills
    them up with spaces, so that one at the end of a shorter text would be lost."""
    text = pc.cast(array, pa.large_string())
    if (pc.max(pc.binary_length(text)).as_py() or 0) > limit:
        refuse(pc.greater(pc.utf8_length(text), limit), f"is longer than the {limit} characters that the column holds")
    if padded:
        lost = pc.and_(pc.ends_with(text, " "), pc.less(pc.utf8_length(text), limit))
        refuse(lost, "ends with a space, which the column does not keep")
    return array


def _counted(numbers: pa.Array, limits: Sequence[pa.Scalar], kind: str, epoch: int) -> Fixed:
    """Days or microseconds since 1970 as those since 2000. The largest numbers mean infinity, so they are refused."""
    least, most = limits
    refuse(pc.or_(pc.less(numbers, least), pc.greater(numbers, most)), _CALENDAR)
    found = _values(numbers, kind).astype(f">{kind}")
    with np.errstate(over="ignore"):  # under a null there may be any number
        return Fixed(big_endian((found - epoch).astype(f">{kind}")), nulls_of(numbers))


def _numbers(array: pa.Array, kind: str, wire: str) -> Fixed:
    return Fixed(big_endian(_values(array, kind).astype(wire)), nulls_of(array))


def _values(array: pa.Array, kind: Any) -> NDArray[Any]:
    """The numbers in an array's buffer, those under nulls too."""
    if not len(array):
        return np.zeros(0, kind)
    found: NDArray[Any] = np.frombuffer(array.buffers()[1], kind)
    return found[array.offset : array.offset + len(array)]


_DIGITS: Final = "has more digits than the column keeps"
_CALENDAR: Final = "is no date of PostgreSQL: from 4713 BC to 294276 for timestamps, to 5874897 for dates"
_DAY_US: Final = 86_400_000_000
_TO_EPOCH_DAYS: Final = 10_957
"""From 1970-01-01 to 2000-01-01."""
_DAYS: Final = tuple(pa.scalar(day, pa.int32()) for day in (-2_440_588, 2_145_042_540))
_MICROS: Final = tuple(pa.scalar(micros, pa.int64()) for micros in (-210_866_803_200_000_000, 2**63 - 1))
_INTERVAL: Final = np.dtype([("micros", ">i8"), ("days", ">i4"), ("months", ">i4")])
_MONTHS_DAYS_NANOS: Final = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])
