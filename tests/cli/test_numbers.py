"""Numbers as people read them, at the edges of their units."""

from __future__ import annotations

import pytest

from osiris.cli.numbers import count, duration, size


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_960, "1.0 MB"), (2.5e12, "2.5 TB")],
)
def test_sizes_change_unit_before_they_show_a_thousand(size_bytes: float, text: str) -> None:
    assert size(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0.40 s"), (12.34, "12.3 s"), (65, "1 min 05 s"), (3599.9, "1 h 00 min"), (7380, "2 h 03 min")],
)
def test_durations_name_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_counts_are_grouped() -> None:
    assert count(1234567) == "1,234,567"
