"""Old runs go as `retention` asks; those that are not over stay whatever it asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from osiris import runs
from osiris.runs import Ledger, RunFolder
from osiris.runs.retention import old, prune, remove, size_bytes


def made(root: Path, stamp: str, number: int, *, finished: bool = True, pipeline: str = "pipe") -> RunFolder:
    path = root / "run_logs" / "dev" / pipeline / f"{stamp}_{number:012x}"
    path.mkdir(parents=True)
    ledger = Ledger(path)
    ledger.done("a flow")
    if finished:
        ledger.finished("success")
    ledger.close()
    return RunFolder(path, f"{number:012x}", pipeline, "dev")


def test_the_newest_runs_are_kept_and_one_that_is_not_over(tmp_path: Path) -> None:
    unfinished = made(tmp_path, "20200101T000000.000000Z", 1, finished=False)
    kept = [made(tmp_path, f"2020010{day}T000000.000000Z", day) for day in range(2, 6)]
    assert prune(tmp_path, "dev", "pipe", keep_runs=2, keep_days=None) == [kept[1], kept[0]]
    assert list(runs.find(tmp_path)) == [unfinished, *kept[2:]]


def test_runs_of_the_last_days_are_kept(tmp_path: Path) -> None:
    made(tmp_path, "20200101T000000.000000Z", 1)
    young = runs.create(tmp_path, "dev", "pipe")
    assert len(prune(tmp_path, "dev", "pipe", keep_runs=None, keep_days=7)) == 1
    assert list(runs.find(tmp_path)) == [young]
    assert prune(tmp_path, "dev", "pipe", keep_runs=None, keep_days=None) == []


def test_each_pipeline_keeps_its_own_newest_runs(tmp_path: Path) -> None:
    for day in (1, 2):
        made(tmp_path, f"2020010{day}T000000.000000Z", day)
        made(tmp_path, f"2020010{day}T000000.000000Z", day + 10, pipeline="other")
    unfinished = made(tmp_path, "20191231T000000.000000Z", 9, finished=False)
    found = old(tmp_path, keep_runs=1, keep_days=None)
    assert [run.run_id for run in found.finished] == [f"{11:012x}", f"{1:012x}"]
    assert found.unfinished == (unfinished,)
    assert [run.run_id for run in old(tmp_path, pipeline="pipe", keep_runs=1, keep_days=None).finished] == [f"{1:012x}"]


def test_a_removal_that_is_cut_off_leaves_no_run_and_is_finished_by_the_next(tmp_path: Path) -> None:
    first = made(tmp_path, "20200101T000000.000000Z", 1)
    second = made(tmp_path, "20200102T000000.000000Z", 2)
    (first.path / "output").mkdir()
    (first.path / "output" / "rows.csv").write_text("1,2,3")
    assert size_bytes(first) == size_bytes(second) + 5
    half = first.path.rename(first.path.with_name(f".{first.path.name}.going"))
    (half / "ledger.jsonl").unlink()
    assert list(runs.find(tmp_path)) == [second]
    remove(second)
    assert list(second.path.parent.iterdir()) == []


def test_what_cannot_be_removed_does_not_fail_the_run_that_tried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = made(tmp_path, "20200101T000000.000000Z", 1)
    run.path.with_name(f".{run.path.name}.going").write_text("in the way")
    assert prune(tmp_path, "dev", "pipe", keep_runs=0, keep_days=None) == []
    assert "could not be removed" in caplog.text
    assert list(runs.find(tmp_path)) == [run]
