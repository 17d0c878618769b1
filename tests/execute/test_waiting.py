"""Targets that are taken, by another process or another step of the run, and columns that a dry run misses."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from osiris import Busy, Project
from osiris.execute.base import Progress

pytestmark = pytest.mark.slow

HOLDER = """
import duckdb, sys
con = duckdb.connect("shop.duckdb")
print("held", flush=True)
sys.stdin.readline()
con.close()
"""
HEAD = """
oml_version: "0.1.0"
name: wait
steps:
  - {id: read, component: filesystem.csv_extractor, mode: read, needs: [], config: {path: a.csv}}
  - {id: first, component: duckdb.writer, mode: write, needs: [read],
     config: {path: shop.duckdb, table: orders, write_mode: replace, create_if_missing: true}}
"""
SECOND = """
  - {id: again, component: filesystem.csv_extractor, mode: read, needs: [], config: {path: a.csv}}
  - {id: second, component: duckdb.writer, mode: write, needs: [again],
     config: {path: shop.duckdb, table: ORDERS, write_mode: replace, create_if_missing: true}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "a.csv").write_text("id\n1\n2\n")
    (tmp_path / "p.yaml").write_text(HEAD)
    return Project(tmp_path)


def test_a_file_that_another_process_holds_is_waited_for_on_request(project: Project) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], cwd=project.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    refused = project.run("p.yaml")
    assert isinstance(refused.error, Busy)

    progress = Progress()
    reports = []
    runner = threading.Thread(target=lambda: reports.append(project.run("p.yaml", wait=True, progress=progress)))
    runner.start()
    while "waiting" not in progress.message:
        assert runner.is_alive(), reports
        runner.join(0.01)
    holder.communicate("\n")
    runner.join(60)
    assert [report.status for report in reports] == ["success"]
    log = Path(reports[0].report).with_name("osiris.log").read_text()
    assert log.count(f"waiting, the database file is open in the process {holder.pid}") == 1


def test_two_spellings_of_one_table_are_one_target(project: Project) -> None:
    """DuckDB takes `orders` and `ORDERS` for one table: the second replace would drop the first one's rows."""
    (project.root / "p.yaml").write_text(HEAD + SECOND)
    report = project.run("p.yaml")
    assert report.error is not None
    assert report.error.code == "run.two_writers"


def test_a_dry_run_finds_a_column_that_does_not_come(project: Project) -> None:
    mapped = HEAD.replace("create_if_missing: true}}", "create_if_missing: true}, columns: [{from: idd, to: id}]}")
    (project.root / "p.yaml").write_text(mapped)
    report = project.run("p.yaml", dry_run=True)
    assert report.error is not None
    assert report.error.code == "columns.unknown"
    assert not (project.root / "shop.duckdb").exists()
