"""Pipelines that read from MySQL: into CSV, Parquet and DuckDB, with splits, retries and what the spec refuses."""

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

import osiris
from osiris import Project
from osiris.runs import Report
from tests.connectors.mysql.source import Source
from tests.connectors.mysql.target import Target
from tests.connectors.mysql.test_interrupted_reads import gather, seen
from tests.connectors.mysql.test_writer_types import TYPES, fill
from tests.connectors.patience import until
from tests.servers.mariadb import PASSWORD, Database

pytestmark = pytest.mark.server

ORDERS = """
CREATE TABLE orders (id INT UNSIGNED PRIMARY KEY) SELECT seq AS id, CONCAT('zákazník ', seq % 7) AS customer,
    CAST(seq / 8 AS DECIMAL(30,3)) AS amount, IF(seq % 5, TIMESTAMP '2026-01-31 23:59:59', NULL) AS paid_at
    FROM seq_1_to_5000
"""


class Place:
    """A project over a database, with one pipeline of a reader and a writer."""

    def __init__(self, database: Database, root: Path, **more: Any) -> None:
        self.database = database
        self.root = root
        fields = {**database.fields(), "password": "${MYSQL_PASSWORD}", **more}
        connections = {"mysql": {"shop": fields}, "duckdb": {"lake": {"path": "lake.duckdb"}}}
        (root / "osiris_connections.yaml").write_text(json.dumps({"version": 1, "connections": connections}))
        self.project = Project(root, environ={"MYSQL_PASSWORD": PASSWORD})

    def write(
        self, reading: dict[str, Any], writer: str, writing: dict[str, Any], columns: Any = None, **more: Any
    ) -> Path:
        """The pipeline's file. `columns` are those of the writer; `more` is for the reader's step."""
        chosen = {} if columns is None else {"columns": columns}
        steps = [
            {"id": "read", "component": "mysql.extractor", "mode": "read", "config": reading, **more},
            {"id": "write", "component": writer, "mode": "write", "config": writing, **chosen},
        ]
        path = self.root / "p.yaml"
        path.write_text(json.dumps({"oml_version": "0.1.0", "name": "p", "steps": steps}))
        return path

    def run(self, reading: dict[str, Any], writer: str, writing: dict[str, Any], **more: Any) -> Report:
        return self.project.run(self.write(reading, writer, writing, **more))


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Place:
    database.sql(ORDERS)
    return Place(database, tmp_path)


def succeeded(report: Report, rows: int) -> None:
    assert report.error is None, report.error
    assert [step.rows_read for step in report.steps if step.id == "read"] == [rows]
    assert [step.rows_written for step in report.steps if step.id == "write"] == [rows]


