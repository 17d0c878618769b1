"""The MySQL extractor: tables, queries, selections, snapshots, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.base import Batches, Split
from tests.connectors.mysql.source import Source
from tests.servers.mariadb import Database

pytestmark = pytest.mark.server

ORDERS = """
CREATE TABLE orders (id INT PRIMARY KEY, customer VARCHAR(10) NOT NULL, state ENUM ('open', 'done', 'bad'),
    share FLOAT NOT NULL)
    SELECT seq AS id, CONCAT('c', seq % 3) AS customer, ELT(1 + seq % 3, 'open', 'done', 'bad') AS state,
    seq / 10 AS share FROM seq_0_to_9
"""


@pytest.fixture
def source(database: Database, tmp_path: Path) -> Source:
    return Source(database, tmp_path, {})


@pytest.fixture
def orders(source: Source) -> Source:
    source.sql(ORDERS)
    return source


def ids(rows: pa.Table) -> list[Any]:
    return list(rows["id"].to_pylist())


def test_a_table_is_read_whole_and_says_so(orders: Source) -> None:
    rows, end = orders.read(table="orders")
    assert ids(rows) == list(range(10))
    assert (end.rows, end.stop_reason, end.counts) == (10, "exhausted", {})


def test_a_table_can_be_named_without_a_query(orders: Source) -> None:
    """LESSONS 13: `table` passed validation, then the run failed: "'query' is required"."""
    name = orders.database.name
    forms: list[dict[str, Any]] = [{"table": f"{name}.orders"}, {"table": "orders", "schema": name}]
    for options in (*forms, {"table": f"`{name}`.`orders`"}):
        assert orders.read(columns=["id"], **options)[0].num_rows == 10


def test_columns_where_order_limit_and_offset(orders: Source) -> None:
    rows, end = orders.read(
        table="orders", columns=["STATE", "id"], where="id > 2", order_by=["state", "id desc"], limit=4, offset=1
    )
    assert rows.to_pydict() == {"state": ["open", "open", "done", "done"], "id": [6, 3, 7, 4]}
    assert end.stop_reason == "limit"
    assert ids(orders.read(table="orders", offset=8)[0]) == [8, 9]


def test_a_limit_that_cuts_nothing_is_no_stop_reason(orders: Source) -> None:
    assert orders.read(table="orders", limit=11)[1].stop_reason == "exhausted"
    assert orders.read(table="orders", limit=0)[0].num_rows == 0


def test_float_is_read_exactly(orders: Source) -> None:
    """The server writes 16777215 as 16777200 in the text protocol."""
    values = [16777215.0, 0.1, 1.17549435e-38, 3.4028234e38, -1e-45, 0.0]
    orders.sql("DELETE FROM orders")
    for number, value in enumerate(values):
        orders.sql(f"INSERT INTO orders VALUES ({number}, 'x', 'open', {value!r})")
    expected = pa.array(values, pa.float32())
    forms: list[dict[str, Any]] = [{"table": "orders"}, {"table": "orders", "read_mode": "keyset"}]
    for options in forms:
        rows, _ = orders.read(**options)
        found = rows["share"]
        assert found.cast(pa.float32()).combine_chunks().equals(expected), options


def test_fields_tell_type_key_and_nullability(orders: Source) -> None:
    schema = orders.read(table="orders")[0].schema
    assert schema.field("id").metadata == {
        b"osiris.type": b"int(11)",
        b"osiris.nullable": b"false",
        b"osiris.primary_key": b"true",
    }
    assert schema.field("share").type == pa.float32()
    assert schema.field("share").metadata[b"osiris.nullable"] == b"false"
    assert schema.field("state").metadata[b"osiris.type"] == b"enum('open','done','bad')"


def test_the_read_is_a_snapshot(orders: Source) -> None:
    options = {"query": "SELECT o.id FROM orders AS o, seq_1_to_200000"}
    with orders.client() as client:
        extractor = orders.extractor(client, options)
        stream = iter(Batches(extractor.schema(), extractor.read(Split(0))))
        rows = next(stream).num_rows
        orders.sql("DELETE FROM orders WHERE id > 0")
        rows += sum(batch.num_rows for batch in stream)
    assert rows == 2_000_000
    assert orders.read(table="orders")[0].num_rows == 1
