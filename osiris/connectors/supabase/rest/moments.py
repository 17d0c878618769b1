"""Dates and times as PostgreSQL writes them in JSON (ISO 8601), which Arrow's own reader of texts knows in part."""

from __future__ import annotations

import re
from typing import Final

DAY_US: Final = 86_400_000_000
MOST_US: Final = 2**63 - 1
_FORM: Final = re.compile(
    r"(\d{4,7})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?"
    r"(?:([+-])(\d\d)(?::?(\d\d))?(?::(\d\d))?)?( BC)?"
)


def days(text: str) -> int | None:
    """Since 1970-01-01; None for infinity and the like. Raises ValueError for what is no date."""
    found = _matched(text)
    return None if found is None else _days(found)


def micros(text: str, *, with_zone: bool) -> int | None:
    """Since 1970-01-01, in UTC where there is a zone; None for infinity, and what 64 bits do not hold."""
    found = _matched(text)
    if found is None:
        return None
    if (found[8] is not None) != with_zone:
        raise ValueError(text)
    hours, minutes, seconds = (int(found[place] or 0) for place in (4, 5, 6))
    since = _days(found) * DAY_US + _seconds(hours, minutes, seconds) + int((found[7] or "0").ljust(6, "0"))
    ahead = _seconds(*(int(found[place] or 0) for place in (9, 10, 11)))
    since += ahead if found[8] == "-" else -ahead
    return since if -MOST_US <= since <= MOST_US else None


def _matched(text: str) -> re.Match[str] | None:
    if text in ("infinity", "-infinity"):
        return None
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return found


def _seconds(hours: int, minutes: int, seconds: int) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000


def _days(found: re.Match[str]) -> int:
    """By the calendar of today, which PostgreSQL uses for all times; the year before 1 is 1 BC.

    https://howardhinnant.github.io/date_algorithms.html#days_from_civil
    """
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    year = 1 - year if found[12] else year
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
