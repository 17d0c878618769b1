"""`osiris run` into MySQL is killed, or the server under it is: nothing half-written, and the next run finishes it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris.testing.faults import FaultProxy
from tests.connectors.mysql import kills
from tests.connectors.mysql.trial import Trial, Where
from tests.connectors.patience import until
from tests.servers.mariadb import Database, MariaDB

pytestmark = [pytest.mark.server, pytest.mark.slow]
KILLS = int(os.environ.get("OSIRIS_TEST_KILLS", "1"))
"""At how many random moments a run is killed, for each mode; `python -m tests.connectors.mysql.kills` does many."""
BEGIN = (b"GET_LOCK", False)
WRITE = (b'slovo "801"', False)
COMMIT = b"\x03COMMIT"
MOMENTS: dict[str, dict[str, tuple[bytes, bool]]] = {
    "append": {
        "before begin": BEGIN,
        "while writing": WRITE,
        "before the commit": (COMMIT, False),
        "after the commit": (COMMIT, True),
    },
    "upsert": {
        "before begin": BEGIN,
        "while writing": WRITE,
        "before the commit": (b"AS t JOIN", False),
        "between UPDATE and INSERT": (b"`_osiris_met` = 0", False),
        "inside the commit": (COMMIT, False),
        "after the commit": (COMMIT, True),
        "while staging is removed": (b"DROP TABLE", False),
    },
    "replace": {
        "before begin": BEGIN,
        "while writing": WRITE,
        "before the commit": (COMMIT, False),
        "after pending": (COMMIT, True),
        "between pending and RENAME": (b"RENAME TABLE", False),
        "after RENAME": (b"RENAME TABLE", True),
        "before it is marked committed": (b"SET pending = NULL", True),
        "while staging is removed": (b"DROP TABLE", True),
    },
    "made": {
        "while writing": WRITE,
        "between pending and RENAME": (b"RENAME TABLE", False),
        "after RENAME": (b"RENAME TABLE", True),
        "before it is marked committed": (b"SET pending = NULL", True),
    },
}
"""The bytes that do not reach the server any more, or, with True, do so and are not answered."""
PLACES: dict[str, Where] = {
    "before begin": "while writing",
    "while writing": "while writing",
    "while staging is removed": "after the commit",
}
"""How far the run has come by its ledger, where that is not in the commit."""
CRASHES = {
    "append": ("while writing", "after the commit"),
    "upsert": ("between UPDATE and INSERT", "after the commit"),
    "replace": ("between pending and RENAME", "after RENAME"),
}
"""At which moments the server is killed, too."""


@pytest.mark.parametrize(("mode", "reader"), [("append", "csv"), ("replace", "mysql"), ("upsert", "csv")])
def test_a_run_that_is_killed_at_random_and_run_again_is_one_clean_run(
    database: Database, tmp_path: Path, mode: str, reader: str
) -> None:
    trial = Trial(database, tmp_path, mode, reader)
    trial.prepare()
    pace, dice = kills.Pace.of(trial), random.Random(mode)
    for _ in range(KILLS):
        kills.kill(trial, dice, pace)


@pytest.mark.parametrize("mode", MOMENTS)
def test_a_run_that_is_killed_at_any_moment_and_run_again_is_one_clean_run(
    database: Database, tmp_path: Path, mode: str
) -> None:
    """Its session stays: the server does not notice, as when a machine is gone from the network."""
    with FaultProxy("127.0.0.1", database.server.port) as proxy:
        trial = prepared(database, tmp_path, mode, proxy)
        for moment in MOMENTS[mode]:
            process = trial.stall(proxy, *MOMENTS[mode][moment])
            assert trial.kill(process) == PLACES.get(moment, "in the commit"), moment
            proxy.mend()
            assert trial.look() in (trial.old, trial.new), moment
            trial.run()
            assert trial.look() == trial.new, moment
            trial.nothing_is_left()


@pytest.mark.parametrize("first", ["the other goes", "the next run comes"])
@pytest.mark.parametrize(("mode", "at_work"), [("replace", "RENAME TABLE%"), ("upsert", "UPDATE % AS t JOIN %")])
def test_a_run_that_is_killed_while_its_commit_waits_for_another_session(
    database: Database, tmp_path: Path, mode: str, at_work: str, first: str
) -> None:
    """The server does not notice, and goes on with it: once the other is gone, unless the next run is there before."""
    trial = Trial(database, tmp_path, mode, rows=1000)
    trial.prepare()
    trial.reset()
    sessions = f"SELECT ID FROM information_schema.PROCESSLIST WHERE DB = '{database.name}' AND INFO LIKE '{at_work}'"
    with database.server.connect(database.name) as other, other.cursor() as cursor:
        other.begin()
        cursor.execute("SELECT * FROM t LIMIT 1" if mode == "replace" else "UPDATE t SET word = 'x' WHERE id = 7")
        process = trial.start()
        until(lambda: database.server.sql(sessions) or process.poll() is not None)
        assert trial.kill(process) == "in the commit"
        left = database.server.sql(sessions)
        assert len(left) == 1
        if first == "the next run comes":
            process = trial.start()
            until(lambda: database.server.sql(sessions) not in ([], left) or process.poll() is not None)
        other.rollback()
    if first == "the next run comes":
        trial.end(process)
    else:
        trial.run()
    trial.is_one_clean_run()


@pytest.fixture(scope="module")
def mortal() -> Iterator[MariaDB]:
    server = MariaDB.start()
    yield server
    server.stop()


@pytest.mark.parametrize("mode", CRASHES)
def test_a_run_whose_server_is_killed_is_finished_by_the_next(mortal: MariaDB, tmp_path: Path, mode: str) -> None:
    with FaultProxy("127.0.0.1", mortal.port) as proxy:
        trial = prepared(mortal.database(), tmp_path, mode, proxy)
        for moment in CRASHES[mode]:
            process = trial.stall(proxy, *MOMENTS[mode][moment])
            mortal.kill()
            proxy.mend()
            proxy.hang_up()
            error = trial.end(process, "failure")["error"]
            assert error["code"].startswith("connection."), error
            mortal.resume()
            assert trial.look() in (trial.old, trial.new), moment
            trial.run()
            assert trial.look() == trial.new, moment
            trial.nothing_is_left()


def prepared(database: Database, root: Path, mode: str, proxy: FaultProxy) -> Trial:
    """A trial whose target is reached through the proxy."""
    fields = {"host": proxy.host, "port": proxy.port, "ssl_mode": "disabled"}
    trial = Trial(database, root, mode, rows=1000, fields=fields)
    trial.prepare()
    return trial
