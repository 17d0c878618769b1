"""What a dry run tells of a MySQL target, by the server as it is, and that it leaves that as it is."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pymysql
import pytest

import osiris
from osiris.connectors.base import Connection
from osiris.connectors.mysql.client import Client
from tests.connectors.mysql.target import Target, new_run
from tests.connectors.mysql.test_pipelines import Place
from tests.servers.mariadb import Database

pytestmark = pytest.mark.server
PEOPLE = pa.table({"id": pa.array([1, 2], pa.int64()), "name": ["a", "b"]})
TABLE = "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT) COMMENT = 'as it was'"
MISFIT = "'id' is int64, which date cannot always hold"


@contextmanager
def looking(target: Target, **fields: Any) -> Generator[Client]:
    """An open client that looks only; what it raises is classified."""
    given = {**target.database.fields(), **target.changes, **fields}
    client = Client(replace(Connection("mysql", "x", target.root, given), look_only=True))
    try:
        client.open()
        yield client
    except Exception as error:
        raise Client.classify(error) from error
    finally:
        client.close()


def foreseen(target: Target, rows: pa.Table = PEOPLE, **options: Any) -> tuple[str, ...]:
    with looking(target) as client:
        writer = target.writer(client, **options)
        return writer.foresee(writer.token(rows.schema, new_run()), rows.schema)


def told(error: osiris.OsirisError) -> tuple[Any, ...]:
    return type(error), error.code, error.message, error.hint


def state(target: Target) -> list[Any]:
    """All that the database is."""
    tables = sorted(target.tables())
    about = target.sql(
        "SELECT TABLE_NAME, TABLE_TYPE, CREATE_TIME, UPDATE_TIME, TABLE_ROWS, AUTO_INCREMENT "
        f"FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{target.database.name}' ORDER BY 1"
    )
    return [about, *(target.sql(f"SHOW CREATE TABLE `{name}`") for name in tables)]


@pytest.mark.parametrize(
    ("there", "options", "notes"),
    [
        (TABLE, {}, ()),
        (TABLE, {"write_mode": "upsert", "primary_key": "id"}, ()),
        (TABLE, {"write_mode": "replace"}, ()),
        ("SELECT 1", {}, ("there is no table {}.t yet: it is made",)),
        (
            "CREATE TABLE t (id BIGINT)",
            {"on_schema_change": "add_columns"},
            ("{}.t gets new columns: `name` LONGTEXT NULL",),
        ),
        (
            "CREATE TABLE t (id DATE, name TEXT)",
            {"write_mode": "replace"},
            ("{}.t is made anew, without the indexes and defaults that it has: " + MISFIT,),
        ),
    ],
)
def test_what_would_be_made_or_changed_is_told_and_not_done(
    target: Target, there: str, options: dict[str, Any], notes: tuple[str, ...]
) -> None:
    target.sql(there)
    before = state(target)
    assert foreseen(target, **options) == tuple(note.format(target.database.name) for note in notes)
    assert state(target) == before
    target.write(PEOPLE, **options)


@pytest.mark.parametrize(
    ("there", "options"),
    [
        (["SELECT 1"], {"create_if_missing": False}),
        (["SELECT 1"], {"schema": "nowhere"}),
        (["CREATE TABLE t (id DATE, other INT NOT NULL)"], {}),
        (["CREATE TABLE t (id BIGINT)"], {}),
        (["CREATE VIEW t AS SELECT 1 AS id, 'a' AS name"], {}),
        (["CREATE TABLE t (id BIGINT, name TEXT) ENGINE = MyISAM"], {}),
        ([TABLE, "CREATE TABLE c (p BIGINT, FOREIGN KEY (p) REFERENCES t (id))"], {"write_mode": "replace"}),
        ([TABLE, "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET NEW.name = 'x'"], {"write_mode": "replace"}),
    ],
)
def test_what_a_write_refuses_is_refused_before_it(target: Target, there: list[str], options: dict[str, Any]) -> None:
    """With the very error of the write."""
    target.sql(*there)
    before = state(target)
    with pytest.raises(osiris.OsirisError) as early:
        foreseen(target, **options)
    assert state(target) == before
    with pytest.raises(osiris.OsirisError) as late:
        target.write(PEOPLE, **options)
    assert told(early.value) == told(late.value)


@pytest.fixture
def narrow(target: Target) -> Iterator[Target]:
    """An account that may read and make tables, but change no row of `t`."""
    name = f"narrow_{target.database.name}"
    target.sql(
        TABLE,
        f"CREATE USER '{name}' IDENTIFIED BY 'pass-word'",
        f"GRANT SELECT, CREATE ON `{target.database.name}`.* TO '{name}'",
    )
    yield target.over(user=name, password="pass-word")
    target.sql(f"DROP USER '{name}'")


def test_a_right_that_is_missing_is_told_before_the_write(narrow: Target) -> None:
    name = narrow.changes["user"]
    with pytest.raises(osiris.PermissionDenied, match="INSERT command denied"):
        foreseen(narrow)
    narrow.sql(f"GRANT INSERT ON t TO '{name}'")
    assert foreseen(narrow) == ()
    with pytest.raises(osiris.PermissionDenied, match="UPDATE command denied"):
        foreseen(narrow, write_mode="upsert", primary_key="id")
    narrow.sql(f"REVOKE CREATE ON `{narrow.database.name}`.* FROM '{name}'")
    with pytest.raises(osiris.PermissionDenied, match=r"CREATE command denied .*_osiris_"):
        foreseen(narrow)


def test_a_session_that_looks_only_cannot_write(target: Target) -> None:
    target.sql(TABLE)
    with looking(target, init_sql=["INSERT INTO t VALUES (1, 'seen')", "SET @who = 'me'"]) as client:
        assert client.rows("SELECT @who, COUNT(*) FROM t") == [("me", 0)]
        for statement in ("INSERT INTO t VALUES (1, 'x')", "DELETE FROM t", "CREATE TABLE u (id INT)"):
            with pytest.raises(pymysql.err.OperationalError, match="READ ONLY"):
                client.execute(statement)
    with (
        pytest.raises(osiris.NotFound, match=r"init_sql: .*nowhere"),
        looking(target, init_sql="SELECT 1 FROM nowhere"),
    ):
        pass


def test_a_pipeline_is_looked_at_from_end_to_end(database: Database, target: Target) -> None:
    target.sql("CREATE TABLE s (id BIGINT PRIMARY KEY, name TEXT, old TIME)", "INSERT INTO s VALUES (1, 'a', 0)")
    target.sql("ANALYZE TABLE s", TABLE)
    place = Place(database, target.root)
    before = state(target)

    def dry(table: str, **reading: Any) -> Any:
        config = {"columns": ["id", "name"], **reading}
        path = place.write({"table": "s", **config}, "mysql.writer", {"table": table, "connection": "@mysql.shop"})
        return place.project.run(path, dry_run=True)

    read, write = dry("t").steps
    assert (read.status, read.estimated_rows, write.status, write.notes) == ("planned", 1, "planned", ())
    (name,) = [dataset["name"] for dataset in write.datasets]
    assert name == f"{database.name}.t"
    report = dry("fresh")
    assert report.exit_code == 0
    assert report.steps[1].notes == (f"there is no table {database.name}.fresh yet: it is made",)
    report = dry("t", columns=["id", "name", "old"])
    assert (report.exit_code, report.error.code) == (2, "write.schema")
    assert "no column 'old'" in report.error.message
    assert state(target) == before
