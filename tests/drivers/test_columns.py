"""A write step's columns: chosen, renamed, cast strictly; a value that does not fit is named with column and row."""

from __future__ import annotations

import datetime as dt
import decimal
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.compile.manifest import ColumnMap
from osiris.connectors.base import Batches, End
from osiris.drivers import columns
from osiris.errors import ConfigError, DataError

SCHEMA = pa.schema([pa.field("n", pa.int64(), metadata={"osiris.type": "int"}), pa.field("word", pa.string())])


def stream(*words: str | None, size: int = 2) -> Batches:
    table = pa.table({"n": list(range(len(words))), "word": pa.array(words, pa.string())}).cast(SCHEMA)
    return Batches.of(SCHEMA, table.to_batches(max_chunksize=size), "rows")


def values(batches: Batches) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = pa.Table.from_batches(list(batches), batches.schema).to_pydict()
    return found


def test_without_columns_the_stream_is_the_same() -> None:
    given = stream("a")
    assert columns.apply(given, ()) is given


def test_columns_are_taken_in_the_order_given_under_new_names_with_what_is_known_of_them() -> None:
    found = columns.apply(stream("a", "b", None), (ColumnMap("word", "text"), ColumnMap("n", "number")))
    assert found.schema.names == ["text", "number"]
    assert found.schema.field("number").metadata == {b"osiris.type": b"int"}
    assert values(found) == {"text": ["a", "b", None], "number": [0, 1, 2]}
    assert found.end == End(3)


def test_a_column_may_be_taken_twice() -> None:
    found = columns.apply(stream("1"), (ColumnMap("word", "text"), ColumnMap("word", "number", "int64")))
    assert values(found) == {"text": ["1"], "number": [1]}


CASTS = [
    ("00123", "string", "00123"),
    ("00123", "int64", 123),
    ("12.50", "decimal(5,2)", decimal.Decimal("12.50")),
    ("2026-02-28", "date", dt.date(2026, 2, 28)),
    ("true", "bool", True),
]


@pytest.mark.parametrize(("text", "type_name", "value"), CASTS)
def test_texts_are_cast_as_asked(text: str, type_name: str, value: object) -> None:
    found = columns.apply(stream(text, None), (ColumnMap("word", "x", type_name),))
    assert values(found)["x"] == [value, None]


BAD = [
    ("1e5x", "int64"),
    ("3.7", "int64"),
    ("300", "int8"),
    ("12.345", "decimal(5,2)"),
    ("2026-02-30", "date"),
    ("-1", "uint8"),
    ("0x1F", "int64"),
    ("1e400", "float64"),
]


@pytest.mark.parametrize(("text", "type_name"), BAD)
def test_a_value_that_does_not_fit_is_named_with_column_and_row(text: str, type_name: str) -> None:
    found = columns.apply(stream("1", None, "1", text, "also bad", size=5), (ColumnMap("word", "x", type_name),))
    if type_name == "date":
        found = columns.apply(
            stream("2026-01-01", None, "2026-01-01", text, size=2), (ColumnMap("word", "x", type_name),)
        )
    with pytest.raises(DataError, match="column 'x', row 4") as caught:
        list(found)
    assert (caught.value.code, caught.value.data_column, caught.value.row) == ("data.cast", "x", 4)
    assert repr(text) in caught.value.message


@given(place=st.integers(0, 40), size=st.integers(1, 50), count=st.integers(41, 60))
def test_the_row_that_is_named_is_the_first_bad_one(place: int, size: int, count: int) -> None:
    words = [str(n) if n < place else "x" for n in range(count)]
    with pytest.raises(DataError) as caught:
        list(columns.apply(stream(*words, size=size), (ColumnMap("word", "x", "int64"),)))
    assert caught.value.row == place + 1


@pytest.mark.parametrize(
    ("unit", "counts", "texts"),
    [
        ("s", [0, -1, 3_020_399, 360_000_000], ["00:00:00", "-00:00:01", "838:59:59", "100000:00:00"]),
        ("ms", [59_999, -3_600_000], ["00:00:59.999", "-01:00:00.000"]),
        ("us", [-3_020_399_000_001, 60_000_000], ["-838:59:59.000001", "00:01:00.000000"]),
        ("ns", [1, 1 - 2**63], ["00:00:00.000000001", "-2562047:47:16.854775807"]),
    ],
)
def test_a_duration_as_text_is_a_time_and_no_number_without_its_unit(
    unit: str, counts: list[int], texts: list[str]
) -> None:
    batch = pa.record_batch({"t": pa.array([*counts, None], pa.duration(unit))})
    rows = list(columns.apply(Batches.of(batch.schema, [batch]), (ColumnMap("t", "t", "string"),)))
    assert rows[0]["t"].to_pylist() == [*texts, None]


