"""The PostgreSQL extractor: tables, queries, selections, snapshots over several connections, and what it refuses."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import osiris
from osiris.connectors.base import Batches, Split
from osiris.errors import OsirisError
from osiris.testing.faults import Fault, FaultProxy
from tests.connectors.postgres.source import Source
from tests.servers.postgres import Database

pytestmark = pytest.mark.server

ORDERS = """
CREATE TABLE orders AS SELECT g AS id, 'c' || g % 3 AS customer, (ARRAY['open', 'done', 'bad'])[1 + g % 3] AS state,
    (g / 10.0)::numeric(9,2) AS share FROM generate_series(0, 9) AS g
"""


@pytest.fixture
def source(database: Database, tmp_path: Path) -> Source:
    return Source(database, tmp_path, {})


@pytest.fixture
def orders(source: Source) -> Source:
    source.sql(ORDERS, "ALTER TABLE orders ADD PRIMARY KEY (id), ALTER share SET NOT NULL")
    return source


@pytest.fixture
def large(source: Source) -> Source:
    """A table of about 33 MB, so that it is cut; the last of its pages are empty."""
    source.sql(
        "CREATE TABLE large AS SELECT g AS id, repeat('x', 100) AS pad FROM generate_series(1, 240000) AS g",
        "DELETE FROM large WHERE id > 230000",
    )
    return source


def ids(rows: pa.Table) -> list[Any]:
    return list(rows["id"].to_pylist())


def refused(source: Source, **options: Any) -> OsirisError:
    with pytest.raises(osiris.OsirisError) as raised:
        source.read(**options)
    return raised.value


def test_a_table_is_read_whole_and_says_so(orders: Source) -> None:
    rows, end = orders.read(table="orders")
    assert ids(rows) == list(range(10))
    assert (end.rows, end.stop_reason, end.counts) == (10, "exhausted", {})


def test_a_table_is_named_with_or_without_its_schema(orders: Source) -> None:
    orders.sql("CREATE SCHEMA other", "CREATE TABLE other.orders AS SELECT 77 AS id")
    assert ids(orders.read(table="other.orders")[0]) == [77]
    assert orders.read(table='"public"."orders"')[0].num_rows == 10
    there = Source(orders.database, orders.root, {"schema": "other"})
    assert ids(there.read(table="orders")[0]) == [77]


def test_columns_where_order_limit_and_offset(orders: Source) -> None:
    rows, end = orders.read(
        table="orders", columns=["state", "id"], where="id > 2", order_by=["state desc", "id desc"], limit=4, offset=1
    )
    assert rows.to_pydict() == {"state": ["open", "open", "done", "done"], "id": [6, 3, 7, 4]}
    assert end.stop_reason == "limit"
    assert ids(orders.read(table="orders", offset=8)[0]) == [8, 9]


def test_a_limit_that_cuts_nothing_is_no_stop_reason(orders: Source) -> None:
    assert orders.read(table="orders", limit=11)[1].stop_reason == "exhausted"
    assert orders.read(table="orders", limit=0)[0].num_rows == 0


def test_fields_tell_type_key_and_nullability(orders: Source) -> None:
    schema = orders.read(table="orders")[0].schema
    told = {b"osiris.type": b"integer", b"osiris.nullable": b"false", b"osiris.primary_key": b"true"}
    assert schema.field("id").metadata == told
    assert schema.field("share").metadata[b"osiris.type"] == b"numeric(9,2)"
    assert schema.field("share").metadata[b"osiris.nullable"] == b"false"
    assert schema.field("state").metadata[b"osiris.nullable"] == b"true"
    assert schema.field("state").metadata[b"osiris.primary_key"] == b"false"


def test_a_query_keeps_its_order_and_its_duplicate_names(orders: Source) -> None:
    rows, _ = orders.read(query="SELECT id, customer AS id, share::text FROM orders ORDER BY 1 DESC -- by id", limit=3)
    assert rows.column(0).to_pylist() == [9, 8, 7]
    assert rows.schema.names == ["id", "id", "share"]
    assert b"osiris.nullable" not in rows.schema.field(0).metadata


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("WITH x AS (SELECT id FROM orders) SELECT * FROM x ORDER BY id DESC;", [9, 8]),
        ("(SELECT id FROM orders WHERE id < 2) UNION ALL (SELECT id FROM orders WHERE id = 9)", [0, 1]),
        ("SELECT id FROM orders WHERE id < 1 UNION SELECT 7 ORDER BY id DESC", [7, 0]),
        ("VALUES (3), (4)", [3, 4]),
        ("TABLE orders", [0, 1]),
        ("SELECT id /* not ; a */ FROM orders WHERE state <> $$;)$$ LIMIT 8", [0, 1]),
    ],
)
def test_a_limit_goes_around_any_query(orders: Source, query: str, expected: list[int]) -> None:
    rows, end = orders.read(query=query, limit=2)
    assert (rows.column(0).to_pylist(), end.stop_reason) == (expected, "limit")


def test_a_selection_stands_around_a_query(orders: Source) -> None:
    query = "SELECT id, id * 2 AS twice, customer FROM orders ORDER BY id LIMIT 8"
    rows, _ = orders.read(query=query, columns=["twice", "id"], where="id > 3", order_by=["customer", "id desc"])
    assert rows.to_pydict() == {"twice": [12, 14, 8, 10], "id": [6, 7, 4, 5]}


DELETE = "DELETE FROM orders RETURNING id"
SAVING = "INSERT INTO orders VALUES (99, ''x'', ''x'', 0) RETURNING 1"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "two statements": ({"query": "SELECT 1; DROP TABLE orders"}, "query.invalid"),
    "a closed bracket": ({"query": "SELECT 1) TO STDOUT; DROP TABLE orders; --"}, "query.invalid"),
    "an open comment": ({"query": "SELECT 1 /* open"}, "query.invalid"),
    "a delete": ({"query": DELETE}, "query.invalid"),
    "an insert": ({"query": "INSERT INTO orders VALUES (1)"}, "query.not_select"),
    "a writing WITH": (
        {"query": "WITH x AS (DELETE FROM orders RETURNING id) SELECT * FROM x"},
        "postgres.unsupported",
    ),
    "a writing function": ({"query": "SELECT saving()"}, "query.not_select"),
    "a lock": ({"query": "SELECT id FROM orders FOR UPDATE"}, "query.not_select"),
    "into": ({"query": "SELECT id INTO made FROM orders"}, "query.not_select"),
    "show": ({"query": "SHOW TimeZone"}, "query.invalid"),
    "nothing": ({"query": " "}, "query.not_select"),
    "a parameter": ({"query": "SELECT $1::int"}, "query.invalid"),
    "two conditions": ({"table": "orders", "where": "id > 1) OR (id < 5"}, "query.invalid"),
    "a condition and more": ({"table": "orders", "where": "true; DROP TABLE orders"}, "query.invalid"),
    "no condition": ({"table": "orders", "where": "id >"}, "query.invalid"),
    "an unknown column in where": ({"table": "orders", "where": "nope > 1"}, "column.missing"),
    "an unknown column": ({"table": "orders", "columns": ["idd"]}, "column.missing"),
    "an unknown order": ({"table": "orders", "order_by": ["nope desc"]}, "column.missing"),
    "an unknown column of a query": ({"query": "SELECT 1 AS a", "columns": ["b"]}, "column.missing"),
    "one of two names": ({"query": "SELECT 1 AS a, 2 AS a", "columns": ["a"]}, "column.duplicate"),
    "an unknown table": ({"table": "ordrs"}, "table.missing"),
    "a sequence": ({"table": "s"}, "table.kind"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_and_changes_nothing(orders: Source, name: str) -> None:
    orders.sql(
        "CREATE SEQUENCE s",
        f"CREATE FUNCTION saving() RETURNS INT LANGUAGE sql AS '{SAVING}'",
    )
    options, code = REFUSED[name]
    error = refused(orders, **options)
    assert error.code == code, repr(error)
    assert orders.sql("SELECT count(*) FROM orders") == [(10,)]
    assert orders.sql("SELECT to_regclass('made')") == [(None,)]


def test_a_query_leaves_nothing_behind(orders: Source) -> None:
    """Large objects and settings are not what a READ ONLY transaction keeps from writing."""
    query = "SELECT lo_create(0), set_config('TimeZone', 'Asia/Tokyo', false)"
    with orders.client() as client:
        extractor = orders.extractor(client, {"query": query})
        assert len(list(extractor.read(Split(0)))) == 1
        assert client.rows("SELECT current_setting('TimeZone')") != [("Asia/Tokyo",)]
    assert orders.sql("SELECT count(*) FROM pg_largeobject_metadata") == [(0,)]


def test_a_mistake_in_the_sql_says_in_which_text_it_is(orders: Source) -> None:
    assert str(refused(orders, query="SELEC 1")).startswith("the query: ")
    assert str(refused(orders, table="orders", where="nope")).startswith("where: ")
    assert "semicolon" in str(refused(orders, query="SELECT 1; -- one").hint)
    assert orders.read(query="SELECT 1 AS id -- one")[1].rows == 1


@pytest.mark.parametrize(
    "nasty",
    ["x); DROP TABLE keep;-- \"'", 'a"b""', "select", "ta ble", "日本 語", "n" * 63, "50%s %(x)s", "a.b", "{}\\", "ID"],
)
def test_names_are_quoted_whatever_is_in_them(source: Source, nasty: str) -> None:
    """LESSONS 17: identifiers were not quoted (`x); DROP TABLE y;--`)."""
    quoted = '"' + nasty.replace('"', '""') + '"'
    source.sql(f"CREATE TABLE {quoted} ({quoted} INT PRIMARY KEY, x NUMERIC)", f"INSERT INTO {quoted} VALUES (7, 0.5)")
    options: dict[str, Any] = {"columns": [nasty, "x"], "where": f"{quoted} > 0"}
    forms: list[dict[str, Any]] = [{"table": quoted}, {"query": f"SELECT * FROM {quoted}"}]
    for more in forms:
        rows, _ = source.read(**options, **more, order_by=[f"{nasty} desc"])
        assert rows.to_pylist() == [{nasty: 7, "x": "0.5"}]
    assert source.read(2, table=quoted, split_by=nasty)[0].num_rows == 1


@pytest.mark.parametrize(
    "table",
    [
        "TABLE t (id INT PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE a PARTITION OF t DEFAULT",
        "UNLOGGED TABLE t (id INT, gone TEXT, twice INT GENERATED ALWAYS AS (id * 2) STORED); ALTER TABLE t DROP gone",
        "TABLE base (id INT); CREATE TABLE t () INHERITS (base)",
        "TABLE base (id INT); CREATE VIEW t AS SELECT * FROM base WHERE id > 0",
    ],
)
def test_every_kind_of_table_is_read(source: Source, table: str) -> None:
    source.sql(f"CREATE {table}", "INSERT INTO t (id) SELECT generate_series(1, 100)")
    both: list[dict[str, Any]] = [{}, {"split_by": "id"}]
    for options in both:
        rows, end = source.read(3, table="t", **options)
        assert sorted(ids(rows)) == list(range(1, 101))
        assert end.rows == 100


def test_a_materialized_view_and_the_catalog_are_read(orders: Source) -> None:
    orders.sql("CREATE MATERIALIZED VIEW m AS SELECT id FROM orders")
    assert ids(orders.read(table="m")[0]) == list(range(10))
    assert orders.read(table="pg_catalog.pg_class", columns=["relname"], where="relname = 'orders'")[0].num_rows == 1


def test_a_table_without_columns_or_rows(source: Source) -> None:
    source.sql("CREATE TABLE t (x NUMERIC(50,2))", "CREATE TABLE bare ()", "INSERT INTO bare DEFAULT VALUES")
    rows, end = source.read(table="t")
    assert (end.rows, rows.schema.field("x").type) == (0, pa.decimal256(50, 2))
    assert source.read(table="bare")[1].rows == 1


def test_1600_columns(source: Source) -> None:
    source.sql(f"CREATE TABLE t ({', '.join(f'c{number} INT' for number in range(1600))})")
    source.sql(f"INSERT INTO t VALUES ({', '.join(map(str, range(1600)))})")
    assert list(source.read(table="t")[0].to_pylist()[0].values()) == list(range(1600))


def test_a_large_table_is_cut_by_its_pages_and_read_once(large: Source) -> None:
    plan = large.plan(3, table="large")
    assert len(plan.splits) == 3
    assert plan.why_one_split is None
    rows, end = large.read(3, table="large", columns=["id"], where="id % 2 = 0")
    assert sorted(ids(rows)) == list(range(2, 230001, 2))
    assert end.rows == 115000
    for split in plan.splits:
        asked = f"EXPLAIN SELECT id FROM large WHERE {split.data['condition']}"
        assert any("Tid Range Scan" in line for (line,) in large.sql(asked))


def test_a_table_is_cut_by_the_values_of_a_column(large: Source) -> None:
    large.sql("UPDATE large SET id = NULL WHERE id % 10 = 0")
    parts = large.plan(4, table="large", split_by="id").splits
    assert len(parts) == 4
    sizes = [large.sql(f"SELECT count(*) FROM large WHERE {part.data['condition']}")[0][0] for part in parts]
    assert sum(sizes) == 230000
    assert min(sizes) > 40000
    assert large.read(4, table="large", split_by="id")[1].rows == 230000


def test_all_splits_see_one_snapshot(large: Source) -> None:
    with large.client() as lead:
        plan = large.extractor(lead, {"table": "large"}).plan(2, None)
        large.sql("DELETE FROM large WHERE id % 3 = 0", "INSERT INTO large SELECT generate_series(1, 5), 'new'")
        found = [large.split(split, plan.schema, {"table": "large"})[0] for split in plan.splits]
    assert sorted(number for rows in found for number in ids(rows)) == list(range(1, 230001))


def test_a_split_without_the_session_that_planned_it_is_an_error_that_may_pass(large: Source) -> None:
    plan = large.plan(2, table="large")
    with pytest.raises(osiris.OsirisError) as raised:
        large.split(plan.splits[0], plan.schema, {"table": "large"})
    assert (raised.value.code, raised.value.retryable) == ("snapshot.gone", True)


WHY: dict[str, tuple[dict[str, Any], str]] = {
    "small": ({"table": "orders"}, "small"),
    "one": ({"table": "large", "splits": 1}, "one was wanted"),
    "limit": ({"table": "large", "limit": 5}, "limit"),
    "order": ({"table": "large", "order_by": ["id"]}, "order_by"),
    "query": ({"query": "SELECT 1"}, "query"),
    "view": ({"table": "v"}, "split_by"),
    "no values": ({"table": "nothing", "split_by": "x"}, "no values"),
}


@pytest.mark.parametrize("name", WHY)
def test_one_split_says_why(orders: Source, large: Source, name: str) -> None:
    orders.sql("CREATE VIEW v AS SELECT * FROM large", "CREATE TABLE nothing (x INT)")
    options, why = WHY[name]
    plan = large.plan(4, **options)
    assert plan.splits == (Split(0),)
    assert why in str(plan.why_one_split)


def test_rows_are_estimated_without_counting(large: Source) -> None:
    assert large.plan(table="large").estimated_rows is None
    large.sql("VACUUM ANALYZE large")
    assert large.plan(table="large").estimated_rows == 230000
    assert large.plan(table="large", limit=7).estimated_rows == 7
    assert 0 < (large.plan(table="large", where="id < 1000").estimated_rows or 0) < 10000


def test_batches_are_of_at_most_so_many_rows(large: Source) -> None:
    with large.client() as client:
        extractor = large.extractor(client, {"table": "large", "batch_rows": 1000})
        sizes = [batch.num_rows for batch in Batches(extractor.schema(), extractor.read(Split(0)))]
    assert (sum(sizes), max(sizes)) == (230000, 1000)


def test_memory_does_not_grow_with_the_rows(source: Source) -> None:
    """2 GB of rows; the peak of the process is looked at before and after."""

    def peak_mb() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def size(rows: int) -> int:
        query = f"SELECT g AS id, repeat('x', 20000) AS pad FROM generate_series(1, {rows}) AS g"
        with source.client() as client:
            extractor = source.extractor(client, {"query": query})
            return sum(batch.nbytes for batch in Batches(extractor.schema(), extractor.read(Split(0))))

    size(5000)
    before_mb = peak_mb()
    assert size(50000) > 10**9
    assert peak_mb() - before_mb < 100


@pytest.mark.parametrize("kind", ["cut", "reset", "half_close"])
@pytest.mark.parametrize("mode", ["disable", "require"])
def test_a_connection_that_is_lost_in_the_middle_is_an_error(large: Source, kind: Any, mode: str) -> None:
    with FaultProxy("127.0.0.1", large.database.server.port, Fault(kind, after_bytes=5_000_000)) as proxy:
        there = Source(large.database, large.root, {"port": proxy.port, "sslmode": mode})
        error = refused(there, table="large")
    assert isinstance(error, osiris.NetworkFailed)
    assert error.retryable


def test_a_server_that_fails_in_the_middle_is_an_error(source: Source) -> None:
    query = "SELECT 1 / (100000 - g) AS x FROM generate_series(1, 200000) AS g"
    assert refused(source, query=query).code == "data.value"


def test_row_level_security_is_told(orders: Source, caplog: pytest.LogCaptureFixture) -> None:
    orders.sql(
        "DO $$ BEGIN CREATE ROLE shy LOGIN PASSWORD 'shy'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "GRANT SELECT ON orders TO shy",
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY few ON orders USING (id < 2)",
    )
    shy = Source(orders.database, orders.root, {"user": "shy", "password": "shy"})
    options: tuple[dict[str, Any], ...] = ({"table": "orders"}, {"query": "SELECT id, 1 AS one FROM orders"})
    for asked in options:
        caplog.clear()
        assert ids(shy.read(**asked)[0]) == [0, 1]
        assert caplog.text.count("public.orders has row level security") == 1
    caplog.clear()
    orders.read(table="orders")
    assert caplog.text == ""


def test_a_user_without_rights_is_told_to_ask_for_them(orders: Source) -> None:
    orders.sql("DO $$ BEGIN CREATE ROLE poor LOGIN PASSWORD 'poor'; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    poor = Source(orders.database, orders.root, {"user": "poor", "password": "poor"})
    error = refused(poor, table="orders")
    assert isinstance(error, osiris.PermissionDenied)
    assert "GRANT" in str(error.hint)


def test_the_dataset_is_named_without_asking(source: Source) -> None:
    client = source.new_client()
    place = f"postgres://127.0.0.1:{source.database.server.port}"
    assert str(source.extractor(client, {"table": "a.b"}).dataset()) == f"{place}/{source.database.name}.a.b"
    assert str(source.extractor(client, {"query": "SELECT 1"}).dataset()) == f"{place}/query"
