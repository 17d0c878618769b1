"""Rows as JSON: PostgreSQL reads from them what was written into them, and what it would change is refused."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.connectors._shared.postgres.ddl import built_in
from osiris.connectors._shared.postgres.types import BUILT_IN, Type
from osiris.connectors.supabase.rest.rows import check, encode
from osiris.errors import DataError
from tests.servers.postgres import Database

ID = uuid.UUID("123e4567-e89b-12d3-a456-426614174000")
NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, UTC)


def type_of(text: str) -> Type:
    return built_in(text) or Type(0, text, text, BUILT_IN, "base")


def batch(array: pa.Array) -> pa.RecordBatch:
    return pa.record_batch([array], ["c"])


def written(array: pa.Array, column: str) -> list[str]:
    """The JSON objects of a column of this PostgreSQL type."""
    found: list[str] = encode(batch(array), {"c": type_of(column)}).to_pylist()
    return found


def read(database: Database, rows: list[str], column: str) -> list[str | None]:
    """What PostgreSQL makes of the objects, as it shows it."""
    with database.connect() as connection:
        connection.execute("SET timezone = 'UTC'")
        found = connection.execute(
            f"SELECT c::text FROM json_to_recordset(%s) AS _(c {column})".encode(), ["[" + ",".join(rows) + "]"]
        )
        return [text for (text,) in found]


def documents(*values: str | None) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.json_(), pa.array(values))


READ: dict[str, tuple[pa.Array, str, list[str | None]]] = {
    "nothing": (pa.nulls(2), "text", [None, None]),
    "bool": (pa.array([True, None, False]), "boolean", ["true", None, "false"]),
    "bigint": (pa.array([-(2**63), 2**63 - 1]), "bigint", ["-9223372036854775808", "9223372036854775807"]),
    "uint64": (pa.array([2**64 - 1], pa.uint64()), "numeric", ["18446744073709551615"]),
    "decimal": (pa.array([Decimal("-1.50"), Decimal("0.00")]), "numeric(5,2)", ["-1.50", "0.00"]),
    "small decimal": (pa.array([Decimal("1E-12")]), "numeric", ["0.000000000001"]),
    "wide decimal": (pa.array([Decimal("9" * 70)], pa.decimal256(76, 0)), "numeric", ["9" * 70]),
    "whole decimal": (pa.array([Decimal("5.00")]), "integer", ["5"]),
    "real": (pa.array([0.1, 1.5], pa.float32()), "real", ["0.1", "1.5"]),
    "half": (pa.array([1.5, -2.0], pa.float16()), "real", ["1.5", "-2"]),
    "float": (
        pa.array([0.1, 1e300, float("nan"), float("inf"), float("-inf"), None]),
        "double precision",
        ["0.1", "1e+300", "NaN", "Infinity", "-Infinity", None],
    ),
    "text": (pa.array(['a"b', "\\n", "é\n\t\x01", ""]), "text", ['a"b', "\\n", "é\n\t\x01", ""]),
    "dictionary": (pa.array(["x", None, "x"]).dictionary_encode(), "text", ["x", None, "x"]),
    "short text": (pa.array(["abc"]), "character varying(3)", ["abc"]),
    "bytes": (pa.array([b"\x00\xff", b""]), "bytea", ["\\x00ff", "\\x"]),
    "uuid": (pa.ExtensionArray.from_storage(pa.uuid(), pa.array([ID.bytes], pa.binary(16))), "uuid", [str(ID)]),
    "date": (
        pa.array([date(2026, 3, 4), date(9999, 12, 31), date(1, 1, 1)]),
        "date",
        ["2026-03-04", "9999-12-31", "0001-01-01"],
    ),
    "far date": (
        pa.array([-719_163, -735_519, 2_932_897], pa.int32()).view(pa.date32()),
        "date",
        ["0001-12-31 BC", "0045-03-21 BC", "10000-01-01"],
    ),
    "timestamp": (
        pa.array([NOON.replace(tzinfo=None)], pa.timestamp("us")),
        "timestamp without time zone",
        ["2026-03-04 12:00:00.123456"],
    ),
    "far timestamp": (
        pa.array([-62_135_596_800_000_001], pa.int64()).view(pa.timestamp("us")),
        "timestamp without time zone",
        ["0001-12-31 23:59:59.999999 BC"],
    ),
    "moment": (
        pa.array([NOON], pa.timestamp("us", "Asia/Kathmandu")),
        "timestamp with time zone",
        ["2026-03-04 12:00:00.123456+00"],
    ),
    "seconds": (pa.array([NOON], pa.timestamp("s", "UTC")), "timestamp with time zone", ["2026-03-04 12:00:00+00"]),
    "time": (pa.array([time(23, 59, 59, 1)]), "time without time zone", ["23:59:59.000001"]),
    "duration": (
        pa.array([timedelta(days=100, microseconds=1), -timedelta(hours=1, seconds=1)]),
        "interval",
        ["2400:00:00.000001", "-01:00:01"],
    ),
    "interval": (
        pa.array([pa.MonthDayNano([14, -3, -1_000_000])]),
        "interval",
        ["1 year 2 mons -3 days -00:00:00.001"],
    ),
    "json": (documents('{"a": [1.10, null]}', None, "[]"), "json", ['{"a": [1.10, null]}', None, "[]"]),
    "text as json": (pa.array(['{"a": 1}']), "jsonb", ['{"a": 1}']),
    "json as text": (documents('{"a": "\\u00e9"}'), "text", ['{"a": "\\u00e9"}']),
    "list": (
        pa.array([[1, None], [], None, [2]]),
        "integer[]",
        ["{1,NULL}", "{}", None, "{2}"],
    ),
    "list of text": (pa.array([['a"b', "c,d"]]), "text[]", ['{"a\\"b","c,d"}']),
    "list of moments": (
        pa.array([[NOON]], pa.list_(pa.timestamp("us", "UTC"))),
        "timestamp with time zone[]",
        ['{"2026-03-04 12:00:00.123456+00"}'],
    ),
    "sliced list": (pa.array([[1], [2, 3], [4]]).slice(1), "bigint[]", ["{2,3}", "{4}"]),
    "struct": (pa.array([{"a": 1, "b": ["x"]}]), "jsonb", ['{"a": 1, "b": ["x"]}']),
    "text in an array's form": (pa.array(["{1,2}"]), "integer[]", ["{1,2}"]),
}


@pytest.mark.server
@pytest.mark.parametrize("name", READ)
def test_postgresql_reads_what_was_written(workbench: Database, name: str) -> None:
    array, column, expected = READ[name]
    field = pa.field("c", array.type, metadata={"osiris.type": "integer[]"} if name.startswith("text in") else None)
    rows = encode(pa.record_batch([array], pa.schema([field])), {"c": type_of(column)}).to_pylist()
    assert read(workbench, rows, column) == expected
    if not name.startswith(("json as", "text as", "whole")):  # a type that is not known changes nothing else
        assert encode(batch(array), {"c": None}).to_pylist() == rows


REFUSED: dict[str, tuple[pa.Array, str, str]] = {
    "digits": (pa.array([Decimal("1.00"), Decimal("1.005")]), "numeric(5,2)", "row 2: 'c' has more digits"),
    "fraction": (pa.array([Decimal("1.5")]), "integer", "row 1: 'c'"),
    "range": (pa.array([40000]), "smallint", "row 1: 'c' is out of the range of 2 bytes"),
    "length": (pa.array(["ok", "longer"]), "character varying(3)", "row 2: 'c' is longer than the 3 characters"),
    "nul": (pa.array(["a\0b"]), "text", "row 1: 'c' holds the character NUL"),
    "nanoseconds": (
        pa.array([1], pa.timestamp("ns")),
        "timestamp without time zone",
        "row 1: 'c' is not a number of microseconds",
    ),
    "no json": (pa.array(["{"]), "json", "row 1: 'c' is no JSON"),
    "nan in json": (pa.array(["NaN"]), "json", "row 1: 'c' is no JSON"),
    "null document": (documents("1", "null"), "jsonb", "row 2: 'c' is the JSON document null"),
    "kind": (pa.array(["1"]), "integer", "'c': the column's type integer does not hold string as it is"),
    "zone": (
        pa.array([NOON]),
        "timestamp without time zone",
        "'c': the column's type timestamp without time zone does not hold timestamp",
    ),
    "money": (pa.array([Decimal("1.005")]), "money", "'c': the column's type money does not hold"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_column_would_change_is_refused(name: str) -> None:
    array, column, message = REFUSED[name]
    with pytest.raises(DataError, match=f"^{message.replace('(', '[(]')}"):
        written(array, column)


def test_rows_are_counted_on_and_names_are_escaped() -> None:
    rows = pa.record_batch([pa.array([1, 2]), pa.array([None, "x"])], ['a"b', "č"])
    assert encode(rows, {}).to_pylist() == ['{"a\\"b":1,"č":null}', '{"a\\"b":2,"č":"x"}']
    assert encode(rows.select([]), {}).to_pylist() == ["{}", "{}"]
    with pytest.raises(DataError, match="row 12") as caught:
        encode(batch(pa.array([1, 2**40])), {"c": type_of("integer")}, first_row=10)
    assert (caught.value.row, caught.value.data_column) == (12, "c")
    with pytest.raises(DataError, match="column's type integer"):
        check(pa.schema([("c", pa.string())]), {"c": type_of("integer")})


VALUES: dict[str, tuple[st.SearchStrategy[Any], pa.DataType]] = {
    "text": (st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), pa.string()),
    "double precision": (st.floats(allow_nan=False), pa.float64()),
    "real": (st.floats(width=32, allow_nan=False), pa.float32()),
    "numeric": (
        st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20),
        pa.decimal128(38, 9),
    ),
    "timestamp with time zone": (st.datetimes(timezones=st.just(UTC)), pa.timestamp("us", "UTC")),
    "bytea": (st.binary(), pa.binary()),
}


@pytest.mark.server
@pytest.mark.parametrize("column", VALUES)
def test_any_value_comes_back_the_same(workbench: Database, column: str) -> None:
    values, arrow = VALUES[column]
    wide = "c::double precision" if column == "real" else "c"  # of a real the driver shows what it is short for

    @settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.none() | values, max_size=50))
    def comes_back(given_values: list[Any]) -> None:
        rows = written(pa.array(given_values, arrow), column)
        found = connection.execute(
            f"SELECT {wide} FROM json_to_recordset(%s) AS _(c {column})".encode(), ["[" + ",".join(rows) + "]"]
        ).fetchall()
        assert [value for (value,) in found] == given_values

    with workbench.connect() as connection:
        comes_back()
