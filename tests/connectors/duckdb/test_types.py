"""Types: each goes from DuckDB to Arrow and back unchanged, or is refused by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import osiris
from osiris.connectors.duckdb.fits import fits
from tests.connectors.duckdb.place import Place, new_run

LEFT_OUT = {"union", "geometry"}
INFINITE = {"date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp_tz", "timestamp_tz_ns"}
TOO_LARGE = {"hugeint", "uhugeint"}


def every_type() -> dict[str, str]:
    """The columns of DuckDB's own list of its types, each with an expression for its values that Arrow can hold."""
    with duckdb.connect() as con:
        names = [name for name in con.sql("FROM test_all_types()").columns if name not in LEFT_OUT]
    values = {name: f'"{name}"' for name in names}
    for name in INFINITE & set(names):
        values[name] = f"""CASE WHEN "{name}"::VARCHAR NOT LIKE '%infinity' THEN "{name}" END"""
    for name in TOO_LARGE & set(names):
        values[name] = f'CASE WHEN "{name}" = 0 THEN "{name}" ELSE 12345678901234567890123456789012345678 END'
    return values


@pytest.mark.parametrize("sole", [True, False])
def test_every_type_goes_out_and_back_unchanged(place: Place, sole: bool) -> None:
    """DuckDB → Arrow → DuckDB gives equal values; a table made for them has the type, or text where Arrow has none."""
    values = every_type()
    selected = ", ".join(f'{value} AS "{name}"' for name, value in values.items())
    place.sql(
        f"CREATE TABLE source AS SELECT {selected} FROM test_all_types()",
        "CREATE TABLE same AS FROM source LIMIT 0",
    )
    rows, end = place.read(table="source")
    assert end.rows == 3
    place.write(rows, table="made", run=new_run(sole=sole))
    place.write(rows, table="same", run=new_run(sole=sole))
    texts = "SELECT COLUMNS(*)::VARCHAR FROM {} ORDER BY rowid"
    assert place.sql(texts.format("same")) == place.sql(texts.format("source"))
    unnamed = texts.replace("COLUMNS(*)", "COLUMNS(* EXCLUDE tuple)")
    assert place.sql(unnamed.format("made")) == place.sql(unnamed.format("source"))
    types = "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '{}'"
    before, made = (dict(place.sql(types.format(table))) for table in ("source", "made"))
    assert {name for name in values if made[name] != before[name]} == {
        "small_enum",
        "medium_enum",
        "large_enum",
        "tuple",
    }


def test_null_in_the_first_batches_changes_no_type(place: Place) -> None:
    """LESSONS 9: nullable BIGINT became float, and …993 became …992."""
    place.sql(
        "CREATE TABLE source AS SELECT CASE WHEN i > 150000 THEN 9007199254740993 END AS n FROM range(150002) r(i)"
    )
    rows, _ = place.read(table="source")
    assert rows.schema.field("n").type == pa.int64()
    assert rows["n"].to_pylist()[-1] == 9007199254740993


def test_times_with_a_zone_come_in_utc(place: Place) -> None:
    place.sql("CREATE TABLE source AS SELECT TIMESTAMPTZ '2026-03-29 03:30:00+02' AS at")
    rows, _ = place.read(table="source")
    assert rows.schema.field("at").type == pa.timestamp("us", "UTC")
    assert rows["at"].cast(pa.int64()).to_pylist() == [
        int(dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC).timestamp()) * 10**6
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("'infinity'::DATE", "'x' holds an infinite date"),
        ("'-infinity'::TIMESTAMPTZ", "'x' holds an infinite date"),
        ("170141183460469231731687303715884105727::HUGEINT", "column 'x'"),
        ("340282366920938463463374607431768211455::UHUGEINT", "column 'x'"),
        ("to_microseconds(9223372036854775807)", "column 'x': an interval of more than"),
        ("union_value(a := 1)", "column 'x' is of DuckDB's type UNION"),
        ("1::VARIANT", "column 'x' is of DuckDB's type VARIANT"),
    ],
)
def test_what_arrow_cannot_hold_is_refused_by_column(place: Place, value: str, text: str) -> None:
    place.sql("CREATE TABLE t (a INTEGER)")
    with pytest.raises(osiris.DataError, match=text):
        place.read(query=f"SELECT {value} AS x")


REFUSED: dict[str, pa.Array] = {
    "decimal of 50 digits": pa.array([Decimal(1)], pa.decimal256(50, 2)),
    "struct with two names that fold": pa.array([{"a": 1, "A": 2}]),
    "union": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1]), pa.array(["a"])]),
    "unknown extension": pa.ExtensionArray.from_storage(
        pa.opaque(pa.int8(), "money", "acme"), pa.array([1], pa.int8())
    ),
    "list of nanosecond intervals": pa.array([[(0, 0, 1)]], pa.list_(pa.month_day_nano_interval())),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_duckdb_would_change_is_refused_before_it_is_written(place: Place, what: str) -> None:
    with pytest.raises(osiris.DataError, match="column 'x'"):
        place.write(pa.table({"x": REFUSED[what]}))
    assert not place.file.exists()


