"""Every type that docs/postgres.md names, read by the connector and by psycopg: value by value the same."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import osiris
from tests.connectors.postgres.source import Source
from tests.servers.postgres import Database

pytestmark = pytest.mark.server
DRAW = random.Random(11)


@pytest.fixture
def source(database: Database, tmp_path: Path) -> Source:
    return Source(database, tmp_path, {})


def shown(source: Source, sql: str) -> list[Any]:
    """The values as the server itself writes them, in UTC."""
    with source.database.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(sql.encode()).pgresult
        assert found is not None
        values = [found.get_value(row, 0) for row in range(found.ntuples)]
    return [None if value is None else value.decode() for value in values]


def filled(source: Source, kind: str, values: Sequence[str]) -> pa.Array:
    """The SQL `values` and a null in a column of this type, as the connector reads them."""
    source.sql("DROP TABLE IF EXISTS t", f"CREATE TABLE t (n SERIAL, x {kind})")
    rows = ", ".join(f"({value}::{kind})" for value in values)
    source.sql(f"INSERT INTO t (x) VALUES {rows}, (NULL)")
    table, end = source.read(table="t", columns=["x"])
    assert end.rows == len(values) + 1
    assert table["x"].null_count == 1
    assert (
        table.schema.field("x").metadata[b"osiris.type"].decode()
        == source.sql(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'x'"
        )[0][0]
    )
    return table["x"].combine_chunks()


def listed(*values: object) -> list[str]:
    return [f"'{value}'" for value in values]


NUMBERS: dict[str, tuple[pa.DataType, list[str]]] = {
    "smallint": (pa.int16(), listed(-32768, 32767, 0)),
    "integer": (pa.int32(), listed(-(2**31), 2**31 - 1, 0)),
    "bigint": (pa.int64(), listed(-(2**63), 2**63 - 1, 0)),
    "oid": (pa.uint32(), listed(0, 2**32 - 1)),
    "real": (pa.float32(), listed("1.17549435e-38", "3.4028235e38", "1e-45", "0.1", "-0", "Infinity", "-Infinity")),
    "double precision": (pa.float64(), listed("5e-324", "1.7976931348623157e308", "0.1", "-0", "Infinity")),
    "boolean": (pa.bool_(), listed("t", "f", "t", "t", "f", "t", "f", "f", "t")),
    "numeric(1,0)": (pa.decimal128(1, 0), listed(0, 9, -9)),
    "numeric(4,4)": (pa.decimal128(4, 4), listed("0.0001", "-0.9999", "0.5", 0)),
    "numeric(10,2)": (
        pa.decimal128(10, 2),
        listed("99999999.99", "-99999999.99", "0.01", "10000", "10000.1", 0, "0.10"),
    ),
    "numeric(18,0)": (pa.decimal128(18, 0), listed(10**18 - 1, 1 - 10**18, 1, 10**16, 10**4)),
    "numeric(18,4)": (pa.decimal128(18, 4), listed("99999999999999.9999", "-0.0001", "100000000.0001")),
    "numeric(18,7)": (pa.decimal128(18, 7), listed("99999999999.9999999", "-0.0000001", "1")),
    "numeric(38,10)": (pa.decimal128(38, 10), listed("9" * 28 + "." + "9" * 10, "-0.0000000001", 0)),
    "numeric(76,30)": (pa.decimal256(76, 30), listed("-" + "9" * 46 + "." + "9" * 30, 0)),
    "numeric(3,-2)": (pa.decimal128(5, 0), listed(99900, -100, 0)),
    "numeric(3,5)": (pa.decimal128(5, 5), listed("0.00999", "-0.00001")),
    "money": (pa.decimal128(19, 2), listed("-92233720368547758.08", "92233720368547758.07", 0)),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_are_exactly_those_of_the_server(source: Source, kind: str) -> None:
    wanted, values = NUMBERS[kind]
    found = filled(source, kind, values)
    assert found.type == wanted
    cast = "x::numeric" if kind == "money" else "x"
    expected = [row[0] for row in source.sql(f"SELECT {cast} FROM t ORDER BY n")]
    if pa.types.is_decimal(wanted):
        assert found.to_pylist() == expected
        assert {value.as_tuple().exponent for value in found.to_pylist() if value is not None} == {-wanted.scale}
    elif kind == "real":
        assert found.equals(pa.array(expected, pa.float32()))
    else:
        assert list(map(repr, found.to_pylist())) == list(map(repr, expected))


@pytest.mark.parametrize(("precision", "scale"), [(5, 2), (9, 0), (12, 6), (18, 2), (18, 9), (22, 5), (30, 30)])
def test_random_decimals_are_exact(source: Source, precision: int, scale: int) -> None:
    """Of each number of digits, since they travel in groups of four whose first and last may be left out."""
    numbers = []
    for _ in range(2000):
        whole = DRAW.randrange(10 ** DRAW.randint(1, precision)) * DRAW.choice((1, -1))
        numbers.append(Decimal(whole * 10 ** DRAW.randint(0, precision - len(str(abs(whole))))).scaleb(-scale))
    found = filled(source, f"numeric({precision},{scale})", listed(*(f"{number:f}" for number in numbers)))
    assert found.to_pylist() == [*numbers, None]


def test_an_unconstrained_numeric_keeps_every_digit_as_text(source: Source) -> None:
    values = ["1" * 400 + "." + "7" * 300, "NaN", "Infinity", "-Infinity", "0.10", "-0.0000", "1e-20"]
    found = filled(source, "numeric", listed(*values))
    assert found.type == pa.string()
    assert found.to_pylist() == shown(source, "SELECT x::text FROM t ORDER BY n")


def test_an_unconstrained_numeric_is_what_the_user_says(source: Source) -> None:
    filled(source, "numeric", listed("12.5", "-0.0001"))
    found = source.read(table="t", columns=["x"], dtypes={"x": "decimal(20,4)"})[0]["x"]
    assert found.type == pa.decimal128(20, 4)
    assert found.to_pylist() == [Decimal("12.5000"), Decimal("-0.0001"), None]
    with pytest.raises(osiris.DataError) as raised:
        source.read(table="t", columns=["x"], dtypes={"x": "decimal(20,3)"})
    assert (raised.value.data_column, raised.value.row) == ("x", 2)
    source.sql("INSERT INTO t (x) VALUES (123456)")
    with pytest.raises(osiris.DataError, match="'123456' does not fit"):
        source.read(table="t", columns=["x"], dtypes={"x": "decimal(9,4)"})
    with pytest.raises(osiris.ConfigError, match="no column 'y'"):
        source.read(table="t", dtypes={"y": "decimal(9,4)"})


MOMENTS: dict[str, tuple[pa.DataType, list[str]]] = {
    "date": (pa.date32(), listed("0001-01-01", "1969-12-31", "1970-01-01", "2000-02-29", "9999-12-31")),
    "time": (pa.time64("us"), listed("00:00:00", "23:59:59.999999", "12:00:00.5")),
    "timestamp": (pa.timestamp("us"), listed("0001-01-01", "1969-12-31 23:59:59.999999", "2026-02-01 10:00:00.000001")),
    "timestamptz": (pa.timestamp("us", "UTC"), listed("0001-01-02", "2026-02-01 10:00:00.000001+05:45", "9999-12-30")),
}


@pytest.mark.parametrize("kind", MOMENTS)
def test_moments_are_exactly_those_of_the_server(source: Source, kind: str) -> None:
    wanted, values = MOMENTS[kind]
    found = filled(source, kind, values)
    assert found.type == wanted
    with source.database.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        expected = [row[0] for row in connection.execute("SELECT x FROM t ORDER BY n")]
    assert found.to_pylist() == expected


def test_dates_before_christ_and_far_ahead_are_days_and_microseconds(source: Source) -> None:
    found = filled(source, "date", listed("4713-01-01 BC", "5874897-12-31"))
    days = [row[0] for row in source.sql("SELECT x - DATE '1970-01-01' FROM t ORDER BY n")]
    assert found.cast(pa.int32()).to_pylist() == days
    for kind in ("timestamp", "timestamptz"):
        found = filled(source, kind, listed("4713-01-01 00:00 BC", "294246-12-31 23:59:59.999999"))
        asked = "SELECT (extract(epoch FROM x) * 1000000)::int8 FROM t ORDER BY n"
        assert found.cast(pa.int64()).to_pylist() == [row[0] for row in source.sql(asked)]


SPECIALS = {
    "date": ("'infinity'", "'-infinity'", "infinity", "-infinity"),
    "timestamp": ("'-infinity'", "'infinity'", "-infinity", "infinity"),
    "timestamptz": ("'infinity'", "'294276-12-31 23:59:59+00'", "infinity", "294276-12-31 23:59:59+00"),
    "time": ("'24:00:00'", "'24:00'", "24:00:00", "24:00:00"),
    "numeric(10,2)": ("'NaN'", "'NaN'", "NaN", "NaN"),
    "numeric(30,2)": ("'NaN'", "'NaN'", "NaN", "NaN"),
}


@pytest.mark.parametrize("kind", SPECIALS)
def test_a_value_that_arrow_has_not_is_an_error_or_what_the_user_chose(source: Source, kind: str) -> None:
    first, second, *texts = SPECIALS[kind]
    usual = "'1'" if kind.startswith("numeric") else "'10:00'" if kind == "time" else "'2026-01-01'"
    source.sql(f"CREATE TABLE t (n SERIAL, x {kind})")
    source.sql(f"INSERT INTO t (x) VALUES ({usual}::{kind}), (NULL), ({first}::{kind}), ({second}::{kind})")
    with pytest.raises(osiris.DataError) as raised:
        source.read(table="t", columns=["x"])
    assert (raised.value.data_column, raised.value.row) == ("x", 3)
    assert "special_values" in str(raised.value.hint)
    found, end = source.read(table="t", columns=["x"], special_values=None)
    assert [value is None for value in found["x"].to_pylist()] == [False, True, True, True]
    assert end.counts == {"special_values": 2}
    found, _ = source.read(table="t", columns=["x"], special_values="string")
    assert found["x"].type == pa.string()
    assert found["x"].to_pylist()[2:] == texts
    assert found["x"].to_pylist() == shown(source, "SELECT x FROM t ORDER BY n")


TEXTS: dict[str, list[str]] = {
    "text": ["'x'", "''", "'žluť 🐘'", "repeat('a', 100000)", r"E'a\nb\t\\'"],
    "varchar(5)": listed("abc", "žluť ", ""),
    "character(5)": listed("ab", "ab   "),
    '"char"': listed("a", ""),
    "name": listed("orders"),
    "citext": listed("Mixed", "žluť"),
    "xml": listed("<a>ž</a>"),
    "interval": listed("1 year 2 mons -3 days 04:05:06.789", "-178000000 years", "00:00:00", "3 days"),
    "timetz": listed("10:00:00.5+05:45", "24:00:00-15:59"),
    "inet": listed("192.168.0.1", "10.1.0.0/16", "::1", "2001:db8::/32"),
    "cidr": listed("10.1.0.0/16", "192.168.0.1/32", "::/0"),
    "macaddr": listed("08:00:2b:01:02:03"),
    "macaddr8": listed("08:00:2b:01:02:03:04:05"),
    "bit(5)": listed("10101"),
    "bit varying(9)": listed("1", "101010101"),
    "tsvector": listed("a fat cat:3A"),
    "tsquery": listed("fat & (rat | cat)"),
    "point": listed("(1.5,-2)"),
    "line": listed("{1,2,3}"),
    "lseg": listed("[(0,0),(1,1)]"),
    "box": listed("(1,1),(0,0)"),
    "path": listed("((0,0),(1,1))", "[(0,0),(1,1)]"),
    "polygon": listed("((0,0),(1,1),(1,0))"),
    "circle": listed("<(1,2),3>"),
    "int4range": listed("[1,5)", "empty", "(,)"),
    "numrange": listed("[1.50,5)"),
    "tsrange": listed("[2026-01-01 00:00, infinity)"),
    "tstzrange": listed("[2026-01-01 00:00+02,)"),
    "daterange": listed("[2026-01-01,2026-02-01)"),
    "int8multirange": listed("{[1,3),[5,9)}"),
    "integer[]": ["'{1,2,NULL}'", "'{}'", "'{{1,2},{3,4}}'", "'[0:1]={7,8}'"],
    "text[]": [r"""'{a,"b c","d\"e",NULL,"NULL",""}'""", "'{}'"],
    "numeric(10,2)[]": listed("{1.50,NaN}"),
    "timestamptz[]": listed('{"2026-01-01 00:00:00+02"}'),
    "pg_lsn": listed("16/B374D848"),
    "regclass": listed("pg_class"),
    "jsonpath": listed('$."a"[*] ? (@ > 1)'),
    "hstore": listed('"a"=>"1", "b"=>NULL'),
    "ltree": listed("a.b.c"),
    "mood": listed("sad", "very happy"),
    "mood[]": listed("{sad,NULL}"),
    "pair": ["ROW(1, 'a,\"b')"],
    "word": listed("domain over text"),
}


@pytest.fixture
def types(source: Source) -> Source:
    source.sql(
        "CREATE EXTENSION citext",
        "CREATE EXTENSION hstore",
        "CREATE EXTENSION ltree",
        "CREATE TYPE mood AS ENUM ('sad', 'very happy')",
        "CREATE TYPE pair AS (x INT, y TEXT)",
        "CREATE DOMAIN word AS text CHECK (VALUE <> '')",
        "CREATE DOMAIN price AS numeric(12,2)",
    )
    return source


def test_all_other_types_are_the_text_that_the_server_shows(types: Source) -> None:
    columns = {f"c{number}": kind for number, kind in enumerate(TEXTS)}
    types.sql(f"CREATE TABLE t (n SERIAL, {', '.join(f'{name} {kind}' for name, kind in columns.items())})")
    for place in range(max(map(len, TEXTS.values())) + 1):
        given = {name: TEXTS[kind][place] for name, kind in columns.items() if place < len(TEXTS[kind])}
        values = ", ".join(f"{value}::{columns[name]}" for name, value in given.items())
        types.sql(f"INSERT INTO t ({', '.join(given)}) VALUES ({values})" if given else "INSERT INTO t DEFAULT VALUES")
    found = types.read(table="t", order_by=["n"])[0]
    for name, kind in columns.items():
        assert found[name].type == pa.string(), kind
        assert found[name].to_pylist() == shown(types, f"SELECT {name} FROM t ORDER BY n"), kind
        assert found[name].null_count < found.num_rows


def test_a_domain_is_what_it_is_over(types: Source) -> None:
    found = filled(types, "price", ["1.5"])
    assert (found.type, found[0].as_py()) == (pa.decimal128(12, 2), Decimal("1.50"))


def test_bytes_uuids_and_json(source: Source) -> None:
    raw = [bytes(range(256)), b"", b"\0"]
    found = filled(source, "bytea", [f"'\\x{value.hex()}'" for value in raw])
    assert (found.type, found.to_pylist()) == (pa.binary(), [*raw, None])
    ids = [uuid.UUID(int=DRAW.getrandbits(128)) for _ in range(5)]
    found = filled(source, "uuid", listed(*ids))
    assert (found.type, found.to_pylist()) == (pa.uuid(), [*ids, None])
    for kind in ("json", "jsonb"):
        found = filled(source, kind, listed('{"a": [1, "ž", 1.000000000000000000001]}', "null", "[]", '""'))
        assert found.type == pa.json_()
        assert found.storage.to_pylist() == shown(source, "SELECT x FROM t ORDER BY n")
        assert json.loads(found.storage[0].as_py())["a"][1] == "ž"


def test_text_that_is_not_valid_in_a_database_without_an_encoding_is_an_error(source: Source) -> None:
    name = f"{source.database.name}_ascii"
    source.sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C'")
    plain = Source(Database(source.database.server, name), source.root, {})
    try:
        plain.sql("CREATE TABLE t (x TEXT)", r"INSERT INTO t VALUES ('good'), (E'\xff')")
        with pytest.raises(osiris.OsirisError) as raised:
            plain.read(table="t")
        assert "x" in str(raised.value)
    finally:
        plain.database.drop()


def test_random_rows_of_all_binary_types_are_those_of_psycopg(source: Source) -> None:
    """Nulls anywhere, texts of any length, so that no row is as long as another."""
    source.sql(
        "CREATE TABLE t (n INT PRIMARY KEY, a SMALLINT, b BIGINT, c REAL, d DOUBLE PRECISION, e BOOLEAN, f TEXT, "
        "g BYTEA, h DATE, i TIMESTAMP, j TIMESTAMPTZ, k TIME, l NUMERIC(15,2), m UUID, o INT[], p NUMERIC(30,5))"
    )
    rows = list(random_rows(3000))
    with source.database.connect() as connection, connection.cursor().copy("COPY t FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    found, end = source.read(table="t", order_by=["n"])
    assert end.rows == len(rows)
    for place, name in enumerate(found.schema.names):
        if name != "o":
            assert found[name].to_pylist() == [row[place] for row in rows], name
    assert found["o"].to_pylist() == shown(source, "SELECT o FROM t ORDER BY n")


def random_rows(count: int) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        since = timedelta(microseconds=DRAW.randrange(3 * 10**15))
        row: tuple[Any, ...] = (
            DRAW.randrange(-(2**15), 2**15),
            DRAW.randrange(-(2**63), 2**63),
            float(DRAW.randrange(-1000, 1000)) / 8,
            DRAW.uniform(-1e9, 1e9),
            DRAW.random() < 0.5,
            "ž🐘x"[DRAW.randrange(3)] * DRAW.randrange(40),
            DRAW.randbytes(DRAW.randrange(40)),
            date(1970, 1, 1) + timedelta(days=DRAW.randrange(-9999, 99999)),
            datetime(1990, 1, 1) + since,  # noqa: DTZ001 - a column without a time zone
            datetime(1990, 1, 1, tzinfo=UTC) + since,
            (datetime(1, 1, 1, tzinfo=UTC) + since).time() if DRAW.random() < 0.9 else time(0),
            Decimal(DRAW.randrange(-(10**15), 10**15)).scaleb(-2),
            uuid.UUID(int=DRAW.getrandbits(128)),
            [DRAW.randrange(9) for _ in range(DRAW.randrange(5))],
            Decimal(DRAW.randrange(-(10**30), 10**30)).scaleb(-5),
        )
        yield (number, *(None if DRAW.random() < 0.1 else value for value in row))


def test_a_type_without_values_is_refused(source: Source) -> None:
    with pytest.raises(osiris.DataError, match="void"):
        source.read(query="SELECT pg_sleep(0) AS x")
    assert source.read(query="SELECT ROW(1, 'a') AS x, NULL AS y")[0].to_pylist() == [{"x": "(1,a)", "y": None}]


LISTS: dict[str, tuple[pa.DataType, list[str]]] = {
    "integer": (pa.int32(), ["{1,NULL,3}", "{}", "{NULL}", "[5:6]={7,8}"]),
    "bigint": (pa.int64(), ["{9223372036854775807}", "{1,2,3,4,5,6,7,8,9,10,11,12}"]),
    "double precision": (pa.float64(), ["{0.1,-Infinity}", "{5e-324}"]),
    "boolean": (pa.bool_(), ["{t,f,NULL,t,t,t,t,t,t,f}", "{}"]),
    "text": (pa.string(), ['{a,"b c","d\\"e",NULL,"NULL","",žluť}', "{}", '{""}']),
    "bytea": (pa.binary(), ['{"\\\\x00ff",NULL}']),
    "date": (pa.date32(), ["{2026-01-01,1969-12-31}"]),
    "timestamptz": (pa.timestamp("us", "UTC"), ['{"2026-01-01 00:00:00+00",NULL}']),
    "uuid": (pa.uuid(), ["{12345678-1234-4234-8234-123456789abc}"]),
    "numeric(10,2)": (pa.decimal128(10, 2), ["{1.5,NULL,-99999999.99}"]),
    "numeric(40,2)": (pa.decimal256(40, 2), ["{1.5,NULL}"]),
    "numeric": (pa.string(), ["{1.50,NaN,NULL}"]),
    "interval": (pa.string(), ['{"1 day",NULL}']),
    "mood": (pa.string(), ["{sad,NULL,very happy}"]),
    "price": (pa.decimal128(12, 2), ["{1.5}"]),
    "pair": (pa.string(), ['{"(1,a)",NULL}']),
}


@pytest.mark.parametrize("kind", LISTS)
def test_arrays_are_lists_for_those_who_want_them(types: Source, kind: str) -> None:
    element, values = LISTS[kind]
    filled(types, f"{kind}[]", listed(*values))
    found = types.read(table="t", columns=["x"], arrays="list")[0]["x"].combine_chunks()
    assert found.type == pa.list_(element)
    found.validate(full=True)
    cast = "::numeric(12,2)[]" if kind == "price" else "::text[]" if element == pa.string() else ""
    expected = [row[0] for row in types.sql(f"SELECT x{cast} FROM t ORDER BY n")]
    assert found.to_pylist() == expected


def test_random_arrays_are_those_of_psycopg(source: Source) -> None:
    """Long and short ones, so that the elements of a rank are those of some rows only."""
    source.sql("CREATE TABLE t (n INT, a INT[], b TEXT[])")
    rows = []
    for number in range(2000):
        sizes = [DRAW.choice((0, 1, 2, 3, 50)) for _ in range(2)]
        numbers = [None if DRAW.random() < 0.2 else DRAW.randrange(-(2**31), 2**31) for _ in range(sizes[0])]
        words = [None if DRAW.random() < 0.2 else "ž" * DRAW.randrange(30) for _ in range(sizes[1])]
        rows.append((number, None if DRAW.random() < 0.1 else numbers, words))
    with source.database.connect() as connection, connection.cursor().copy("COPY t FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    found = source.read(table="t", order_by=["n"], arrays="list")[0]
    assert list(zip(*(found[name].to_pylist() for name in "nab"), strict=True)) == rows


def test_an_array_that_is_no_list_is_an_error(source: Source) -> None:
    source.sql(
        "CREATE TABLE t (x INT[], d DATE[])", "INSERT INTO t VALUES ('{1}', '{2026-01-01}'), ('{{1},{2}}', NULL)"
    )
    with pytest.raises(osiris.DataError, match="2 dimensions") as raised:
        source.read(table="t", columns=["x"], arrays="list")
    assert (raised.value.data_column, raised.value.row) == ("x", 2)
    source.sql("INSERT INTO t VALUES (NULL, '{2026-01-01,infinity}')")
    with pytest.raises(osiris.DataError, match="infinity") as raised:
        source.read(table="t", columns=["d"], arrays="list")
    assert (raised.value.data_column, raised.value.row) == ("d", 3)
    found = source.read(table="t", columns=["d"], arrays="list", special_values=None)[0]["d"].to_pylist()
    assert found == [[date(2026, 1, 1)], None, [date(2026, 1, 1), None]]
