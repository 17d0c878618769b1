"""Random kills of `osiris run`, or of the server under it.

python -m tests.connectors.mysql.kills --times 50 --seed 1 [--mode append] [--server] [--load]
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.connectors.mysql.trial import MODES, Trial, Where
from tests.servers.mariadb import MariaDB

PHASES = {"": 0.1, "planned": 0.45, "decided": 0.45}
"""How many of the kills come before a run has planned its write, from then on, and once it has decided to commit."""
AGAIN = 0.25
"""How many of the runs that are to finish a killed one are killed, too."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long each of the phases of a run takes."""

    phases_s: Mapping[str, float]

    @classmethod
    def of(cls, trial: Trial) -> Pace:
        """Of a run that nobody disturbs."""
        trial.reset()
        times = [time.monotonic()]
        process = trial.start()
        for entry in (*list(PHASES)[1:], "finished"):
            trial.reach(process, entry)
            times.append(time.monotonic())
        trial.end(process)
        return cls({phase: after - before for phase, before, after in zip(PHASES, times, times[1:], strict=False)})

    def moment(self, trial: Trial, dice: random.Random, process: subprocess.Popen[str]) -> float:
        """How long a run, which has come to some phase, has still to go on."""
        (phase,) = dice.choices(list(PHASES), list(PHASES.values()))
        if phase:
            trial.reach(process, phase)
        return dice.uniform(0, self.phases_s[phase])


def kill(trial: Trial, dice: random.Random, pace: Pace) -> tuple[Where, int]:
    """Kill a run at a random moment, and finish it by another. Returns where it was, and how many more were killed."""
    where = _struck(trial, dice, pace, trial.kill)
    again = 0
    while _is_unfinished(trial) and dice.random() < AGAIN:
        process = trial.start()
        if _outlives(process, dice.uniform(0, sum(pace.phases_s.values()))):
            again += trial.kill(process) is not None
            trial.is_whole()
    _finish(trial)
    return where, again


def kill_server(trial: Trial, dice: random.Random, pace: Pace) -> tuple[Where, int]:
    """Kill the server under a run at a random moment, start it again, and finish the run by another."""

    def strike(process: subprocess.Popen[str]) -> Where:
        where = trial.where()
        trial.database.server.kill()
        process.communicate()
        trial.database.server.resume()
        return where

    where = _struck(trial, dice, pace, strike)
    _finish(trial)
    return where, 0


def _struck(
    trial: Trial, dice: random.Random, pace: Pace, strike: Callable[[subprocess.Popen[str]], Where | None]
) -> Where:
    """Begin runs until one is struck before it has ended. Either nothing of it is to be seen then, or all."""
    while True:
        trial.reset()
        process = trial.start()
        if _outlives(process, pace.moment(trial, dice, process)) and (where := strike(process)):
            trial.is_whole()
            return where


def _outlives(process: subprocess.Popen[str], wait_s: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=wait_s)
        return False
    return True


def _is_unfinished(trial: Trial) -> bool:
    """Whether another run finishes the last one, and is no new one."""
    return trial.where() != "when all was done"


def _finish(trial: Trial) -> None:
    if _is_unfinished(trial):
        trial.end(trial.start())
    trial.is_one_clean_run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50, help="how many kills for each write mode")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", choices=list(MODES), action="append", help="only this one")
    parser.add_argument("--server", action="store_true", help="kill the server, not osiris")
    parser.add_argument("--load", action="store_true", help="write by LOAD DATA LOCAL")
    given = parser.parse_args()
    server = MariaDB.start()
    try:
        for mode in given.mode or MODES:
            _many(server, mode, given)
    finally:
        server.stop()


def _many(server: MariaDB, mode: str, given: argparse.Namespace) -> None:
    """Half of the kills while a table is read, half while a CSV file is."""
    dice = random.Random(f"{given.seed} {mode}")
    found: Counter[str] = Counter()
    began = time.monotonic()
    for reader, times in (("mysql", given.times - given.times // 2), ("csv", given.times // 2)):
        with tempfile.TemporaryDirectory() as folder:
            trial = Trial(server.database(), Path(folder), mode, reader, fields={"local_infile": given.load})
            trial.prepare()
            pace = Pace.of(trial)
            for _ in range(times):
                where, again = (kill_server if given.server else kill)(trial, dice, pace)
                found.update({"kills": 1, where: 1, "of runs that finish another": again})
            trial.database.drop()
    print(f"{mode}: {dict(found)}, each then finished as one clean run, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
