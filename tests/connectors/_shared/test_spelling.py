"""Values that come again are spelled as Arrow spells each of them."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from osiris.connectors._shared.spelling import spelled

KINDS: dict[pa.DataType, list[object]] = {
    pa.decimal128(9, 2): [Decimal("1.50"), Decimal("-0.07"), Decimal(0), Decimal("9999999.99")],
    pa.decimal256(60, 12): [Decimal("0.000000000001"), Decimal(-7), Decimal(10) ** 40],
    pa.decimal32(7, 2): [Decimal("1.50"), Decimal("-0.07")],
    pa.decimal64(16, 2): [Decimal("1.50"), Decimal("-0.07")],
    pa.date32(): [date(1, 1, 1), date(1969, 12, 31), date(9999, 12, 31)],
    pa.date64(): [date(2026, 1, 2), date(1969, 12, 31)],
    pa.timestamp("us"): [0, -1, 10**15],
    pa.timestamp("ns", "UTC"): [-1, 10**18],
    pa.time32("s"): [time(0), time(23, 59, 59)],
    pa.time64("us"): [time(0, 0, 0, 1), time(12)],
    pa.duration("s"): [1, -1],
    pa.float64(): [0.0, -0.0, 1e300, float("nan")],
    pa.int8(): [-128, 127],
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("text", [pa.string(), pa.large_string()], ids=str)
@pytest.mark.parametrize("rows", [1, 4096, 9001])
def test_each_value_is_spelled_as_if_it_stood_alone(kind: pa.DataType, text: pa.DataType, rows: int) -> None:
    values = [None, *KINDS[kind]]
    array = pa.array([values[place % len(values)] for place in range(rows + 1)], kind).slice(1)
    found = spelled(array, text)
    found.validate(full=True)
    alone = [pc.cast(array.slice(place, 1), text)[0].as_py() for place in range(min(rows, len(values)))]
    assert found.to_pylist() == [alone[place % len(values)] for place in range(rows)]


@pytest.mark.parametrize("size", [0, 9001], ids=["empty", "nulls"])
def test_nothing_stays_nothing(size: int) -> None:
    assert spelled(pa.nulls(size, pa.date32()), pa.string()).to_pylist() == [None] * size


def test_a_column_that_repeats_only_at_first() -> None:
    values = [Decimal(1)] * 2000 + [Decimal(place) for place in range(8000)]
    assert spelled(pa.array(values, pa.decimal128(9, 0)), pa.string()).to_pylist() == [str(value) for value in values]
