"""`osiris run` into PostgreSQL is killed, or its server is: nothing half-written, and the next run finishes it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from osiris.testing.faults import Fault, FaultProxy
from tests.connectors.patience import until
from tests.connectors.postgres.target import Target
from tests.connectors.postgres.trial import LIMIT_S, MODES, Trial
from tests.servers.postgres import PostgreSQL

pytestmark = [pytest.mark.server, pytest.mark.slow]
KILLS = int(os.environ.get("OSIRIS_TEST_KILLS", "1"))
"""At how many random moments a run is killed, for each mode."""
WRITE = (b'slovo "1801"', False)
NOTE = (b'"_osiris_commits" (token', False)
COMMIT = (b"COMMIT\0", False)
ANSWER = (b"COMMIT\0", True)
MOMENTS: dict[str, dict[str, tuple[bytes, bool]]] = {
    "append": {"before begin": (b"BEGIN", False), "while writing": WRITE, "before COMMIT": COMMIT, "after it": ANSWER},
    "made": {"while writing": WRITE, "before COMMIT": COMMIT, "after it": ANSWER},
    "replace": {"while writing": WRITE, "after TRUNCATE": (b"TRUNCATE", True), "before": COMMIT, "after it": ANSWER},
    "upsert": {"after the rows": (b"ON CONFLICT", True), "before COMMIT": COMMIT, "after it": ANSWER},
    "two writers": {
        "when rows are staged": ANSWER,
        "before the first's note": NOTE,
        "before the second is committed": (b'INSERT INTO "public"."u"', False),
        "after the second's rows": (b'INSERT INTO "public"."u"', True),
    },
}
"""The bytes that do not reach the server any more, or, with True, do so and are not answered."""


@pytest.mark.parametrize("mode", MODES)
def test_a_run_that_is_killed_at_any_moment_and_run_again_is_one_clean_run(target: Target, mode: str) -> None:
    """Its session stays: the server does not notice, as when a machine is gone from the network."""
    with FaultProxy("127.0.0.1", target.database.server.port) as proxy:
        trial = prepared(target, mode, proxy)
        for moment in MOMENTS[mode]:
            process = stalled(trial, proxy, *MOMENTS[mode][moment])
            assert process.poll() is None, (moment, process.communicate())
            trial.kill(process)
            proxy.mend()
            finished(trial)


@pytest.mark.parametrize("mode", ["append", "replace", "two writers"])
def test_a_run_that_is_killed_at_random_and_run_again_is_one_clean_run(target: Target, mode: str) -> None:
    trial = Trial(target.database, target.root, mode)
    trial.prepare()
    pace_s, dice = pace(trial), random.Random(mode)
    for _ in range(KILLS):
        struck(trial, dice.uniform(0, pace_s))
        finished(trial)


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_run_whose_server_is_killed_is_finished_by_the_next(tmp_path: Path, mode: str) -> None:
    server = PostgreSQL.start(tls=False)
    try:
        with FaultProxy("127.0.0.1", server.port) as proxy:
            trial = prepared(Target(server.database(), tmp_path), mode, proxy)
            for moment in (WRITE, ANSWER):
                process = stalled(trial, proxy, *moment)
                server.kill()
                proxy.mend()
                proxy.hang_up()
                process.communicate()
                assert process.returncode == 1
                server.resume()
                finished(trial)
    finally:
        server.stop()


def prepared(target: Target, mode: str, proxy: FaultProxy) -> Trial:
    """A trial whose target is reached through the proxy."""
    fields = {"host": proxy.host, "port": proxy.port, "sslmode": "disable"}
    trial = Trial(target.database, target.root, mode, fields)
    trial.prepare()
    return trial


def stalled(trial: Trial, proxy: FaultProxy, bytes_at: bytes, lose_answer: bool) -> subprocess.Popen[str]:
    """A run that waits for the server in vain, at those bytes."""
    trial.reset()
    before = proxy.hits["stall"]
    proxy.mend(Fault("stall", "to_server", at=bytes_at, lose_answer=lose_answer))
    process = trial.start()
    until(lambda: proxy.hits["stall"] > before or process.poll() is not None)
    return process


def pace(trial: Trial) -> float:
    """How long a run takes from planning its write to its end."""
    trial.reset()
    process = trial.start()
    trial.plan(process)
    began = time.monotonic()
    process.communicate()
    return time.monotonic() - began


def struck(trial: Trial, after_s: float) -> None:
    """Kill a run so long after it has planned its write; it may have ended before."""
    trial.reset()
    process = trial.start()
    trial.plan(process)
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=after_s)
    process.kill()
    process.communicate(timeout=LIMIT_S)
    assert process.returncode in (0, -signal.SIGKILL)


def finished(trial: Trial) -> None:
    """By the next run; whatever it was, no target was half-written before it."""
    trial.is_whole()
    if not trial.is_over():
        trial.run()
    trial.is_one_clean_run()
