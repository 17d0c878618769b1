"""Where runs are kept: found again by pipeline and id, in the order of time, unfinished ones told from the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osiris import runs
from osiris.errors import NotFound
from osiris.runs import Ledger, RunFolder, ledger


def made(
    root: Path, pipeline: str = "pipe", status: ledger.Status | None = "success", profile: str = "dev"
) -> RunFolder:
    folder = runs.create(root, profile, pipeline)
    book = Ledger(folder.path)
    book.done("a flow")
    if status is not None:
        book.finished(status)
    book.close()
    return folder


def test_runs_are_listed_newest_first_failed_and_unfinished_ones_too(tmp_path: Path) -> None:
    """LESSONS 19: failed runs were missing from the index."""
    first, second, third = made(tmp_path), made(tmp_path, status="failure"), made(tmp_path, "other", None)
    listed = runs.summaries(tmp_path)
    assert [(run.run_id, run.status) for run in listed] == [
        (third.run_id, "unfinished"),
        (second.run_id, "failure"),
        (first.run_id, "success"),
    ]
    assert listed[0].pipeline == "other"
    assert listed[0].started_at.endswith("+00:00")
    assert listed[0].duration_s is None


def test_unfinished_runs_are_those_of_one_pipeline_and_profile_oldest_first(tmp_path: Path) -> None:
    wanted = [made(tmp_path, status=None), made(tmp_path, status=None)]
    made(tmp_path)
    made(tmp_path, "other", None)
    made(tmp_path, profile="prod", status=None)
    assert runs.unfinished(tmp_path, "dev", "pipe") == wanted


def test_a_pipeline_whose_name_is_a_pattern_is_itself_only(tmp_path: Path) -> None:
    wanted = made(tmp_path, "p[1]*", None)
    made(tmp_path, "p1", None)
    assert runs.unfinished(tmp_path, "dev", "p[1]*") == [wanted]


def test_unfinished_runs_are_found_among_thousands_by_their_last_lines(tmp_path: Path) -> None:
    """Whatever is above the last line is not read: it could not be."""
    for _ in range(300):
        folder = runs.create(tmp_path, "dev", "pipe")
        text = b"not to be read\n" + b'{"entry":"finished","status":"success"}\n'
        (folder.path / ledger.FILE).write_bytes(text)
    wanted = made(tmp_path, status=None)
    assert runs.unfinished(tmp_path, "dev", "pipe") == [wanted]
    assert len(runs.summaries(tmp_path)) == 301


def test_strange_folders_are_no_runs(tmp_path: Path) -> None:
    wanted = made(tmp_path)
    (wanted.path.parent / "old_runs").mkdir()
    (wanted.path.parent / "notes_Z_1").write_text("mine")
    assert list(runs.find(tmp_path)) == [wanted]
    assert [run.run_id for run in runs.summaries(tmp_path)] == [wanted.run_id]


def test_a_run_is_found_by_the_start_of_its_id(tmp_path: Path) -> None:
    folder = made(tmp_path)
    assert runs.get(tmp_path, folder.run_id) == runs.get(tmp_path, folder.run_id[:6]) == folder
    with pytest.raises(NotFound, match="there is no run 'zzz'") as unknown:
        runs.get(tmp_path, "zzz")
    assert unknown.value.hint == "see: osiris runs list"
    other = made(tmp_path, "other")
    with pytest.raises(NotFound, match="more than one run"):
        runs.get(tmp_path, "")
    assert runs.get(tmp_path) == other


def test_who_gives_something_else_than_an_id_is_told_the_id(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing was run here yet"):
        runs.get(tmp_path)
    made(tmp_path)
    run = made(tmp_path)
    swapped = run.run_id[:10] + ("00" if run.run_id[10:] != "00" else "11")
    for given, hint in (
        ("pipe", f"the last run of pipe is {run.run_id}"),
        (run.path.name, f"its id is {run.run_id}"),
        (str(run.path), f"its id is {run.run_id}"),
        (swapped, f'did you mean "{run.run_id}"?'),
    ):
        with pytest.raises(NotFound) as unknown:
            runs.get(tmp_path, given)
        assert unknown.value.hint == hint


def test_runs_are_chosen_by_pipeline_status_and_number(tmp_path: Path) -> None:
    first, second, third = made(tmp_path), made(tmp_path, status="failure"), made(tmp_path, "other", None)

    def ids(**wanted: Any) -> list[str]:
        return [run.run_id for run in runs.summaries(tmp_path, **wanted)]

    assert ids(pipeline="pipe") == [second.run_id, first.run_id]
    assert ids(status="success") == [first.run_id]
    assert ids(limit=1) == ids(status="unfinished") == [third.run_id]
    assert ids(pipeline="pipe", status="failure", limit=5) == [second.run_id]
    assert ids(status="running") == []
    assert ids(status="running", is_running=lambda run: run == third) == [third.run_id]


def test_a_folder_tells_what_it_knows(tmp_path: Path) -> None:
    folder = made(tmp_path)
    assert folder.report() is None
    (folder.path / "report.json").write_text('{"status": "success"}')
    assert folder.report() == {"status": "success"}
    assert folder.output("step") == folder.path / "output" / "step"
    assert not folder.output("step").exists()
    assert folder.state().flows["a flow"].done
