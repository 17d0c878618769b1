"""Two who want the same rows or table at once: a write that loses is undone, and its flow is tried again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import osiris
from osiris.execute.base import Cancellation
from osiris.runs import Report
from tests.connectors.mysql.test_interrupted_reads import gather
from tests.connectors.mysql.test_pipelines import Place
from tests.connectors.patience import until
from tests.servers.mariadb import Database

pytestmark = pytest.mark.server
RETRY = {"attempts": 3, "backoff": "500ms"}
WAITING = "SELECT 1 FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
HEAVY = "INSERT INTO ballast SELECT seq FROM seq_1_to_2000"
"""InnoDB gives up the transaction of a deadlock that has changed the fewest rows."""
MODES: dict[str, dict[str, Any]] = {
    "append": {},
    "upsert": {"write_mode": "upsert", "primary_key": "id"},
    "replace": {"write_mode": "replace"},
}
NEW = [(1, "new"), (2, "new"), (3, "new")]
AFTER = {"append": NEW, "upsert": [*NEW, (4, "old")], "replace": NEW}


@pytest.fixture
def shop(database: Database) -> Database:
    database.sql(
        "CREATE TABLE source (id INT PRIMARY KEY, word TEXT) SELECT seq AS id, 'new' AS word FROM seq_1_to_3",
        "CREATE TABLE t (id INT PRIMARY KEY, word TEXT)",
        "CREATE TABLE ballast (id INT)",
    )
    return database


def done(place: Place, mode: str, meanwhile: Callable[[Place], None], **more: Any) -> str:
    """Run a write that succeeds. `meanwhile` happens while the run is at work; returns what its log says."""
    reports: list[Report] = []
    caught: list[osiris.OsirisError] = []
    path = place.write({"table": "source"}, "mysql.writer", {"table": "t", **MODES[mode]}, **more)
    thread = gather(caught, lambda: reports.append(place.project.run(path)))
    try:
        meanwhile(place)
    finally:
        thread.join()
    assert caught == []
    assert reports[0].status == "success", reports[0].error
    assert place.database.sql("SELECT * FROM t ORDER BY id") == AFTER[mode]
    return logged(place)


def logged(place: Place) -> str:
    return "".join(path.read_text() for path in (place.root / "run_logs").rglob("osiris.log"))


def blocked(place: Place) -> bool:
    """Whether somebody waits for a row. The server shows for 0.1 s what it showed before, so it is asked seldom."""
    return bool(place.database.sql(WAITING))


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_write_that_loses_a_deadlock_is_done_again(shop: Database, tmp_path: Path, mode: str) -> None:
    """It has row 1 and waits for row 2; who has that wants row 1. An upsert meets this in its commit, from staging, and
    commits again; rows that went straight into the table are read again, as often as the pipeline allows."""
    if mode == "upsert":
        shop.sql("INSERT INTO t SELECT seq, 'old' FROM seq_1_to_4")
    with shop.server.connect(shop.name) as other, other.cursor() as cursor:

        def want_row_1(place: Place) -> None:
            until(lambda: blocked(place), every_s=0.3)
            cursor.execute("SELECT id FROM t WHERE id = 1 FOR UPDATE")
            other.rollback()

        other.begin()
        cursor.execute(HEAVY)
        cursor.execute("REPLACE INTO t VALUES (2, 'theirs')")
        log = done(Place(shop, tmp_path), mode, want_row_1, **({"retry": RETRY} if mode == "append" else {}))
    assert "try restarting transaction" in log
    assert ("attempt 1 of 3 failed" in log) == (mode == "append")


@pytest.mark.parametrize("mode", MODES)
def test_a_write_that_waits_too_long_for_a_lock_is_done_again(shop: Database, tmp_path: Path, mode: str) -> None:
    """Of a row; to replace the table, which somebody reads, that of the table."""
    if mode != "append":
        shop.sql("INSERT INTO t SELECT seq, 'old' FROM seq_1_to_4")
    hasty = ["SET innodb_lock_wait_timeout = 1", "SET lock_wait_timeout = 1"]
    with shop.server.connect(shop.name) as other, other.cursor() as cursor:

        def let_go(place: Place) -> None:
            until(lambda: "attempt 1 of 3 failed" in logged(place))
            other.rollback()

        other.begin()
        cursor.execute("SELECT * FROM t" if mode == "replace" else "REPLACE INTO t VALUES (2, 'theirs')")
        assert "error 1205" in done(Place(shop, tmp_path, init_sql=hasty), mode, let_go, retry=RETRY)


def test_ctrl_c_ends_an_upsert_whose_commit_waits_for_a_lock(shop: Database, tmp_path: Path) -> None:
    """Once: nothing is changed, nothing stays, also when the lock is let go afterwards; the same run then succeeds."""
    shop.sql("INSERT INTO t SELECT seq, 'old' FROM seq_1_to_4")
    place, cancel = Place(shop, tmp_path), Cancellation()
    path = place.write({"table": "source"}, "mysql.writer", {"table": "t", **MODES["upsert"]})
    reports: list[Report] = []
    with shop.server.connect(shop.name) as other, other.cursor() as cursor:
        other.begin()
        cursor.execute("SELECT * FROM t WHERE id = 2 FOR UPDATE")
        thread = gather([], lambda: reports.append(place.project.run(path, cancel=cancel)))
        until(lambda: blocked(place), every_s=0.3)
        cancel.request()
        thread.join()
        other.rollback()
    assert (reports[0].status, reports[0].exit_code) == ("cancelled", 130)
    assert shop.sql("SELECT * FROM t ORDER BY id") == [(n, "old") for n in range(1, 5)]
    assert shop.sql("SHOW TABLES LIKE '\\_osiris\\_stage%'") == []
    assert place.project.run(path).status == "success"
    assert shop.sql("SELECT * FROM t ORDER BY id") == AFTER["upsert"]
