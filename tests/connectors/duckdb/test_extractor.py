"""The DuckDB extractor: tables, queries, selections, snapshots, and what it refuses."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

import osiris
from osiris.connectors.base import Batches, Options, Split
from osiris.connectors.duckdb.extractor import Extractor
from tests.connectors.duckdb.place import Place

ORDERS = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer VARCHAR NOT NULL, state ENUM ('open', 'done', 'bad'));
INSERT INTO orders SELECT i, 'c' || i % 3, ['open', 'done', 'bad'][1 + i % 3] FROM range(10) r(i)
"""


@pytest.fixture
def orders(place: Place) -> Place:
    place.sql(ORDERS)
    return place


def ids(rows: pa.Table) -> list[Any]:
    return list(rows["id"].to_pylist())


def test_a_table_is_read_whole_and_says_so(orders: Place) -> None:
    rows, end = orders.read(table="orders")
    assert ids(rows) == list(range(10))
    assert (end.rows, end.stop_reason) == (10, "exhausted")


def test_a_table_can_be_named_without_a_query(orders: Place) -> None:
    """LESSONS 13: `table` passed validation, then the run failed: "'query' is required"."""
    assert orders.read(table="main.orders", columns=["id"])[0].num_rows == 10
    assert orders.read(table="orders", schema="main", columns=["id"])[0].num_rows == 10


def test_names_are_quoted_whatever_is_in_them(place: Place) -> None:
    """LESSONS 17: identifiers were not quoted (`x); DROP TABLE y;--`)."""
    nasty = 'x); DROP TABLE keep;-- "'
    quoted = '"' + nasty.replace('"', '""') + '"'
    place.sql(
        "CREATE TABLE keep (a INTEGER)", f"CREATE TABLE {quoted} ({quoted} INTEGER)", f"INSERT INTO {quoted} VALUES (7)"
    )
    rows, _ = place.read(table=quoted, columns=[nasty], order_by=[nasty + " desc"])
    assert rows.to_pylist() == [{nasty: 7}]
    assert ("keep",) in place.sql("SHOW TABLES")


def test_columns_where_order_limit_and_offset(orders: Place) -> None:
    rows, end = orders.read(
        table="orders", columns=["STATE", "id"], where="id > 2", order_by=["state", "id desc"], limit=4, offset=1
    )
    assert rows.to_pydict() == {"state": ["open", "open", "done", "done"], "id": [6, 3, 7, 4]}
    assert end.stop_reason == "limit"


def test_a_limit_that_cuts_nothing_is_no_stop_reason(orders: Place) -> None:
    assert orders.read(table="orders", limit=11)[1].stop_reason == "exhausted"
    assert orders.read(table="orders", limit=0)[0].num_rows == 0


def test_a_query_keeps_its_order_and_takes_a_selection(orders: Place) -> None:
    rows, _ = orders.read(query="SELECT id, hash(id) AS h FROM orders ORDER BY h; -- by hash", where="id <> 3", limit=5)
    hashes = rows["h"].to_pylist()
    assert hashes == sorted(hashes)
    assert 3 not in ids(rows)


def test_a_long_result_keeps_the_order_of_its_query(place: Place) -> None:
    place.sql("CREATE TABLE t AS SELECT hash(i) AS h, i::HUGEINT AS i FROM range(200000) r(i)")
    hashes = place.read(query="SELECT * FROM t ORDER BY h")[0]["h"].to_pylist()
    assert hashes == sorted(hashes)


def test_pivot_and_friends_are_selects(orders: Place) -> None:
    rows, _ = orders.read(query="PIVOT orders ON state USING count(*) GROUP BY customer")
    assert set(rows.schema.names) == {"customer", "open", "done", "bad"}
    assert orders.read(query="FROM orders")[0].num_rows == 10
    assert orders.read(query="WITH x AS (SELECT 1 AS a) SELECT * FROM x")[0].to_pylist() == [{"a": 1}]


def test_fields_tell_type_key_and_nullability(orders: Place) -> None:
    schema = orders.read(table="orders")[0].schema
    assert schema.field("id").metadata == {
        b"osiris.type": b"INTEGER",
        b"osiris.nullable": b"false",
        b"osiris.primary_key": b"true",
    }
    assert schema.field("state").metadata[b"osiris.type"] == b"ENUM"


