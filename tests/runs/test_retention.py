"""Old runs go as `retention` asks; those that are not over stay whatever it asks."""

from __future__ import annotations

from pathlib import Path

from osiris import runs
from osiris.runs import Ledger, RunFolder
from osiris.runs.retention import prune


def made(root: Path, stamp: str, number: int, *, finished: bool = True) -> RunFolder:
    path = root / "run_logs" / "dev" / "pipe" / f"{stamp}_{number:012x}"
    path.mkdir(parents=True)
    ledger = Ledger(path)
    ledger.done("a flow")
    if finished:
        ledger.finished("success")
    ledger.close()
    return RunFolder(path, f"{number:012x}", "pipe", "dev")


def test_the_newest_runs_are_kept_and_one_that_is_not_over(tmp_path: Path) -> None:
    unfinished = made(tmp_path, "20200101T000000.000000Z", 1, finished=False)
    old = [made(tmp_path, f"2020010{day}T000000.000000Z", day) for day in range(2, 6)]
    assert prune(tmp_path, "dev", "pipe", keep_runs=2, keep_days=None) == [old[1], old[0]]
    assert list(runs.find(tmp_path)) == [unfinished, *old[2:]]


def test_runs_of_the_last_days_are_kept(tmp_path: Path) -> None:
    made(tmp_path, "20200101T000000.000000Z", 1)
    young = runs.create(tmp_path, "dev", "pipe")
    assert len(prune(tmp_path, "dev", "pipe", keep_runs=None, keep_days=7)) == 1
    assert list(runs.find(tmp_path)) == [young]
    assert prune(tmp_path, "dev", "pipe", keep_runs=None, keep_days=None) == []
