"""One flow from MySQL into two of its tables, one of them through DuckDB's SQL: killed between the two commits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osiris.testing.faults import FaultProxy
from tests.connectors.mysql.trial import Trial, Where
from tests.servers.mariadb import Database

pytestmark = [pytest.mark.server, pytest.mark.slow]
SQL = "SELECT id, count(*) AS count, sum(amount) AS amount, max(word) AS word FROM r GROUP BY id ORDER BY id"
SECOND: dict[str, dict[str, Any]] = {
    "replace": {"write_mode": "replace"},
    "upsert": {"write_mode": "upsert", "primary_key": "id"},
}
OTHER = """
CREATE TABLE u (id BIGINT PRIMARY KEY, count BIGINT, amount DECIMAL(38,2), word LONGTEXT)
    SELECT seq * 7 AS id, seq AS count, 0 AS amount, NULL AS word FROM seq_1_to_500
"""
FIRST: dict[str, tuple[bytes, bool, Where]] = {
    "while writing": (b'slovo "801"', False, "while writing"),
    "before the first commit": (b"ORDER BY `_osiris_row`", False, "in the commit"),
    "after the first commit": (b"\x03COMMIT", True, "in the commit"),
}
MOMENTS: dict[str, dict[str, tuple[bytes, bool, Where]]] = {
    "replace": {
        **FIRST,
        "between the two commits": (b"RENAME TABLE", False, "after the commit"),
        "after the second commit": (b"RENAME TABLE", True, "after the commit"),
        "while staging is removed": (b"DROP TABLE", True, "after the commit"),
    },
    "upsert": {
        "between the two commits": (b"AS t JOIN", False, "after the commit"),
        "inside the second commit": (b"`_osiris_met` = 0", False, "after the commit"),
    },
}
"""By the mode of the second writer: the bytes that do not reach the server, or, with True, are not answered; and how
far the first writer has come by the ledger."""


def writer(name: str, needs: str, **config: Any) -> dict[str, Any]:
    given = {"connection": "@mysql.target", **config}
    return {"id": name, "component": "mysql.writer", "needs": [needs], "config": given}


@pytest.fixture
def proxy(database: Database) -> Iterator[FaultProxy]:
    with FaultProxy("127.0.0.1", database.server.port) as made:
        yield made


def prepared(database: Database, root: Path, proxy: FaultProxy, mode: str) -> Trial:
    fields = {"host": proxy.host, "port": proxy.port, "ssl_mode": "disabled"}
    trial = Trial(database, root, "append", rows=1000, fields=fields, more=(OTHER,))
    trial.prepare(
        {"id": "r", "component": "mysql.extractor", "config": {"connection": "@mysql.shop", "table": "source"}},
        {"id": "sums", "component": "duckdb.processor", "needs": ["r"], "config": {"query": SQL}},
        writer("first", "r", table="t"),
        writer("second", "sums", table="u", **SECOND[mode]),
    )
    return trial


@pytest.mark.parametrize("mode", SECOND)
def test_a_run_that_is_killed_around_two_commits_is_finished_without_its_source(
    database: Database, proxy: FaultProxy, tmp_path: Path, mode: str
) -> None:
    trial = prepared(database, tmp_path, proxy, mode)
    clean = trial.look(), trial.look("u")
    trial.reset()
    old = trial.look("u")
    for moment, (at, lose_answer, where) in MOMENTS[mode].items():
        process = trial.stall(proxy, at, lose_answer)
        assert trial.kill(process) == where, moment
        proxy.mend()
        assert trial.look() in (trial.old, clean[0]), moment
        assert trial.look("u") in (old, clean[1]), moment
        finish(trial, decided=where != "while writing")
        assert (trial.look(), trial.look("u")) == clean, moment
        trial.nothing_is_left(writers=2, tables=frozenset({"t", "u"}))


@pytest.mark.parametrize("mode", SECOND)
def test_a_second_target_that_was_altered_between_the_commits_is_told_with_the_way_out(
    database: Database, proxy: FaultProxy, tmp_path: Path, mode: str
) -> None:
    """The first writer has committed, so that the second can only follow, or be given up."""
    trial = prepared(database, tmp_path, proxy, mode)
    clean = trial.look(), trial.look("u")
    at, lose_answer, _ = MOMENTS[mode]["between the two commits"]
    trial.kill(trial.stall(proxy, at, lose_answer))
    proxy.mend()
    database.sql("ALTER TABLE u DROP COLUMN word")
    error = trial.end(trial.start(), "failure")["error"]
    assert "u was made, altered or dropped by somebody else" in error["message"]
    assert "first has committed" in error["hint"]
    assert f"remove {trial.runs()[-1].path}" in error["hint"]
    database.sql("ALTER TABLE u ADD COLUMN word LONGTEXT")
    trial.run()
    assert (trial.look(), trial.look("u")) == clean
    trial.nothing_is_left(writers=2, tables=frozenset({"t", "u"}))


def finish(trial: Trial, *, decided: bool) -> None:
    """What is decided does not need the source any more."""
    if not decided:
        trial.run()
        return
    trial.database.sql("RENAME TABLE source TO hidden")
    trial.run()
    trial.database.sql("RENAME TABLE hidden TO source")
