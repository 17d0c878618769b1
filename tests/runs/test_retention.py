"""What `retention` removes, and what it never does."""

from __future__ import annotations

from pathlib import Path

from osiris.runs import Ledger, RunFolder, create, find
from osiris.runs.retention import prune


def make(root: Path, stamp: str, *, finished: bool = True) -> RunFolder:
    """A run as if it had started at `stamp`."""
    run = create(root, "default", "orders")
    ledger = Ledger(run.path)
    if finished:
        ledger.finished("success")
    ledger.close()
    path = run.path.rename(run.path.with_name(f"{stamp}_{run.run_id}"))
    return RunFolder(path, run.run_id, run.pipeline, run.profile)


def left(root: Path) -> list[str]:
    return [run.run_id for run in find(root)]


def test_only_the_newest_runs_are_kept(tmp_path: Path) -> None:
    runs = [make(tmp_path, f"2026010{day}T000000.000000Z") for day in range(1, 6)]
    removed = prune(tmp_path, "default", "orders", keep_runs=2, keep_days=None)
    assert sorted(run.run_id for run in removed) == sorted(run.run_id for run in runs[:3])
    assert left(tmp_path) == [run.run_id for run in runs[3:]]


def test_old_runs_go_and_new_ones_stay(tmp_path: Path) -> None:
    old = make(tmp_path, "20200101T000000.000000Z")
    new = create(tmp_path, "default", "orders")
    removed = prune(tmp_path, "default", "orders", keep_runs=None, keep_days=30)
    assert [run.run_id for run in removed] == [old.run_id]
    assert left(tmp_path) == [new.run_id]


def test_a_run_that_has_yet_to_be_settled_is_never_removed(tmp_path: Path) -> None:
    unfinished = make(tmp_path, "20200101T000000.000000Z", finished=False)
    make(tmp_path, "20200102T000000.000000Z")
    newest = make(tmp_path, "20200103T000000.000000Z")
    prune(tmp_path, "default", "orders", keep_runs=1, keep_days=None)
    assert left(tmp_path) == [unfinished.run_id, newest.run_id]


def test_other_pipelines_and_no_retention_are_left_alone(tmp_path: Path) -> None:
    make(tmp_path, "20200101T000000.000000Z")
    assert prune(tmp_path, "default", "other", keep_runs=1, keep_days=1) == []
    assert prune(tmp_path, "default", "orders", keep_runs=None, keep_days=None) == []
    assert len(left(tmp_path)) == 1
