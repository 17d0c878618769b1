"""The types that a PostgreSQL table is made with, what they hold then, and the values that a column refuses."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

import osiris
from tests.connectors.postgres.target import Target, new_run

pytestmark = pytest.mark.server
ID = uuid.UUID("123e4567-e89b-12d3-a456-426614174000")
NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, UTC)


def uuids(*values: uuid.UUID | None) -> pa.Array:
    storage = pa.array([value and value.bytes for value in values], pa.binary(16))
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)


def documents(*values: str | None) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.json_(), pa.array(values))


MADE: dict[str, tuple[pa.Array, str, list[str]]] = {
    "int8": (pa.array([-128, 127], pa.int8()), "smallint", ["-128", "127"]),
    "int16": (pa.array([-(2**15), 2**15 - 1], pa.int16()), "smallint", ["-32768", "32767"]),
    "int32": (pa.array([-(2**31), 5], pa.int32()), "integer", ["-2147483648", "5"]),
    "int64": (pa.array([-(2**63), 2**53 + 1]), "bigint", ["-9223372036854775808", "9007199254740993"]),
    "uint8": (pa.array([0, 255], pa.uint8()), "smallint", ["0", "255"]),
    "uint16": (pa.array([0, 65535], pa.uint16()), "integer", ["0", "65535"]),
    "uint32": (pa.array([0, 2**32 - 1], pa.uint32()), "bigint", ["0", "4294967295"]),
    "uint64": (pa.array([0, 2**64 - 1], pa.uint64()), "numeric(20,0)", ["0", "18446744073709551615"]),
    "bool": (pa.array([True, False]), "boolean", ["true", "false"]),
    "decimal": (pa.array([Decimal("-1.50"), Decimal("0.01")], pa.decimal128(5, 2)), "numeric(5,2)", ["-1.50", "0.01"]),
    "wide decimal": (
        pa.array([Decimal("9" * 70), Decimal(-1)], pa.decimal256(76, 0)),
        "numeric(76,0)",
        ["9" * 70, "-1"],
    ),
    "float16": (pa.array([1.5, -0.0], pa.float16()), "real", ["1.5", "-0"]),
    "float32": (pa.array([0.1, float("inf")], pa.float32()), "real", ["0.1", "Infinity"]),
    "float64": (pa.array([0.1, float("nan")]), "double precision", ["0.1", "NaN"]),
    "text": (pa.array(["", "příliš 🐘\n\\N"]), "text", ["", "příliš 🐘\n\\N"]),
    "large text": (pa.array(["a", "b"], pa.large_string()), "text", ["a", "b"]),
    "text view": (pa.array(["a", "longer than twelve"], pa.string_view()), "text", ["a", "longer than twelve"]),
    "dictionary": (pa.array(["a", "b"]).dictionary_encode(), "text", ["a", "b"]),
    "binary": (pa.array([b"", b"\0\xff"]), "bytea", ["\\x", "\\x00ff"]),
    "date32": (pa.array([date(1, 1, 1), date(9999, 12, 31)]), "date", ["0001-01-01", "9999-12-31"]),
    "date64": (pa.array([date(1970, 1, 1), date(2026, 3, 4)], pa.date64()), "date", ["1970-01-01", "2026-03-04"]),
    "timestamp": (
        pa.array([NOON, datetime(1, 1, 1, tzinfo=UTC)], pa.timestamp("us")),
        "timestamp without time zone",
        ["2026-03-04 12:00:00.123456", "0001-01-01 00:00:00"],
    ),
    "timestamp in s": (
        pa.array([0, 1], pa.timestamp("s")),
        "timestamp without time zone",
        ["1970-01-01 00:00:00", "1970-01-01 00:00:01"],
    ),
    "moment": (
        pa.array([NOON, NOON], pa.timestamp("ns", "Europe/Prague")),
        "timestamp with time zone",
        ["2026-03-04 12:00:00.123456+00"] * 2,
    ),
    "time": (pa.array([time(1, 2, 3, 4), time(23, 59)]), "time without time zone", ["01:02:03.000004", "23:59:00"]),
    "time32": (pa.array([time(1, 2, 3), time(0)], pa.time32("s")), "time without time zone", ["01:02:03", "00:00:00"]),
    "duration": (pa.array([90_000_000, -1], pa.duration("us")), "interval", ["00:01:30", "-00:00:00.000001"]),
    "interval": (
        pa.array([(14, 3, 5_000_000_000), (-1, 0, 0)], pa.month_day_nano_interval()),
        "interval",
        ["1 year 2 mons 3 days 00:00:05", "-1 mons"],
    ),
    "uuid": (uuids(ID, ID), "uuid", [str(ID)] * 2),
    "json": (documents('{"a":1, "a":2}', "7"), "json", ['{"a":1, "a":2}', "7"]),
    "struct": (pa.array([{"a": 1}, {"a": None}]), "jsonb", ['{"a": 1}', '{"a": null}']),
    "list": (pa.array([[1, None], []]), "bigint[]", ["{1,NULL}", "{}"]),
    "list of texts": (pa.array([['a"b', ""], ["NULL"]]), "text[]", ['{"a\\"b",""}', '{"NULL"}']),
    "list of decimals": (pa.array([[Decimal("1.5")], None]), "numeric(2,1)[]", ["{1.5}"]),
    "list of binaries": (pa.array([[b"x"], None], pa.list_(pa.binary_view())), "bytea[]", ['{"\\\\x78"}']),
    "fixed list": (pa.array([[1, 2], [3, 4]], pa.list_(pa.int16(), 2)), "smallint[]", ["{1,2}", "{3,4}"]),
    "list of lists": (pa.array([[[1], []], []]), "jsonb", ["[[1], []]", "[]"]),
    "null": (pa.nulls(2), "text", []),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_a_table_is_made_with_a_type_that_holds_every_value(target: Target, name: str) -> None:
    array, kind, expected = MADE[name]
    with_null = pa.concat_arrays([array, pa.nulls(1, array.type)]) if name != "dictionary" else array
    target.write(pa.table({"x": with_null}))
    assert target.types() == {"x": kind}
    found = target.sql("SET TimeZone = 'UTC'", "SELECT x::text FROM t WHERE x IS NOT NULL")
    assert sorted(text for (text,) in found) == sorted(expected)


def typed(array: pa.Array, source: str) -> pa.Table:
    """A column that had the type `source` where it was read."""
    return pa.table([array], pa.schema([pa.field("x", array.type, metadata={"osiris.type": source})]))


@pytest.mark.parametrize(
    ("array", "source"),
    [
        (pa.array(["ab"]), "character varying(5)"),
        (pa.array(["ab   "]), "character(5)"),
        (pa.array(["12345678901234567890.5"]), "numeric"),
        (pa.array([Decimal("1.5")], pa.decimal128(6, 1)), "numeric(6,1)"),
        (pa.array(["10.0.0.1"]), "inet"),
        (pa.array(["101"]), "bit(3)"),
        (pa.array(["[1,5)"]), "int4range"),
        (pa.array(["(1,2)"]), "point"),
        (pa.array(["12:00:00+02"]), "time with time zone"),
        (pa.array(["1 mon 2 days"]), "interval"),
        (pa.array(["{{1,2},{3,4}}"]), "integer[]"),
        (pa.array(["infinity"]), "timestamp without time zone"),
        (pa.array([10**9], pa.timestamp("us", "UTC")), "timestamp(3) with time zone"),
        (documents('{"a": 1}'), "jsonb"),
        (pa.array([["a"]]), "character varying(5)[]"),
        (pa.array(["{1.5,NULL}"]), "numeric(5,1)[]"),
        (pa.array(["{[1,3),[5,7)}"]), "int4multirange"),
        (pa.array([7], pa.uint32()), "oid"),
        (pa.array(["x"]), "name"),
        (pa.array(["16/B374D848"]), "pg_lsn"),
    ],
)
def test_a_column_that_was_read_from_postgres_gets_the_type_that_it_had(
    target: Target, array: pa.Array, source: str
) -> None:
    target.write(typed(array, source))
    assert target.types() == {"x": source}


@pytest.mark.parametrize(
    ("array", "source", "kind"),
    [
        (pa.array([1]), "smallint", "bigint"),
        (pa.array(["x"]), "int); DROP TABLE t; --", "text"),
        (pa.array(["x"]), "VARCHAR(5)", "text"),
        (pa.array([Decimal("1.5")], pa.decimal128(6, 1)), "numeric(3,1)", "numeric(6,1)"),
        (pa.array(["x"]), "nonsense(5)", "text"),
        (pa.array([1], pa.uint32()), "int unsigned", "bigint"),
    ],
)
def test_a_type_that_it_cannot_have_had_is_not_made(target: Target, array: pa.Array, source: str, kind: str) -> None:
    target.write(typed(array, source))
    assert target.types() == {"x": kind}


@pytest.mark.parametrize(
    ("there", "array", "expected"),
    [
        ("smallint", pa.array([Decimal("7.00")]), "7"),
        ("real", pa.array([2**24]), "1.6777216e+07"),
        ("double precision", pa.array([0.5], pa.float32()), "0.5"),
        ("numeric", pa.array([5], pa.uint8()), "5"),
        ("numeric(4,1)", pa.array([Decimal("1.500")]), "1.5"),
        ("timestamp(0)", pa.array([date(2026, 3, 4)]), "2026-03-04 00:00:00"),
        ("varchar(3)", pa.array(["žlu"]), "žlu"),
        ("jsonb", pa.array(['{"a":1}']), '{"a": 1}'),
        ("text", uuids(ID), str(ID)),
        ("text", pa.array([{"a": 1}]), '{"a":1}'),
        ("uuid", pa.array([str(ID)]), str(ID)),
        ("mood", pa.array(["glad"]), "glad"),
        ("small", pa.array([5]), "5"),
        ("name", pa.array(["x"]), "x"),
        ("bit varying(5)", pa.array(["101"]), "101"),
        ("oid", pa.array([2**32 - 1], pa.uint32()), "4294967295"),
        ("mood[]", pa.array([["glad"]]), "{glad}"),
        ("small[]", pa.array([[5]]), "{5}"),
        ("citext", pa.array(["Glad"]), "Glad"),
        ("hstore", pa.array(['"a"=>"1"']), '"a"=>"1"'),
    ],
)
def test_a_value_gets_into_another_type_that_holds_it(
    target: Target, there: str, array: pa.Array, expected: str
) -> None:
    target.sql(
        "CREATE TYPE mood AS ENUM ('glad', 'sad')",
        "CREATE DOMAIN small AS int CHECK (VALUE < 10)",
    )
    if there in ("citext", "hstore"):
        target.sql(f"CREATE EXTENSION {there}")
    target.sql(f"CREATE TABLE t (x {there})")
    target.write(pa.table({"x": array}))
    assert target.rows(columns="x::text") == [(expected,)]


REFUSED: dict[str, tuple[str, pa.Array, str]] = {
    "a number that is too large": ("smallint", pa.array([1, 40_000]), "out of the range"),
    "too many digits": ("numeric(3,1)", pa.array([Decimal("1.00"), Decimal("1.25")]), "which keeps 1"),
    "a fraction": ("int", pa.array([Decimal("1.0"), Decimal("1.5")]), "out of the range"),
    "digits of a float": ("real", pa.array([0.5, 0.1]), "more digits"),
    "digits of a whole number": ("double precision", pa.array([1, 2**53 + 1]), "more digits"),
    "a numeric overflow": ("numeric(3,1)", pa.array([Decimal("1.0"), Decimal("100.0")]), "overflow"),
    "a text that is too long": ("varchar(3)", pa.array(["abc", "abc "]), "longer than the 3"),
    "a space that is lost": ("char(3)", pa.array(["abc", "a "]), "ends with a space"),
    "half a second": ("timestamp(0)", pa.array([0, 500_000], pa.timestamp("us")), "which keeps 0"),
    "nanoseconds": ("timestamp", pa.array([0, 1], pa.timestamp("ns")), "microseconds"),
    "a date that no calendar has": ("date", pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32()), "no date"),
    "infinity by accident": ("timestamp", pa.array([0, -(2**63)], pa.timestamp("us")), "no date"),
    "a text with a NUL": ("text", pa.array(["a", "a\0"]), "0x00"),
    "no json": ("jsonb", pa.array(["{}", "{"]), "json"),
    "not among the members": ("mood", pa.array(["glad", "mad"]), "enum"),
    "beyond a domain": ("small", pa.array([1, 10]), "domain"),
    "an element": ("smallint[]", pa.array([[1], [1, 40_000]]), "has an element that is out of"),
    "no address": ("inet", pa.array(["10.0.0.1", "10.0.0.256"]), "inet"),
    "bits that are too many": ("bit varying(3)", pa.array(["101", "1011"]), "longer than the 3"),
    "a name that is too long": ("name", pa.array(["a", "a" * 64]), "identifier too long"),
    "no uuid": ("uuid", pa.array([str(ID), "x"]), "uuid"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_value_that_does_not_fit_is_an_error_that_names_column_and_row(target: Target, name: str) -> None:
    """Nothing is clipped, rounded or filled up: not what the server would refuse, and not what it would change."""
    there, array, text = REFUSED[name]
    target.sql("CREATE TYPE mood AS ENUM ('glad', 'sad')", "CREATE DOMAIN small AS int CHECK (VALUE < 10)")
    target.sql(f"CREATE TABLE t (n int, x {there})")
    rows = pa.table({"n": pa.array([1, 2], pa.int32()), "x": array})
    with pytest.raises(osiris.DataError, match=text) as caught:
        target.write(rows)
    assert (caught.value.row, caught.value.data_column) == (2, "x")
    assert "row 2" in str(caught.value)
    assert target.rows() == []


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
@pytest.mark.parametrize("there", ["made", "there"])
def test_values_that_the_server_casts_are_written_in_each_mode(target: Target, mode: str, there: str) -> None:
    options: dict[str, Any] = {"write_mode": mode, "primary_key": "n"}
    schema = pa.schema([pa.field("n", pa.int64()), pa.field("x", pa.string(), metadata={"osiris.type": "inet"})])
    if there == "there":
        target.sql("CREATE TABLE t (n bigint PRIMARY KEY, x inet)", "INSERT INTO t VALUES (1, '10.9.9.9')")
    numbers = [2, 3] if mode == "append" else [1, 2]
    target.write(pa.table([numbers, ["10.0.0.1", None]], schema=schema), **options)
    kept = [(1, "10.9.9.9/32")] if there == "there" and mode == "append" else []
    assert target.rows(columns="n, x::text") == [*kept, (numbers[0], "10.0.0.1/32"), (numbers[1], None)]


def test_a_type_that_postgres_cannot_hold_is_refused(target: Target) -> None:
    kind = pa.dense_union([pa.field("a", pa.int64())])
    with pytest.raises(osiris.DataError, match="PostgreSQL cannot hold"):
        target.write(pa.table({"x": pa.nulls(0, kind)}))


@pytest.mark.parametrize("key", ["", ", PRIMARY KEY (k)"])
def test_a_key_is_written_as_it_came_last_though_it_is_equal(target: Target, key: str) -> None:
    target.sql(f"CREATE TABLE t (k numeric, v int{key})", "INSERT INTO t VALUES (1.0, 1), (2.5, 2)")
    rows = pa.table({"k": pa.array([Decimal("1.00"), Decimal("3.10")]), "v": pa.array([7, 8], pa.int32())})
    target.write(rows, run=new_run(), write_mode="upsert", primary_key="k")
    assert [(str(k), v) for k, v in target.rows(order="1")] == [("1.00", 7), ("2.5", 2), ("3.10", 8)]