def test_what_duckdb_would_cut_is_refused_by_row(place: Place) -> None:
    """Nanoseconds of a duration or an interval, and the time of a date64, would go without a word."""
    for values in (
        pa.array([1000, None, 1001], pa.duration("ns")),
        pa.array([(1, 2, 3000), None, (0, 0, 1)], pa.month_day_nano_interval()),
        pa.array([86400000, None, 86400001], pa.int64()).view(pa.date64()),
    ):
        with pytest.raises(osiris.DataError, match="row 6") as caught:
            place.write(pa.table({"x": pa.concat_arrays([values[:2], values[:1], values])}))
        assert (caught.value.data_column, caught.value.row) == ("x", 6)


def test_types_of_other_systems_are_converted_without_loss(place: Place) -> None:
    rows = pa.table(
        {
            "half": pa.array([1.5, None], pa.float16()),
            "wide": pa.array([Decimal("1.25"), None], pa.decimal256(38, 2)),
            "thousands": pa.array([Decimal(12000), None], pa.decimal128(2, -3)),
            "word": pa.array(["a", None]).dictionary_encode(),
            "run": pa.RunEndEncodedArray.from_arrays([1, 2], ["a", None]),
            "seconds": pa.array([5, None], pa.duration("s")),
            "nothing": pa.nulls(2),
            "nothings": pa.array([[None], None], pa.list_(pa.null())),
            "view": pa.array(["a text that is longer than twelve bytes", None], pa.string_view()),
        }
    )
    place.write(rows)
    assert place.sql("SELECT COLUMNS(*)::VARCHAR FROM t ORDER BY rowid") == [
        ("1.5", "1.25", "12000", "a", "a", "00:00:05", None, "[NULL]", "a text that is longer than twelve bytes"),
        (None,) * 9,
    ]


CASES = [
    ("INTEGER", "BIGINT", True),
    ("BIGINT", "INTEGER", False),
    ("UINTEGER", "BIGINT", True),
    ("UBIGINT", "BIGINT", False),
    ("INTEGER", "UBIGINT", False),
    ("INTEGER", "DOUBLE", True),
    ("BIGINT", "DOUBLE", False),
    ("DOUBLE", "BIGINT", False),
    ("DOUBLE", "FLOAT", False),
    ("FLOAT", "DOUBLE", True),
    ("DECIMAL(12,4)", "DECIMAL(12,2)", False),
    ("DECIMAL(12,2)", "DECIMAL(12,4)", False),
    ("DECIMAL(12,2)", "DECIMAL(14,4)", True),
    ("DECIMAL(18,0)", "BIGINT", True),
    ("DECIMAL(19,0)", "BIGINT", False),
    ("DECIMAL(12,2)", "DOUBLE", False),
    ("BIGINT", "DECIMAL(19,0)", True),
    ("BIGINT", "DECIMAL(20,2)", False),
    ("VARCHAR", "INTEGER", False),
    ("INTEGER", "VARCHAR", False),
    ("VARCHAR", "DATE", False),
    ("VARCHAR", "UUID", False),
    ("UUID", "VARCHAR", True),
    ("UUID", "JSON", False),
    ("VARCHAR", "JSON", True),
    ("VARCHAR", "ENUM('a')", True),
    ("DATE", "TIMESTAMP", True),
    ("TIMESTAMP", "DATE", False),
    ("TIMESTAMP", "TIMESTAMPTZ", False),
    ("TIMESTAMP_NS", "TIMESTAMP", False),
    ("TIMESTAMP_S", "TIMESTAMP", True),
    ("BOOLEAN", "INTEGER", False),
    ("INTEGER[]", "BIGINT[]", True),
    ("BIGINT[]", "INTEGER[]", False),
    ("INTEGER[3]", "INTEGER[4]", False),
    ("STRUCT(a INTEGER)", "STRUCT(a BIGINT)", True),
    ("STRUCT(a INTEGER)", "STRUCT(b INTEGER)", False),
    ("MAP(VARCHAR, INTEGER)", "MAP(VARCHAR, BIGINT)", True),
    ("INTEGER", "INTEGER[]", False),
]


@pytest.mark.parametrize(("source", "target", "expected"), CASES)
def test_a_column_takes_only_types_that_it_always_holds(source: str, target: str, expected: bool) -> None:
    with duckdb.connect() as con:
        assert fits(con.sqltype(source), con.sqltype(target)) is expected


NUMBERS = (
    *("TINYINT", "UTINYINT", "INTEGER", "UINTEGER", "BIGINT", "UBIGINT", "HUGEINT", "FLOAT", "DOUBLE"),
    *("DECIMAL(4,0)", "DECIMAL(10,2)", "DECIMAL(18,0)", "DECIMAL(19,4)", "DECIMAL(38,0)", "DECIMAL(38,20)"),
)


@pytest.fixture(scope="module")
def engine() -> Generator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def fitting() -> list[tuple[str, str]]:
    with duckdb.connect() as con:
        kinds = [con.sqltype(name) for name in NUMBERS]
    return [(str(one), str(other)) for one in kinds for other in kinds if fits(one, other)]


@settings(max_examples=200)
@given(
    value=st.one_of(st.integers(-300, 300), st.integers(-(2**65), 2**65)),
    pair=st.sampled_from(fitting()),
)
def test_where_a_type_is_said_to_fit_no_number_changes(
    engine: duckdb.DuckDBPyConnection, value: int, pair: tuple[str, str]
) -> None:
    source, target = pair
    same = f"CAST(CAST(x AS {target}) AS {source}) IS NOT DISTINCT FROM x"
    rows: Any = engine.execute(f"SELECT {same} FROM (SELECT TRY_CAST({value}::HUGEINT AS {source}) AS x)").fetchone()
    assert rows == (True,)
