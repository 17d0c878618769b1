"""`Calendar`: which dates there are, as days since 1970, and what becomes of those that no calendar has."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from osiris.connectors.mysql.columns import Policy
from osiris.connectors.mysql.values import Flags, Ints, Values

DAY_US: Final = 86_400_000_000
MAX_YEAR: Final = 9999
HINT: Final = "set zero_dates: null to read such dates as missing, or string to read all dates as text"


class Calendar:
    """The proleptic Gregorian one, years 1 to 9999; `counts` learns of the dates that became null by policy."""

    def __init__(self, policy: Policy, counts: Counter[str]) -> None:
        self._to_null = policy.zero_dates == "null"
        self._counts = counts

    def dates(self, values: Values, year: Ints, month: Ints, day: Ints) -> pa.Array:
        """date32 of the fields, year at most 9999, none negative; what they are for a null does not matter."""
        days, none = _days(year, month, day)
        return values.array(pa.date32(), days, self._missing(values, none, (year, month, day)))

    def timestamps(self, values: Values, fields: tuple[Ints, Ints, Ints, Ints], kind: pa.DataType) -> pa.Array:
        """The timestamps of year, month, day and the microseconds since midnight."""
        days, none = _days(*fields[:3])
        since = days.astype(np.int64)
        since *= DAY_US
        since += fields[3]
        return values.array(kind, since, self._missing(values, none, fields[:3]))

    def _missing(self, values: Values, none: Flags | None, fields: tuple[Ints, Ints, Ints]) -> Flags | None:
        """The nulls of the column, by policy with the dates of no calendar. Else DataError names the first of them."""
        if none is not None and values.nulls is not None:
            none &= ~values.nulls
        if none is None or not none.any():
            return values.nulls
        if not self._to_null:
            place = int(np.argmax(none))
            year, month, day = (int(part[place]) for part in fields)
            shown = f"{year:04}-{month:02}-{day:02}"
            raise values.error(place, "is a date that no calendar has", HINT, shown)
        self._counts["zero_dates"] += int(np.count_nonzero(none))
        return none if values.nulls is None else none | values.nulls


def _days(year: Ints, month: Ints, day: Ints) -> tuple[NDArray[np.int32], Flags | None]:
    """Days since 1970-01-01, and which fields are no date; None when all are."""
    packed = _months()[(year << 4) | np.minimum(month, 15)]
    nth = (day - 1).astype(np.int32)
    none = nth.view(np.uint32) >= (packed & 31).view(np.uint32)  # as unsigned, day 0 is beyond every month
    packed >>= 5
    packed += nth
    return packed, none if none.any() else None


@cache
def _months() -> NDArray[np.int32]:
    """By 16 * year + month: its first day since 1970 times 32, plus its number of days; 0 for what is no month."""
    months = np.arange(-1970 * 12, (MAX_YEAR - 1970 + 1) * 12 + 1)
    first = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    packed = np.zeros((MAX_YEAR + 1, 16), np.int32)
    packed[:, 1:13] = ((first[:-1] << 5) | np.diff(first)).reshape(-1, 12)
    packed[0] = 0
    return packed.reshape(-1)
