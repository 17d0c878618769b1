"""A pipeline that does not fit the database: its run ends with 2, and the hint is about what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.connectors.misfits import MISFITS, ROWS, TABLES, ends_as_it_should
from tests.connectors.mysql.test_pipelines import Place
from tests.servers.mariadb import Database

pytestmark = pytest.mark.server


@pytest.mark.parametrize("name", MISFITS)
def test_a_pipeline_that_does_not_fit_the_database_has_to_be_changed(
    database: Database, tmp_path: Path, name: str
) -> None:
    database.sql(*TABLES)
    assert ends_as_it_should(Place(database, tmp_path).project, "mysql", name)


@pytest.mark.parametrize(
    ("made", "mode", "told"),
    [
        (
            "id INT, word TEXT, must INT NOT NULL)",
            "append",
            "write.schema: let the step before give must, or give it a",
        ),
        ("id INT, word TEXT AS (id))", "append", "write.schema: leave word out under columns of the write step"),
        ("id INT, word INT)", "append", "write.schema: cast the column"),
        ("id INT, must INT NOT NULL)", "append", "write.schema: give must, or .*; set on_schema_change: add_columns"),
        ("id INT, word TEXT) ENGINE = MyISAM", "append", "write.engine: ENGINE = InnoDB"),
        ("id INT, word TEXT)", "replace", "write.replace: use write_mode: append, or use upsert"),
    ],
)
def test_what_is_wrong_with_the_table_is_told_with_what_to_do(
    database: Database, tmp_path: Path, made: str, mode: str, told: str
) -> None:
    database.sql("CREATE TABLE words (id INT, word VARCHAR(9))", f"CREATE TABLE t ({made}")
    database.sql("CREATE TRIGGER noted BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id")
    path = Place(database, tmp_path).write({"table": "words"}, "mysql.writer", {"table": "t", "write_mode": mode})
    report = Place(database, tmp_path).project.run(path)
    assert report.error is not None
    assert report.exit_code == 2
    assert re.search(told.replace(": ", ": .*", 1), f"{report.error.code}: {report.error.hint}"), report.error.hint


def test_a_table_that_is_made_anew_without_its_indexes_is_a_warning_of_the_report(
    database: Database, tmp_path: Path
) -> None:
    database.sql("CREATE TABLE words (id INT, word VARCHAR(9))", "CREATE TABLE t (id INT PRIMARY KEY, gone INT)")
    place = Place(database, tmp_path)
    report = place.project.run(place.write(ROWS, "mysql.writer", {"table": "t", "write_mode": "replace"}))
    assert report.error is None
    assert ["made anew, without the indexes" in text for text in report.to_json()["warnings"]] == [True]
    assert "made anew" in next((tmp_path / "run_logs").rglob("osiris.log")).read_text()