def test_a_duration_that_has_no_opposite_is_refused() -> None:
    batch = pa.record_batch({"t": pa.array([0, -(2**63)], pa.duration("us"))})
    with pytest.raises(DataError, match="column 't', row 2"):
        list(columns.apply(Batches.of(batch.schema, [batch]), (ColumnMap("t", "t", "string"),)))


def test_a_column_that_does_not_come_is_named_before_a_row_is_read() -> None:
    with pytest.raises(ConfigError, match="there is no column 'wrod'") as caught:
        columns.apply(stream("a"), (ColumnMap("wrod", "x"),))
    assert caught.value.hint == 'did you mean "word"?'


def test_a_cast_that_cannot_be_is_a_config_error() -> None:
    lists = Batches.of(pa.schema([("x", pa.list_(pa.int64()))]), [pa.record_batch({"x": [[1]]})])
    with pytest.raises(ConfigError, match="cannot be cast"):
        list(columns.apply(lists, (ColumnMap("x", "x", "date"),)))


def test_a_wide_number_is_never_rounded() -> None:
    """LESSONS 9."""
    big = pa.record_batch({"n": pa.array([9007199254740993], pa.int64())})
    with pytest.raises(DataError):
        list(columns.apply(Batches.of(big.schema, [big]), (ColumnMap("n", "n", "float64"),)))


MOMENTS = pa.array(["2026-01-31", None, None, "2026-01-31 10:30:00.000005"]).cast(pa.timestamp("us"))
ALTERED: list[tuple[pa.Array, str, str]] = [
    (pa.array([1, 0, None, 300]), "bool", "300"),
    (pa.array([1, 0, None, 0.5]), "bool", "0.5"),
    (pa.array([1e38, float("inf"), None, 1e300]), "float32", "1e+300"),
    (pa.array([0.1, 2.25, None, 0.125]), "decimal(5,2)", "0.125"),
    (pa.array([1, 999, None, 1000]), "decimal(5,2)", "1000"),
    (pa.array([decimal.Decimal(text) for text in ("0.10", "7.55", "0.00", "12345678901234567.89")]), "float64", "123"),
    (MOMENTS, "date", "2026-01-31 10:30:00.000005"),
    (MOMENTS, "timestamp(s)", "2026-01-31 10:30:00.000005"),
    (pa.array([1000, None, 0, 1], pa.timestamp("ns")), "timestamp", "1970-01-01 00:00:00.000000001"),
    (pa.DictionaryArray.from_arrays([0, 0, None, 1], pa.array([1, 300])), "int8", "300"),
]


@pytest.mark.parametrize(("array", "type_name", "told"), ALTERED)
def test_a_value_that_would_come_out_as_another_is_no_less_wrong(array: pa.Array, type_name: str, told: str) -> None:
    """Arrow calls these casts safe, but for those of a smaller unit."""
    batch = pa.record_batch({"n": array})
    with pytest.raises(DataError, match=f"column 'n', row 4: {re.escape(told)}"):
        list(columns.apply(Batches.of(batch.schema, [batch]), (ColumnMap("n", "n", type_name),)))
    good = columns.apply(Batches.of(batch.schema, [batch.slice(0, 3)]), (ColumnMap("n", "n", type_name),))
    assert [value is None for value in values(good)["n"]] == [value is None for value in array.slice(0, 3).to_pylist()]


def test_a_time_of_day_does_not_keep_a_date() -> None:
    batch = pa.record_batch({"n": MOMENTS})
    with pytest.raises(ConfigError, match="cannot be cast"):
        list(columns.apply(Batches.of(batch.schema, [batch]), (ColumnMap("n", "n", "time"),)))


def test_a_small_number_fits_a_small_decimal() -> None:
    """Arrow wants 19 digits before the point for any int64."""
    batch = pa.record_batch({"n": pa.array([-999, None, 1])})
    found = columns.apply(Batches.of(batch.schema, [batch]), (ColumnMap("n", "n", "decimal(5,2)"),))
    assert values(found)["n"] == [decimal.Decimal("-999.00"), None, decimal.Decimal("1.00")]


@pytest.mark.parametrize("type_", ["timestamp", "timestamptz", "date", "time", "timestamp(s, UTC)"])
def test_a_number_is_no_moment(type_: str) -> None:
    """Arrow would count in the unit of the type, from 1970: seconds since then would become microseconds."""
    with pytest.raises(ConfigError, match="cannot be cast"):
        list(columns.apply(stream("a"), (ColumnMap("n", "at", type_),)))


def test_a_moment_is_no_number() -> None:
    moments = Batches.of(pa.schema([("at", MOMENTS.type)]), [pa.record_batch({"at": MOMENTS})])
    with pytest.raises(ConfigError, match="cannot be cast"):
        list(columns.apply(moments, (ColumnMap("at", "n", "int64"),)))
