"""Tests of `RestExtractor`: every row once, whatever the server gives at a time, and each value as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest

from osiris.connectors.base import Batches, Connection, Options, Workspace
from osiris.connectors.postgres.client import Client as PostgresClient
from osiris.connectors.postgres.extractor import Extractor as PostgresExtractor
from osiris.errors import ConfigError, DataError, NotFound, OsirisError
from tests.connectors.supabase.rest.reading import read
from tests.servers.postgres import Database
from tests.servers.postgrest.faults import Fault
from tests.servers.postgrest.server import Rest
from tests.servers.web import Reply

pytestmark = pytest.mark.server
NASTY = 'a "b", c.d:*(e) \\ ü%&='


def limits(rest: Rest) -> list[int]:
    """How many rows each request for a page asked for; one that asks for a table that is not there asks for none."""
    found = [parse_qs(urlsplit(request.path).query).get("limit", ["0"])[0] for request in rest.asked]
    return [int(limit) for limit in found if limit != "0"]


def by_postgres(database: Database, **options: object) -> pa.Table:
    """The same rows by the other family, over COPY."""
    client = PostgresClient(Connection("postgres", "x", Path(), database.fields()))
    client.open()
    try:
        extractor = PostgresExtractor(client, Options(options), Workspace(Path("scratch"), Path("out")))
        plan = extractor.plan(1, None)
        return pa.Table.from_batches(Batches(plan.schema, extractor.read(plan.splits[0])), plan.schema)
    finally:
        client.close()


def test_a_capped_server_gives_every_row_once(rest: Rest) -> None:
    """A page that is shorter than what was asked for is no end."""
    rest.database.sql("CREATE TABLE t (id bigint PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 25)")
    rest.settings.max_rows = 10
    rows, end = read(rest, table="t")
    assert rows["id"].to_pylist() == list(range(1, 26))
    assert (end.rows, end.stop_reason) == (25, "exhausted")
    assert len(limits(rest)) == 4, "three pages, and one that is empty"


def test_a_limit_goes_beyond_what_the_server_gives_at_once(rest: Rest) -> None:
    rest.database.sql("CREATE TABLE t (id bigint PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 25)")
    rest.settings.max_rows = 10
    rows, end = read(rest, table="t", limit=15, offset=3)
    assert rows["id"].to_pylist() == list(range(4, 19))
    assert end.stop_reason == "limit"


@pytest.mark.parametrize("order_by", [[], ["a desc"], ["b", "a desc"], ["n desc"]])
def test_a_key_of_several_columns_is_paged_in_any_order(rest: Rest, order_by: list[str]) -> None:
    rest.database.sql(
        "CREATE TABLE t (a int, b text, n int NOT NULL, PRIMARY KEY (a, b))",
        "INSERT INTO t SELECT g / 4, chr(65 + g % 4) || ',\".\\', g % 3 FROM generate_series(0, 20) AS g",
    )
    expected = by_postgres(rest.database, table="t", order_by=[*order_by, "a", "b"] if order_by == ["n desc"] else None)
    rest.settings.max_rows = 4
    rows, _ = read(rest, table="t", order_by=order_by)
    order = [(name.split()[0], "descending" if " " in name else "ascending") for name in order_by]
    rest_of_key = [(name, "ascending") for name in ("a", "b") if name not in dict(order)]
    wanted = expected.sort_by([*order, *rest_of_key]).to_pylist()
    assert [(row["a"], row["b"], row["n"]) for row in rows.to_pylist()] == [(r["a"], r["b"], r["n"]) for r in wanted]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("timestamptz", "'2026-01-01T00:00:00Z'::timestamptz + g * interval '1 microsecond'"),
        ("timestamp", "'2026-01-01'::timestamp + g * interval '1 microsecond'"),
        ("numeric", "12345678901234567890.123456789 + g * 0.000000001"),
        ("bigint", "9007199254740993 + g"),
        ("uuid", "md5(g::text)::uuid"),
        ("text", "' ,.:*()\"\\%&=+ü' || chr(100 + g)"),
        ("bytea", "decode(lpad(to_hex(g), 4, '0'), 'hex')"),
        ("float8", "0.1 + g / 3.0"),
    ],
)
def test_keys_are_exact_whatever_their_type(rest: Rest, kind: str, values: str) -> None:
    rest.database.sql(
        f"CREATE TABLE t (k {kind} PRIMARY KEY, g int)",
        f"INSERT INTO t SELECT {values}, g FROM generate_series(1, 9) g",
    )
    rest.settings.max_rows = 2
    rows, _ = read(rest, table="t")
    assert sorted(rows["g"].to_pylist()) == list(range(1, 10))


def test_names_and_values_of_any_characters(rest: Rest) -> None:
    name = NASTY.replace('"', '""')
    rest.database.sql(
        f'CREATE TABLE "{name}" ("{name}" text PRIMARY KEY, "select" int, "Mixed Case" json)',
        f"INSERT INTO \"{name}\" VALUES ('{NASTY}', 1, '{{\"a\":  1}}'), ('other', 2, NULL), ('third', 3, NULL)",
    )
    rest.settings.max_rows = 1
    rows, _ = read(rest, table=NASTY, filters=[{"column": "select", "op": "lt", "value": 3}])
    assert sorted(rows[NASTY].to_pylist()) == sorted([NASTY, "other"])
    one, _ = read(rest, table=NASTY, filters=[{"column": NASTY, "op": "in", "value": [NASTY, "no"]}])
    assert one["Mixed Case"].to_pylist() == ['{"a":  1}'], "json is kept byte by byte"
    same, _ = read(rest, table=NASTY, columns=["select"], filters=[{"column": NASTY, "op": "eq", "value": NASTY}])
    assert same.to_pylist() == [{"select": 1}]


TYPES = {
    "i2": ("smallint", "32767"),
    "i8": ("bigint", "9223372036854775807"),
    "o": ("oid", "4294967295"),
    "f4": ("real", "0.1"),
    "f8": ("double precision", "'Infinity'"),
    "n": ("numeric", "123456789012345678901234567890.1234567890"),
    "b": ("boolean", "true"),
    "t": ("text", "E'a\"\\\\\\n\\u0001ü😀'"),
    "v": ("varchar(5)", "'abc'"),
    "c": ("char(5)", "'ab'"),
    "by": ("bytea", "'\\x00ff10'"),
    "u": ("uuid", "'0f5b3c9e-0000-4000-8000-00000000000a'"),
    "d": ("date", "'0044-03-15 BC'"),
    "ti": ("time", "'12:34:56.789'"),
    "tz": ("timetz", "'12:34:56+02'"),
    "ts": ("timestamp", "'12026-01-01 12:00:00.000001'"),
    "tstz": ("timestamptz", "'2026-01-01 12:00:00.123456+05:30'"),
    "iv": ("interval", "'1 year 2 days 03:04:05.6'"),
    "j": ("json", "'{\"a\" : 1.10}'"),
    "jb": ("jsonb", "'{\"b\": 12345678901234567890.10}'"),
    "ia": ("integer[]", "'{1,NULL,3}'"),
    "m": ("mood", "'so so'"),
    "r": ("int4range", "'[1,5)'"),
    "inet": ("inet", "'10.0.0.1'"),
    "net": ("cidr", "'10.0.0.0/8'"),
    "mo": ("money", "'1234.5'"),
    "p": ("pair", "'(1,\"x y\")'"),
}


@pytest.mark.parametrize("special", ["error", "string"])
def test_types_and_values_are_those_that_the_postgres_family_reads(rest: Rest, special: str) -> None:
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in TYPES.items())
    rest.database.sql(
        "CREATE TYPE mood AS ENUM ('so so', 'ok')",
        "CREATE TYPE pair AS (a int, b text)",
        f"CREATE TABLE t (id int PRIMARY KEY, {columns})",
        f"INSERT INTO t VALUES (1, {', '.join(value for _, value in TYPES.values())})",
        "INSERT INTO t (id) VALUES (2)",
    )
    rows, _ = read(rest, table="t", special_values=special)
    expected = by_postgres(rest.database, table="t", special_values=special)
    for name in expected.schema.names:
        assert rows.schema.field(name).type == expected.schema.field(name).type, name
        assert storage(rows[name]) == storage(expected[name]), name
    assert rows.schema.field("id").metadata == expected.schema.field("id").metadata


def storage(column: pa.ChunkedArray) -> list[object]:
    """Without calendar objects of Python, which know no year 12026."""
    array = column.combine_chunks()
    kind = array.type
    if pa.types.is_date(kind):
        array = array.view(pa.int32())
    elif pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        array = array.view(pa.int64())
    found: list[object] = array.to_pylist()
    return found


def test_numeric_with_declared_digits_and_arrays_as_lists(rest: Rest) -> None:
    rest.database.sql(
        "CREATE TABLE t (id int PRIMARY KEY, n numeric, a bigint[], s text[])",
        "INSERT INTO t VALUES (1, 1.10, '{1,NULL}', '{\"a,b\"}'), (2, NULL, NULL, '{}')",
    )
    rows, _ = read(rest, table="t", dtypes={"n": "decimal(20,4)"}, arrays="list")
    assert rows.schema.field("n").type == pa.decimal128(20, 4)
    assert rows["a"].to_pylist() == [[1, None], None]
    assert rows["s"].to_pylist() == [["a,b"], []]
    with pytest.raises(DataError, match="column 'n', row 1"):
        read(rest, table="t", dtypes={"n": "decimal(4,0)"})


def test_values_that_arrow_has_not_are_errors_or_counted_nulls(rest: Rest) -> None:
    rest.database.sql(
        "CREATE TABLE t (id int PRIMARY KEY, d date, ts timestamptz, ti time)",
        "INSERT INTO t VALUES (1, '2026-01-01', 'now', '1:00'), (2, 'infinity', '-infinity', '24:00')",
    )
    with pytest.raises(DataError, match="column 'd', row 2: 'infinity'"):
        read(rest, table="t")
    rows, end = read(rest, table="t", special_values=None)
    assert [rows[name].null_count for name in ("d", "ts", "ti")] == [1, 1, 1]
    assert end.counts == {"special_values": 3}


def test_a_page_that_takes_too_long_is_halved_and_grows_back(rest: Rest) -> None:
    rest.database.sql("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 64)")
    slow = json.dumps({"code": "57014", "message": "canceling statement due to statement timeout"}).encode()
    faults = [Fault(Reply(500, slow)), Fault(Reply(413, b""))]
    rows, _ = read(rest, then=[lambda: rest.faults.extend(faults)], table="t", page_rows=32)
    assert limits(rest) == [32, 16, 8, 16, 32, 32, 32]
    assert rows["id"].to_pylist() == list(range(1, 65))


def test_what_has_no_key_is_refused_or_paged_by_offset(rest: Rest, caplog: pytest.LogCaptureFixture) -> None:
    rest.database.sql("CREATE TABLE t (a int)", "INSERT INTO t SELECT generate_series(1, 7)")
    rest.settings.max_rows = 3
    with pytest.raises(ConfigError) as caught:
        read(rest, table="t")
    assert "primary_key" in (caught.value.hint or "")
    rows, _ = read(rest, table="t", paging="offset", order_by=["a"])
    assert rows["a"].to_pylist() == list(range(1, 8))
    assert "paged by offset" in caplog.text
    rows, _ = read(rest, table="t", primary_key=["a"])
    assert rows["a"].to_pylist() == list(range(1, 8))


def test_a_key_that_may_not_read_the_description_declares_types(rest: Rest) -> None:
    rest.database.sql("CREATE TABLE t (id bigint PRIMARY KEY, s text)", "INSERT INTO t VALUES (1, 'x'), (2, NULL)")
    with pytest.raises(ConfigError) as caught:
        read(rest, key=rest.publishable_key, table="t")
    assert "dtypes" in (caught.value.hint or "")
    rows, _ = read(rest, key=rest.publishable_key, table="t", primary_key="id", dtypes={"id": "bigint", "s": "text"})
    assert rows.to_pylist() == [{"id": 1, "s": "x"}, {"id": 2, "s": None}]


def test_rows_that_policies_hide_are_told_of(rest: Rest, caplog: pytest.LogCaptureFixture) -> None:
    rest.database.sql("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    rest.database.sql("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    rows, _ = read(rest, key=rest.anon_key, table="t", primary_key="id", dtypes={"id": "int"})
    assert len(rows) == 0
    assert "this key sees 0 rows of t" in caplog.text


def test_a_function_gives_its_rows(rest: Rest) -> None:
    rest.database.sql(
        "CREATE TABLE t (id bigint PRIMARY KEY, s text)",
        "INSERT INTO t SELECT g, 'x' || g FROM generate_series(1, 9) AS g",
        "CREATE FUNCTION since(low int) RETURNS SETOF t STABLE LANGUAGE sql AS 'SELECT * FROM t WHERE id >= low'",
    )
    rest.settings.max_rows = 3
    rows, _ = read(rest, rpc="since", arguments={"low": 4}, primary_key="id", dtypes={"id": "bigint", "s": "text"})
    assert rows["id"].to_pylist() == list(range(4, 10))


def test_a_row_that_goes_away_between_pages_takes_no_other_with_it(rest: Rest) -> None:
    rest.database.sql("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 9)")
    rest.settings.max_rows = 3
    sql = rest.database.sql
    then = [lambda: None, lambda: sql("DELETE FROM t WHERE id IN (2, 3, 5)"), lambda: sql("INSERT INTO t VALUES (2)")]
    rows, _ = read(rest, then=then, table="t")
    assert rows["id"].to_pylist() == [1, 2, 3, 4, 6, 7, 8, 9]


def test_a_table_of_1600_columns(rest: Rest) -> None:
    names = [f"{'c' * 59}{number:04}" for number in range(1599)]
    kinds = ", ".join(f"{name} {'json' if number == 7 else 'bool'}" for number, name in enumerate(names))
    rest.database.sql(
        f"CREATE TABLE t (id int PRIMARY KEY, {kinds})", f"INSERT INTO t (id, {names[7]}) VALUES (1, '[1,  2]')"
    )
    rows, _ = read(rest, table="t")
    assert len(rows.schema) == 1600
    assert rows[names[7]].to_pylist() == ["[1,  2]"]


def test_an_empty_table_has_its_columns(rest: Rest) -> None:
    rest.database.sql("CREATE TABLE t (id int PRIMARY KEY, s text)")
    rows, end = read(rest, table="t")
    assert rows.schema.names == ["id", "s"]
    assert end.rows == 0


@pytest.mark.parametrize(
    ("options", "kind", "code"),
    [
        ({"table": "absent"}, NotFound, "table.missing"),
        ({"table": "t", "columns": ["ids"]}, ConfigError, "column.missing"),
        ({"table": "t", "where": "id > 1"}, ConfigError, "option.transport"),
        ({"table": "t", "order_by": ["s"]}, ConfigError, "rest.order_null"),
        ({"table": "t", "filters": [{"column": "id", "op": "equals", "value": 1}]}, ConfigError, "filter.operator"),
        ({"table": "t", "filters": [{"column": "id", "op": "eq", "value": None}]}, ConfigError, "filter.value"),
    ],
)
def test_what_cannot_be_read_is_refused(
    rest: Rest, options: dict[str, Any], kind: type[OsirisError], code: str
) -> None:
    rest.database.sql("CREATE TABLE t (id int PRIMARY KEY, s text)")
    with pytest.raises(kind) as caught:
        read(rest, **options)
    assert caught.value.code == code
    assert caught.value.hint
