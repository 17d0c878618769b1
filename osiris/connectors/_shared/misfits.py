"""`Misfit`: a value that its column cannot hold as it is, and the ways in which such values are found."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc


class Misfit(Exception):
    """The value at `place` of an array does not fit; `reason` completes "row 7: 'name' …"."""

    def __init__(self, place: int, reason: str) -> None:
        super().__init__(place, reason)
        self.place = place
        self.reason = reason


def refuse(bad: pa.Array, reason: str) -> None:
    """Raises Misfit for the first true value of `bad`; nulls are fine."""
    if pc.any(bad).as_py():  # far faster than to look for the first of none
        raise Misfit(pc.index(bad, True).as_py(), reason)


def strictly(array: pa.Array, wanted: pa.DataType, reason: str) -> pa.Array:
    """`array` as `wanted`. Raises Misfit for the first value that Arrow would have to change."""
    try:
        return pc.cast(array, wanted)
    except pa.ArrowInvalid as error:
        raise Misfit(first_failing(array, lambda part: pc.cast(part, wanted)), reason) from error


def first_failing(array: pa.Array, call: Callable[[pa.Array], object]) -> int:
    """The place of the first value for which `call` raises ArrowInvalid, by halving; there is one."""
    low, high = 0, len(array)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            call(array.slice(low, middle - low))
        except pa.ArrowInvalid:
            high = middle
        else:
            low = middle
    return low


def micros_of(array: pa.Array) -> pa.Array:
    """A timestamp, time of day or duration in whole microseconds, as int64; raises Misfit for what has more digits."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        wanted = pa.timestamp("us", kind.tz)
    else:
        wanted = pa.duration("us") if pa.types.is_duration(kind) else pa.time64("us")
    return strictly(array, wanted, "is not a number of microseconds that fits").view(pa.int64())
