"""A write that waits for somebody's lock, and is stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from osiris.execute.base import Cancellation
from osiris.runs import Report
from tests.connectors.patience import Blocked, until
from tests.connectors.postgres.test_pipelines import Place
from tests.servers.postgres import Database

pytestmark = pytest.mark.server


def test_ctrl_c_ends_an_upsert_whose_commit_waits_for_a_lock(database: Database, tmp_path: Path) -> None:
    """Once: nothing is changed, nothing stays, also when the lock is let go afterwards; the same run then succeeds."""
    database.sql(
        "CREATE TABLE source AS SELECT g AS id, 'new' AS word FROM generate_series(1, 3) AS g",
        "CREATE TABLE t (id int PRIMARY KEY, word text)",
        "INSERT INTO t SELECT g, 'old' FROM generate_series(1, 4) AS g",
    )
    place, cancel = Place(database, tmp_path), Cancellation()
    path = tmp_path / "p.yaml"
    writing = {"table": "t", "write_mode": "upsert", "primary_key": "id"}
    steps = [
        {"id": "read", "component": "postgres.extractor", "mode": "read", "config": {"table": "source"}},
        {"id": "write", "component": "postgres.writer", "mode": "write", "config": writing},
    ]
    path.write_text(json.dumps({"oml_version": "0.1.0", "name": "p", "steps": steps}))
    reports: list[Report] = []
    with database.connect() as other, other.transaction(force_rollback=True):
        other.execute("SELECT FROM t WHERE id = 2 FOR UPDATE")
        run = Blocked(lambda: reports.append(place.project.run(path, cancel=cancel)))
        until(lambda: database.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
        assert run.interrupted_by(lambda: None if cancel.requested else cancel.request()) is None
    assert (reports[0].status, reports[0].exit_code) == ("cancelled", 130)
    assert database.sql("SELECT * FROM t ORDER BY id") == [(n, "old") for n in range(1, 5)]
    assert database.sql("SELECT relname FROM pg_class WHERE relname LIKE '\\_osiris\\_stage%'") == []
    assert place.project.run(path).status == "success"
    assert database.sql("SELECT * FROM t ORDER BY id") == [(1, "new"), (2, "new"), (3, "new"), (4, "old")]
