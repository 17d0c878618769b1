"""From PostgreSQL through Arrow into PostgreSQL: every type, with its most awkward values, comes back as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

import osiris
from tests.connectors.postgres.source import Source
from tests.connectors.postgres.target import Target

pytestmark = pytest.mark.server

SAME: dict[str, tuple[str, str]] = {
    "smallint": ("-32768", "32767"),
    "integer": ("-2147483648", "2147483647"),
    "bigint": ("-9223372036854775808", "9007199254740993"),
    "oid": ("0", "4294967295"),
    "real": ("1.1754944e-38", "NaN"),
    "double precision": ("-0", "-Infinity"),
    "boolean": ("t", "f"),
    "numeric": ("NaN", "-123456789012345678901234567890123456789012345678901234567890.00100"),
    "numeric(12,2)": ("-9999999999.99", "0.00"),
    "numeric(38,10)": ("9999999999999999999999999999.9999999999", "-0.0000000001"),
    "numeric(76,30)": ("1", "-0.000000000000000000000000000001"),
    "numeric(80,2)": ("99999999999999999999999999999999999999999999999999999999999999999999999999999.99", "NaN"),
    "text": ("", "příliš 🐘\\n\t'"),
    "character varying(5)": ("žluť ", "a"),
    "character(5)": ("ab", "abcde"),
    "name": ("x", ""),
    "bytea": ("\\x", "\\x00ff5c"),
    "date": ("0044-03-15 BC", "9999-12-31"),
    "timestamp without time zone": ("0001-01-01 00:00:00", "2026-03-04 05:06:07.000008"),
    "timestamp(3) without time zone": ("1999-12-31 23:59:59.999", "2000-01-01"),
    "timestamp with time zone": ("1900-01-01 00:00:00+00", "2026-03-04 05:06:07.000008+05:30"),
    "time without time zone": ("00:00:00", "23:59:59.999999"),
    "time with time zone": ("00:00:00+14", "23:59:59.5-03:30"),
    "interval": ("-1 year 2 days 03:04:05.000006", "1000 years"),
    "uuid": ("00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "json": ('{"a": 1,  "a": 1e400}', "null"),
    "jsonb": ('{"b": [1.50, "\\u20ac"]}', "7"),
    "xml": ("<a>1</a>", "<b/>"),
    "inet": ("10.0.0.1/8", "::1"),
    "cidr": ("10.0.0.0/8", "::/0"),
    "macaddr": ("08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"),
    "bit(3)": ("101", "000"),
    "bit varying(9)": ("", "101010101"),
    "point": ("(0.1,-0)", "(1e300,Infinity)"),
    "polygon": ("((0,0),(1,1),(1,0))", "((0.1,0.2))"),
    "tsvector": ("'a':1A 'b':2", ""),
    "int4range": ("[1,5)", "empty"),
    "tstzrange": ("[2026-01-01 00:00:00+00,)", "(,)"),
    "int8multirange": ("{[1,3),[5,7)}", "{}"),
    "integer[]": ("{1,NULL,3}", "{{1,2},{3,4}}"),
    "text[]": ('{"a,b","",NULL}', "{}"),
    "numeric(10,2)[]": ("{1.50,NULL}", "[0:1]={1.00,2.00}"),
}
"""For each type, two values; a null comes with them."""
THERE: dict[str, tuple[str, str]] = {
    "interval(0)": ("1 mon", "00:00:01"),
    "mood": ("glad", "sad"),
    "small": ("1", "9"),
    "word": ("abc", "a"),
    "pair": ('(1,"x,y")', "(,)"),
    "mood[]": ("{glad,NULL}", "{}"),
    "citext": ("Glad", ""),
    "hstore": ('"a"=>NULL', ""),
}
"""Types that a table which is there may have; none is made with them."""
TYPES = (
    "CREATE TYPE mood AS ENUM ('glad', 'sad')",
    "CREATE DOMAIN small AS integer CHECK (VALUE < 10)",
    "CREATE DOMAIN word AS character varying(3)",
    "CREATE TYPE pair AS (a integer, b text)",
    "CREATE EXTENSION citext",
    "CREATE EXTENSION hstore",
)


@pytest.fixture
def source(target: Target) -> Source:
    """The same database."""
    return Source(target.database, target.root, {})


def fill(source: Source, types: dict[str, tuple[str, str]]) -> None:
    """A table `source` with a column of each type."""
    columns = [f"c{number} {kind}" for number, kind in enumerate(types)]
    source.sql(f"CREATE TABLE source (n integer, {', '.join(columns)})")
    for row in range(2):
        values = ", ".join("E'" + pair[row].replace("\\", "\\\\").replace("'", "''") + "'" for pair in types.values())
        source.sql(f"INSERT INTO source VALUES ({row}, {values})")
    source.sql("INSERT INTO source VALUES (2)")


def rows(source: Source, table: str) -> list[tuple[Any, ...]]:
    return source.sql("SET TimeZone = 'UTC'", f"SELECT t::text FROM {table} AS t ORDER BY n")


def test_a_table_that_is_made_has_the_same_types_and_rows(source: Source, target: Target) -> None:
    fill(source, SAME)
    target.write(source.read(table="source")[0])
    assert list(target.types("source").values())[1:] == list(SAME)
    assert target.types() == target.types("source")
    assert rows(source, "t") == rows(source, "source")


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_a_table_that_is_there_gets_the_same_rows(source: Source, target: Target, mode: str) -> None:
    source.sql(*TYPES)
    fill(source, SAME | THERE)
    source.sql("CREATE TABLE t (LIKE source, PRIMARY KEY (n))")
    target.write(source.read(table="source")[0], write_mode=mode, primary_key="n")
    assert rows(source, "t") == rows(source, "source")


def test_values_that_arrow_has_not_come_back_from_their_texts(source: Source, target: Target) -> None:
    fill(
        source,
        {
            "date": ("infinity", "2026-01-01"),
            "timestamp with time zone": ("-infinity", "294276-12-31 23:59:59.999999+00"),
            "time without time zone": ("24:00:00", "00:00:00"),
            "numeric(5,2)": ("NaN", "1.50"),
        },
    )
    with pytest.raises(osiris.DataError):
        source.read(table="source")
    target.write(source.read(table="source", special_values="string")[0])
    assert target.types() == target.types("source")
    assert rows(source, "t") == rows(source, "source")


def test_what_has_no_type_of_its_own_is_made_as_what_it_is_over(source: Source, target: Target) -> None:
    source.sql(*TYPES)
    fill(source, {**THERE, "money": ("1.50", "-2")})
    found: pa.Table = source.read(table="source")[0]
    target.write(found)
    kinds = {"small": "integer", "money": "numeric(19,2)"}
    assert list(target.types().values()) == ["integer", *(kinds.get(kind, "text") for kind in [*THERE, "money"])]


def test_money_goes_back_into_a_column_of_money_and_is_never_rounded(source: Source, target: Target) -> None:
    fill(source, {"money": ("-92233720368547758.08", "92233720368547758.07")})
    target.sql("CREATE TABLE t (x money)")
    found: pa.Table = source.read(table="source")[0]
    target.write(found.select([1]).rename_columns(["x"]))
    assert target.types() == {"x": "money"}
    assert source.sql("SELECT x FROM t ORDER BY x") == source.sql("SELECT c0 FROM source ORDER BY c0")
    with pytest.raises(osiris.DataError, match=r"row 2: 'x': .*0\.015") as raised:
        target.write(pa.table({"x": pa.array([Decimal("0.010"), Decimal("0.015")])}))
    assert (raised.value.data_column, raised.value.row) == ("x", 2)
    with pytest.raises(osiris.DataError):
        target.write(pa.table({"x": pa.array([2**62])}))
    assert target.sql("SELECT count(*) FROM t") == [(3,)]
