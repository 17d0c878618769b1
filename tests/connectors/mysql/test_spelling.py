"""Values as the texts that stand for them in SQL: exact, null where they are null, also in a slice; or a Misfit."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors._shared.arrivals import bare
from osiris.connectors._shared.misfits import Misfit
from osiris.connectors.mysql import spelling

Spell = Callable[[pa.Array], pa.Array]
DAY_S = 86_400
UUIDS = [uuid.UUID(int=0), uuid.UUID("123e4567-e89b-12d3-a456-426614174000"), uuid.UUID(int=2**128 - 1)]


@pytest.mark.parametrize(
    ("spell", "values", "texts"),
    [
        (spelling.nulls, pa.array([None, None], pa.int8()), [None, None]),
        (
            spelling.integers,
            pa.array([-(2**63), None, 2**63 - 1]),
            ["-9223372036854775808", None, "9223372036854775807"],
        ),
        (spelling.integers, pa.array([0, 2**64 - 1], pa.uint64()), ["0", "18446744073709551615"]),
        (spelling.bools, pa.array([True, False, None]), ["1", "0", None]),
        (spelling.bools, pa.array([2, 0, -1, None], pa.int8()), ["1", "0", "1", None]),
        (spelling.decimals, pa.array([Decimal("-0.10"), None], pa.decimal128(4, 2)), ["-0.10", None]),
        (spelling.decimals, pa.array([Decimal(-1000)], pa.decimal128(4, -3)), ["-1000"]),
        (spelling.decimals, pa.array([Decimal("9" * 76)], pa.decimal256(76, 0)), ["9" * 76]),
        (spelling.floats, pa.array([0.1, -0.0, None]), ["0.1", "-0", None]),
        (spelling.floats, pa.array([0.1], pa.float32()), ["0.10000000149011612"]),
        (spelling.texts, pa.array(["", "é'\\\0", None]), ["", "é'\\\0", None]),
        (spelling.dates, pa.array([date(1, 1, 1), date(9999, 12, 31), None]), ["0001-01-01", "9999-12-31", None]),
        (spelling.dates, pa.array([0, DAY_S * 1000], pa.date64()), ["1970-01-01", "1970-01-02"]),
        (spelling.moments, pa.array([0, None], pa.timestamp("s", "UTC")), ["1970-01-01 00:00:00.000000", None]),
        (spelling.moments, pa.array([-1], pa.timestamp("us", "Europe/Prague")), ["1969-12-31 23:59:59.999999"]),
        (spelling.moments, pa.array([1000], pa.timestamp("ns")), ["1970-01-01 00:00:00.000001"]),
        (spelling.times, pa.array([time(23, 59, 59, 1), None]), ["23:59:59.000001", None]),
        (spelling.times, pa.array([DAY_S - 1], pa.time32("s")), ["23:59:59.000000"]),
        (spelling.durations, pa.array([0, -1, None], pa.duration("s")), ["0:00:00.000000", "-0:00:01.000000", None]),
        (
            spelling.durations,
            pa.array([timedelta(hours=838, minutes=59, seconds=59, microseconds=999_999), timedelta(microseconds=-1)]),
            ["838:59:59.999999", "-0:00:00.000001"],
        ),
        (spelling.uuids, pa.array([each.bytes for each in UUIDS] + [None], pa.uuid()), [*map(str, UUIDS), None]),
        (spelling.hexadecimal, pa.array([b"", b"\x00\xff'", None], pa.large_binary()), ["", "00ff27", None]),
    ],
)
def test_a_value_is_written_out(spell: Spell, values: pa.Array, texts: list[str | None]) -> None:
    expected = [None if text is None else text.encode() for text in texts]
    found = spell(bare(values))
    assert (found.type, found.to_pylist()) == (pa.large_binary(), expected)
    sliced = pa.concat_arrays([values, values, values]).slice(len(values), len(values))
    assert spell(bare(sliced)).to_pylist() == expected
    assert spell(bare(values.slice(0, 0))).to_pylist() == []


@pytest.mark.parametrize(
    ("spell", "fits", "bad", "reason"),
    [
        (spelling.floats, 1.0, float("nan"), "not a finite number"),
        (spelling.floats, 1.0, float("-inf"), "not a finite number"),
        (spelling.dates, pa.scalar(0, pa.date64()), pa.scalar(1, pa.date64()), "time of day"),
        (spelling.dates, pa.scalar(-719_162, pa.date32()), pa.scalar(-719_163, pa.date32()), "years 1 and 9999"),
        (spelling.dates, pa.scalar(2_932_896, pa.date32()), pa.scalar(2_932_897, pa.date32()), "years 1 and 9999"),
        (
            spelling.moments,
            pa.scalar(253_402_300_799, pa.timestamp("s")),
            pa.scalar(253_402_300_800, pa.timestamp("s")),
            "years 1 and 9999",
        ),
        (spelling.moments, pa.scalar(1000, pa.timestamp("ns")), pa.scalar(1001, pa.timestamp("ns")), "microseconds"),
        (spelling.moments, pa.scalar(0, pa.timestamp("s")), pa.scalar(2**62, pa.timestamp("s")), "microseconds"),
        (spelling.times, pa.scalar(0, pa.time64("ns")), pa.scalar(1, pa.time64("ns")), "microseconds"),
        (
            spelling.durations,
            pa.scalar(-(839 * 3600 - 1), pa.duration("s")),
            pa.scalar(-839 * 3600, pa.duration("s")),
            "longer than 838:59:59",
        ),
    ],
)
def test_what_cannot_be_written_out_is_named_by_its_place(spell: Spell, fits: Any, bad: Any, reason: str) -> None:
    kind = fits.type if isinstance(fits, pa.Scalar) else pa.float64()
    values = pa.array([fits, None, bad, fits, bad], kind)
    with pytest.raises(Misfit, match=reason) as caught:
        spell(values)
    assert caught.value.place == 2
    spell(values.slice(0, 2))


def test_the_raw_bytes_are_those_of_the_slice() -> None:
    ends, raw = spelling.raw_of(pa.array([b"ab", b"", b"cde", b"f"], pa.large_binary()).slice(1, 2))
    assert ((ends - ends[0]).tolist(), bytes(raw)) == ([0, 0, 3], b"cde")
    ends, raw = spelling.raw_of(pa.array([], pa.large_binary()))
    assert (ends.tolist(), bytes(raw)) == ([0], b"")
