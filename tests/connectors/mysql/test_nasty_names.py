"""Names that need quoting, of databases, tables and columns: read, written, discovered and diagnosed as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osiris import Project
from osiris.connectors.mysql.names import Name
from tests.connectors.mysql.test_pipelines import Place, succeeded
from tests.servers.mariadb import Database, MariaDB

pytestmark = pytest.mark.server
NASTY = ["a.b it's `qu\"ote`", "select", "日本 语 50%s %(x)s", "{x}\\" + "n" * 60]


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


@pytest.fixture(params=NASTY)
def nasty(mariadb: MariaDB, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of that name, with a table of that name, with a column of that name."""
    found = Database(mariadb, request.param)
    mariadb.sql(f"CREATE DATABASE {quoted(found.name)}")
    name = quoted(found.name)
    found.sql(f"CREATE TABLE {name} ({name} INT PRIMARY KEY, x TEXT)", f"INSERT INTO {name} VALUES (1, 'a'), (2, NULL)")
    yield found
    mariadb.sql(f"DROP DATABASE {name}")


def test_a_table_is_copied_within_a_database(nasty: Database, tmp_path: Path) -> None:
    """By a pipeline, twice, seen before by a dry run and by doctor."""
    name, place = nasty.name, Place(nasty, tmp_path)
    copy = f"{name[:60]}copy"
    reading = {"table": quoted(name), "schema": name, "read_mode": "keyset", "columns": [name, "x"]}
    writing = {"table": quoted(copy), "schema": name, "connection": "@mysql.shop"}
    rows: list[Any] = [(1, "a"), (2, None)]
    for write_mode, expected in (("append", rows), ("replace", rows), ("append", sorted(rows * 2, key=str))):
        path = place.write(reading, "mysql.writer", {**writing, "write_mode": write_mode})
        succeeded(place.project.run(path), 2)
        assert nasty.sql(f"SELECT * FROM {quoted(copy)} ORDER BY 1") == expected
    nasty.sql(f"DELETE FROM {quoted(copy)}")
    path = place.write(reading, "mysql.writer", {**writing, "write_mode": "upsert", "primary_key": name})
    assert place.project.run(path, dry_run=True).exit_code == 0
    succeeded(place.project.run(path), 2)
    assert nasty.sql(f"SELECT * FROM {quoted(copy)} ORDER BY 1") == rows
    report = place.project.doctor(pipeline=path, level="full")
    checks = {check.id: check for result in report.results.values() for check in result.checks}
    assert (checks["perm.read"].status, checks["perm.read"].message) == ("ok", f"{Name(name, name)} can be read")


def test_it_is_discovered_and_read_from_the_library(nasty: Database, tmp_path: Path) -> None:
    project: Project = Place(nasty, tmp_path).project
    with project.connect("@mysql.shop") as db:
        (resource,) = db.discover()
        assert (resource.schema, resource.name) == (nasty.name, nasty.name)
        rows = [row for batch in db.read(table=quoted(resource.name)) for row in batch.to_pylist()]
    assert rows == [{nasty.name: 1, "x": "a"}, {nasty.name: 2, "x": None}]