def test_into_csv(place: Place) -> None:
    report = place.run(
        {"query": "SELECT id, customer, amount, paid_at FROM orders ORDER BY id DESC"},
        "filesystem.csv_writer",
        {"path": "out.csv"},
    )
    succeeded(report, 5000)
    rows = list(csv.reader((place.root / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["id", "customer", "amount", "paid_at"]
    assert rows[1][:3] == ["5000", "zákazník 2", "625.000"]
    assert [int(row[0]) for row in rows[1:]] == list(range(5000, 0, -1))


def test_into_parquet_in_splits(place: Place) -> None:
    reading = {"table": "orders", "read_mode": "keyset", "page_rows": 500, "batch_size": 100}
    succeeded(place.run(reading, "filesystem.parquet_writer", {"path": "out.parquet"}), 5000)
    rows = pq.read_table(place.root / "out.parquet")
    assert sorted(rows["id"].to_pylist()) == list(range(1, 5001))
    assert {str(field.type) for field in rows.schema} == {"uint32", "string", "decimal128(30, 3)", "timestamp[us]"}


def test_into_duckdb(place: Place) -> None:
    succeeded(place.run({"table": "orders", "where": "id <= 100"}, "duckdb.writer", {"table": "orders"}), 100)
    with duckdb.connect(str(place.root / "lake.duckdb")) as con:
        assert con.sql("SELECT count(*), sum(amount), count(paid_at) FROM orders").fetchall() == [
            (100, Decimal("631.250"), 80)
        ]
        assert con.sql("SELECT typeof(id), typeof(amount) FROM orders LIMIT 1").fetchall() == [
            ("UINTEGER", "DECIMAL(30,3)")
        ]


def test_every_value_of_every_type_into_parquet(place: Place, target: Target) -> None:
    """Read back by Arrow it is what the server gave; to other readers the file says what they can take."""
    fill(target)
    succeeded(place.run({"table": "s"}, "filesystem.parquet_writer", {"path": "all.parquet"}), 3)
    given, found = target.read("s"), pq.read_table(place.root / "all.parquet")
    assert found.schema.types == given.schema.types
    assert found.equals(given)
    with duckdb.connect() as con:
        path = str(place.root / "all.parquet")
        other: pa.Table = con.sql("FROM read_parquet(?) ORDER BY id", params=[path]).to_arrow_table()
    for number, (kind, _, _) in enumerate(TYPES):
        if not kind.startswith(("TIME(", "DECIMAL(65")) and kind not in ("TIME", "UUID"):
            assert other[f"c{number}"].to_pylist() == given[f"c{number}"].to_pylist(), kind


def test_durations_and_more_than_38_digits_into_parquet_as_the_user_wants_them(place: Place) -> None:
    """Not all readers of Parquet know them: DuckDB takes the one for a number, the other for a DOUBLE."""
    digits = f"-{'9' * 35}.{'9' * 30}"
    place.database.sql(
        "CREATE TABLE wide (id INT PRIMARY KEY, t TIME(6), d DECIMAL(65,30), n DECIMAL(50,2))",
        f"INSERT INTO wide VALUES (1, '-838:59:59.000001', {digits}, 12.50), (2, NULL, NULL, NULL)",
    )
    chosen = [
        {"from": "id"},
        *({"from": name, "type": "string"} for name in "td"),
        {"from": "n", "type": "decimal(38,2)"},
    ]
    path = place.write({"table": "wide"}, "filesystem.parquet_writer", {"path": "wide.parquet"}, columns=chosen)
    succeeded(place.project.run(path), 2)
    with duckdb.connect() as con:
        rows = con.execute("FROM read_parquet(?) ORDER BY id", [str(place.root / "wide.parquet")]).fetchall()
    assert rows == [(1, "-838:59:59.000001", digits, Decimal("12.50")), (2, None, None, None)]
    place.database.sql(f"UPDATE wide SET n = {'9' * 40} WHERE id = 2")
    error = place.project.run(path).error
    assert error is not None
    assert (error.code, "column 'n', row 2" in error.message) == ("data.cast", True)
    assert pq.read_table(place.root / "wide.parquet")["n"].to_pylist() == [Decimal("12.50"), None]


def through_duckdb(place: Place, sql: str) -> Report:
    """The table `spans` in MySQL, a SELECT of it in DuckDB, and the table `t` in MySQL again."""
    steps = [
        {"id": "read", "component": "mysql.extractor", "config": {"table": "spans"}},
        {"id": "change", "component": "duckdb.processor", "config": {"sql": sql}},
        {"id": "write", "component": "mysql.writer", "config": {"table": "t"}},
    ]
    path = place.root / "p.yaml"
    path.write_text(json.dumps({"oml_version": "0.1.0", "name": "p", "steps": steps}))
    return place.project.run(path)


@pytest.mark.parametrize("column", ["TIME(6)", "TIME(3)", ""])
def test_times_go_through_duckdb_and_back(place: Place, column: str) -> None:
    """DuckDB makes intervals of durations."""
    rows = [(1, "-838:59:59.000"), (2, "838:59:59.999"), (3, "00:00:00.000"), (4, "-00:00:00.001"), (5, None)]
    place.database.sql("CREATE TABLE spans (id INT PRIMARY KEY, spent TIME(6))")
    with place.database.server.connect(place.database.name) as other, other.cursor() as cursor:
        cursor.executemany("INSERT INTO spans VALUES (%s, %s)", rows)
        other.commit()
    if column:
        place.database.sql(f"CREATE TABLE t (id INT PRIMARY KEY, spent {column})")
    report = through_duckdb(place, "SELECT id, spent FROM read")
    assert report.error is None, report.error
    assert place.database.sql("SELECT id, CAST(spent AS CHAR) FROM t ORDER BY id") == [
        (number, text if text is None or column == "TIME(3)" else text + "000") for number, text in rows
    ]


@pytest.mark.parametrize(
    ("interval", "reason"),
    [
        ("INTERVAL 34 DAYS + INTERVAL 22 HOURS", None),
        ("INTERVAL 35 DAYS", "longer than 838:59:59"),
        ("INTERVAL 1 MONTH", "has months"),
        ("INTERVAL 2000000 YEARS", "has months"),
        ("INTERVAL 200000000 DAYS", "more than 100000000 days"),
    ],
)
def test_an_interval_that_no_time_holds_is_named_by_its_row(place: Place, interval: str, reason: str | None) -> None:
    place.database.sql("CREATE TABLE spans (id INT PRIMARY KEY)", "INSERT INTO spans VALUES (1), (2)")
    error = through_duckdb(place, f"SELECT CASE WHEN id = 2 THEN {interval} END AS i FROM read ORDER BY id").error
    if reason is None:
        assert place.database.sql("SELECT CAST(MAX(i) AS CHAR) FROM t") == [("838:00:00.000000",)]
        return
    assert error is not None
    assert "row 2: 'i' " in error.message
    assert reason in error.message


GATE = """
CREATE PROCEDURE gate() BEGIN
    INSERT INTO gates VALUES ();
    IF LAST_INSERT_ID() = 2 THEN DO GET_LOCK('gate', 60); END IF;
END
"""


def test_a_table_that_was_altered_is_read_again(place: Place) -> None:
    """Error 1412 ends a flow, and its retry reads the table as it has become.

    The second session of the run, that which reads, waits at a gate until the table is locked; then its snapshot
    begins, and its SELECT waits until the table has been altered.
    """
    place.database.sql("CREATE TABLE gates (n INT AUTO_INCREMENT PRIMARY KEY)", GATE)
    project = Place(place.database, place.root, init_sql="CALL gate()")
    source = Source(place.database, place.root, {})
    reports: list[Report] = []
    caught: list[osiris.OsirisError] = []
    reading, writing = {"table": "orders", "columns": ["id"]}, {"path": "out.parquet"}
    path = project.write(reading, "filesystem.parquet_writer", writing, retry={"attempts": 2, "backoff": "100ms"})
    with place.database.server.connect(place.database.name) as other, other.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK('gate', 60)")
        thread = gather(caught, lambda: reports.append(project.project.run(path)))
        until(lambda: seen(source, "STATE = 'User lock'") or caught)
        cursor.execute("LOCK TABLES orders WRITE")
        cursor.execute("SELECT RELEASE_LOCK('gate')")
        until(lambda: seen(source, "STATE LIKE 'Waiting for table metadata%'") or caught)
        cursor.execute("ALTER TABLE orders ADD COLUMN more INT, ALGORITHM = COPY")
        cursor.execute("UNLOCK TABLES")
        thread.join()
    assert caught == []
    succeeded(reports[0], 5000)
    events = next((place.root / "run_logs").rglob("events.jsonl")).read_text()
    assert "flow.retried" in events
    assert "error 1412" in events


def test_zero_dates_are_counted_in_the_report(place: Place) -> None:
    with place.database.server.connect(place.database.name) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        cursor.execute("CREATE TABLE z AS SELECT seq AS id, CAST('0000-00-00' AS DATE) AS d FROM seq_1_to_3")
        cursor.execute("UPDATE z SET d = '2022-11-00'")
    report = place.run({"table": "z", "zero_dates": None}, "filesystem.csv_writer", {"path": "out.csv"})
    succeeded(report, 3)
    assert [dict(step.counts) for step in report.steps] == [{"zero_dates": 3}, {}]


def test_a_session_reads_without_a_pipeline(place: Place) -> None:
    with place.project.connect("@mysql.shop") as shop:
        rows = sum(batch.num_rows for batch in shop.read(table="orders", where="id > 4000"))
        early = iter(shop.read(table="orders", batch_rows=10))
        assert next(early).num_rows == 10
    assert rows == 1000


@pytest.mark.parametrize(
    ("reading", "text"),
    [
        ({}, '"table" or "query"'),
        ({"table": "t", "query": "SELECT 1"}, "exclude each other"),
        ({"query": "SELECT 1", "schema": "x"}, "schema belongs to table"),
        ({"query": "SELECT 1", "read_mode": "keyset"}, "reads a table in the order of its key"),
        ({"table": "t", "read_mode": "keyset", "order_by": ["id"]}, "reads a table in the order of its key"),
        ({"table": "t", "read_mode": "keyset", "offset": 1}, "reads a table in the order of its key"),
        ({"table": "t", "splits": 3}, "are for read_mode: keyset"),
        ({"table": "t", "page_rows": 3}, "are for read_mode: keyset"),
        ({"table": "t", "zero_dates": "nul"}, "zero_dates"),
        ({"table": "t", "limit": -1}, "limit"),
        ({"table": "t", "user": "root"}, "user"),
        ({"table": "t", "lmit": 1}, "lmit"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_the_run(
    place: Place, reading: dict[str, Any], text: str
) -> None:
    path = place.write(reading, "filesystem.csv_writer", {"path": "out.csv"})
    problems = place.project.check(path).errors
    assert text in " ".join(problem.message for problem in problems)
    with pytest.raises(osiris.ConfigError):
        place.project.run(path)
    assert not (place.root / "out.csv").exists()


def test_doctor_takes_a_query_for_no_table(place: Place) -> None:
    for reading, text in (
        ({"query": "SELECT 1"}, "tables and views can be seen"),
        ({"table": "orders"}, "can be read"),
    ):
        path = place.write(reading, "filesystem.csv_writer", {"path": "out.csv"})
        report = place.project.doctor(["@mysql.shop"], pipeline=path, level="full")
        (check,) = [check for check in report.results["@mysql.shop"].checks if check.id == "perm.read"]
        assert (check.status, text in check.message) == ("ok", True)
