"""A server that has no more room: a clear error, the target as it was, and room again for the next write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.mysql.trial import Trial
from tests.connectors.patience import until
from tests.servers.mariadb import MariaDB

pytestmark = [pytest.mark.server, pytest.mark.slow]
ROOM = "ibdata1:12M:autoextend:max:64M"
PURGED = (
    "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'INNODB_HISTORY_LIST_LENGTH'"
)


@pytest.fixture
def cramped() -> Iterator[MariaDB]:
    """All its tables are in one file that grows up to a limit, as on a disk of that size."""
    server = MariaDB.start(tls=False, innodb_file_per_table="OFF", innodb_data_file_path=ROOM)
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("mode", "times"),
    [("append", 14), ("replace", 14), ("upsert", 14), ("upsert", 8)],
    ids=["append", "replace", "upsert, while rows are staged", "upsert, in its commit"],
)
def test_a_full_disk_of_the_server_is_told_and_leaves_the_target(
    cramped: MariaDB, tmp_path: Path, mode: str, times: int
) -> None:
    database = cramped.database()
    trial = Trial(database, tmp_path, mode, "csv", rows=1000)
    trial.prepare()
    trial.reset()
    source = tmp_path / "source.csv"
    small = source.read_text(encoding="utf-8")
    source.write_text(larger(small, times), encoding="utf-8")
    error = trial.run("failure").error
    assert error is not None
    assert (error.code, error.step, error.retryable) == ("disk.full", "w", False)
    assert "The table 't' is full" in error.message
    assert trial.look() == trial.old
    assert trial.tables() == {"source", "t", "_osiris_commits", "_osiris_state"}
    source.write_text(small, encoding="utf-8")
    until(lambda: database.sql(PURGED) == [("0",)])  # only then is the room of what was dropped free
    trial.run()
    trial.is_one_clean_run()
    database.drop()


def larger(text: str, times: int) -> str:
    """The rows so many times, each time with other ids."""
    head, *lines = text.splitlines(keepends=True)
    rows = [line.split(",", 2) for line in lines]
    return head + "".join(f"{place},{again}000{key},{rest}" for again in range(times) for place, key, rest in rows)
