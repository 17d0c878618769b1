"""Pipelines that read from PostgreSQL: into CSV, Parquet and DuckDB, in splits, with retries, and nothing leaked."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris import Project
from osiris.runs import Report
from osiris.testing.faults import Fault, FaultProxy
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PASSWORD, USER, Database

pytestmark = pytest.mark.server

ORDERS = """
CREATE TABLE orders AS SELECT g AS id, 'zákazník ' || g % 7 AS customer, (g / 8.0)::numeric(30,3) AS amount,
    CASE WHEN g % 5 > 0 THEN TIMESTAMPTZ '2026-01-31 23:59:59+00' END AS paid_at, repeat('x', 100) AS pad
    FROM generate_series(1, 200000) AS g
"""
SECRETS = (PASSWORD, "s3cret%2Dosiris")


class Place:
    """A project over a database, with one pipeline of a reader and a writer."""

    def __init__(self, database: Database, root: Path, **fields: Any) -> None:
        self.root = root
        given = {**database.fields(), "password": "${PG_PASSWORD}", **fields}
        given = {name: value for name, value in given.items() if value is not None}
        connections = {"postgres": {"shop": given}, "duckdb": {"lake": {"path": "lake.duckdb"}}}
        (root / "osiris_connections.yaml").write_text(json.dumps({"version": 1, "connections": connections}))
        dsn = f"postgresql://{USER}:{SECRETS[1]}@127.0.0.1:{given['port']}/{database.name}"
        self.project = Project(root, environ={"PG_PASSWORD": PASSWORD, "PG_DSN": dsn})

    def run(self, reading: dict[str, Any], writer: str, writing: dict[str, Any], **more: Any) -> Report:
        steps = [
            {"id": "read", "component": "postgres.extractor", "mode": "read", "config": reading, **more},
            {"id": "write", "component": writer, "mode": "write", "config": writing},
        ]
        path = self.root / "p.yaml"
        path.write_text(json.dumps({"oml_version": "0.1.0", "name": "p", "steps": steps}))
        return self.project.run(path)


@pytest.fixture
def orders(database: Database) -> Database:
    database.sql(ORDERS)
    return database


def succeeded(report: Report, rows: int) -> None:
    assert report.error is None, report.error
    assert [step.rows_read for step in report.steps if step.id == "read"] == [rows]
    assert [step.rows_written for step in report.steps if step.id == "write"] == [rows]


def test_into_csv(orders: Database, tmp_path: Path) -> None:
    query = "SELECT id, customer, amount, paid_at FROM orders WHERE id <= 5000 ORDER BY id DESC"
    succeeded(Place(orders, tmp_path).run({"query": query}, "filesystem.csv_writer", {"path": "out.csv"}), 5000)
    rows = list(csv.reader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["id", "customer", "amount", "paid_at"]
    assert rows[1][:3] == ["5000", "zákazník 2", "625.000"]
    assert [int(row[0]) for row in rows[1:]] == list(range(5000, 0, -1))


def test_into_parquet_in_splits_through_a_pooler(orders: Database, tmp_path: Path) -> None:
    pooler = PgBouncer.start(orders.server)
    try:
        place = Place(orders, tmp_path, port=pooler.port)
        reading = {"table": "orders", "splits": 3}
        succeeded(place.run(reading, "filesystem.parquet_writer", {"path": "out.parquet"}), 200_000)
    finally:
        pooler.stop()
    rows = pq.read_table(tmp_path / "out.parquet")
    assert sorted(rows["id"].to_pylist()) == list(range(1, 200_001))
    assert rows.schema.field("amount").type == pa.decimal128(30, 3)
    assert rows.schema.field("paid_at").type == pa.timestamp("us", "UTC")


def test_into_duckdb(orders: Database, tmp_path: Path) -> None:
    place = Place(orders, tmp_path)
    succeeded(place.run({"table": "orders", "where": "id <= 100"}, "duckdb.writer", {"table": "orders"}), 100)
    with duckdb.connect(str(tmp_path / "lake.duckdb")) as con:
        asked = "SELECT count(*), sum(amount), count(paid_at) FROM orders"
        assert con.sql(asked).fetchall() == [(100, Decimal("631.250"), 80)]


def test_a_connection_that_is_lost_is_tried_again_as_a_whole(orders: Database, tmp_path: Path) -> None:
    """Nothing of the first attempt is written: the rows are there once. The first connection plans, others read."""
    with FaultProxy("127.0.0.1", orders.server.port, Fault("cut", after_bytes=5_000_000, connection=1)) as proxy:
        place = Place(orders, tmp_path, port=proxy.port, sslmode="disable")
        again = {"retry": {"attempts": 2, "backoff": "10ms"}}
        report = place.run({"table": "orders"}, "filesystem.parquet_writer", {"path": "out.parquet"}, **again)
        succeeded(report, 200_000)
        assert proxy.hits["cut"] == 1
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 200_000
    assert "flow.retried" in next((tmp_path / "run_logs").rglob("events.jsonl")).read_text()


def test_a_password_inside_a_connection_string_is_shown_nowhere(orders: Database, tmp_path: Path) -> None:
    place = Place(orders, tmp_path, dsn="${PG_DSN}", password=None, host=None, user=None)
    succeeded(place.run({"table": "orders", "limit": 3}, "filesystem.csv_writer", {"path": "out.csv"}), 3)
    orders.sql(f"CREATE TABLE secrets AS SELECT '{PASSWORD}' AS word")
    report = place.run({"query": "SELECT word::int FROM secrets"}, "filesystem.csv_writer", {"path": "bad.csv"})
    assert report.error is not None
    written = [path for path in (tmp_path / "run_logs").rglob("*") if path.is_file()]
    assert len(written) > 6
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert not [secret for secret in SECRETS if secret in text], path
    assert PASSWORD not in str(report.error)


def test_intervals_go_through_duckdb_and_back(database: Database, tmp_path: Path) -> None:
    """In all their parts, months, days and the rest: read as texts, and cast there."""
    spans = "('1 mon 2 days 03:04:05.000006'), ('-00:00:00.000001'), (NULL)"
    database.sql("CREATE TABLE spans (spent interval)", "CREATE TABLE t (spent interval)")
    database.sql(f"INSERT INTO spans VALUES {spans}")
    steps = [
        {"id": "read", "component": "postgres.extractor", "config": {"table": "spans"}},
        {
            "id": "change",
            "component": "duckdb.processor",
            "config": {"sql": "SELECT CAST(spent AS INTERVAL) AS spent FROM read"},
        },
        {"id": "write", "component": "postgres.writer", "config": {"table": "t"}},
    ]
    path = tmp_path / "p.yaml"
    path.write_text(json.dumps({"oml_version": "0.1.0", "name": "p", "steps": steps}))
    report = Place(database, tmp_path).project.run(path)
    assert report.error is None, report.error
    assert database.sql("SELECT spent::text FROM t") == database.sql("SELECT spent::text FROM spans")