def test_the_read_is_a_snapshot(orders: Place) -> None:
    with orders.client() as reader, orders.client() as other:
        extractor = Extractor(reader, Options({"query": "SELECT * FROM orders, range(20000)"}), orders.workspace)
        stream = iter(Batches(extractor.schema(), extractor.read(Split(0))))
        rows = next(stream).num_rows
        other.rows("DELETE FROM orders WHERE id > 0")
        rows += sum(batch.num_rows for batch in stream)
    assert rows == 200000
    assert orders.read(table="orders")[0].num_rows == 1


def test_a_view_is_read_like_a_table(orders: Place) -> None:
    orders.sql("CREATE VIEW done AS SELECT id FROM orders WHERE state = 'done'")
    assert ids(orders.read(table="done")[0]) == [1, 4, 7]


def test_the_dataset_names_file_and_table(orders: Place) -> None:
    with orders.client() as client:
        one = Extractor(client, Options({"table": "orders"}), orders.workspace).dataset()
        two = Extractor(client, Options({"query": "SELECT 1"}), orders.workspace).dataset()
    assert (one.namespace, one.name) == (f"duckdb://{orders.file}", "main.orders")
    assert two.name == "query"


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"table": "order"}, osiris.NotFound, "no table main.order"),
        ({"table": "orders", "columns": ["custmer"]}, osiris.ConfigError, "no column 'custmer'"),
        ({"table": "orders", "columns": ["id", "ID"]}, osiris.ConfigError, "one name"),
        ({"table": "orders", "where": "nope = 1"}, osiris.ConfigError, 'where or order_by: .*"nope"'),
        ({"table": "orders", "where": "1 = 1) UNION SELECT (1"}, osiris.ConfigError, "where"),
        ({"table": "orders", "where": "1 = 1); DROP TABLE orders; SELECT (1"}, osiris.ConfigError, "one condition"),
        ({"table": "orders", "order_by": ["nope"]}, osiris.ConfigError, "nope"),
        ({"table": "a.b.c"}, osiris.ConfigError, "does not name a table"),
        ({"table": "x.orders", "schema": "main"}, osiris.ConfigError, "disagree"),
        ({"query": "SELECT id,\n  nope\nFROM orders"}, osiris.ConfigError, 'line 2: .*"nope"'),
        ({"query": "SELEC 1"}, osiris.ConfigError, "syntax error"),
        ({"query": "SELECT * FROM nowhere"}, osiris.NotFound, "nowhere"),
        ({"query": "SELECT id, id AS ID FROM orders"}, osiris.ConfigError, "one name"),
        ({"query": "SELECT 1 AS a WHERE $1 = 2"}, osiris.ConfigError, "parameters"),
        ({"query": "SELECT\n CAST(customer AS INTEGER) AS c FROM orders"}, osiris.DataError, "'c0'"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_says_where(
    orders: Place, options: dict[str, object], error: type[osiris.OsirisError], text: str
) -> None:
    with pytest.raises(error, match=text):
        orders.read(**options)


def test_names_are_compared_as_duckdb_compares_them(place: Place) -> None:
    place.sql(
        'CREATE TABLE "É" ("é" INTEGER, "É" INTEGER)', 'CREATE TABLE "é" (a INTEGER)', 'INSERT INTO "É" VALUES (1, 2)'
    )
    rows, _ = place.read(table="É", columns=["É", "é"])
    assert rows.to_pylist() == [{"É": 2, "é": 1}]
    place.write(rows, table="É", write_mode="upsert", primary_key="é")
    assert place.sql('FROM "É"') == [(1, 2)]


def test_a_near_miss_is_offered(orders: Place) -> None:
    with pytest.raises(osiris.NotFound) as caught:
        orders.read(table="order")
    assert caught.value.hint == 'did you mean "orders"?'


def test_a_client_can_be_used_again_after_a_failed_read(orders: Place) -> None:
    with orders.client() as client:
        extractor = Extractor(
            client, Options({"query": "SELECT CAST(customer AS INTEGER) AS c FROM orders"}), orders.workspace
        )
        with pytest.raises(osiris.DataError):
            list(Batches(extractor.schema(), extractor.read(Split(0))))
        good = Extractor(client, Options({"table": "orders"}), orders.workspace)
        assert sum(batch.num_rows for batch in Batches(good.schema(), good.read(Split(0)))) == 10
