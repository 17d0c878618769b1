"""A run that is killed at any point, and then run again, leaves exactly what one clean run leaves."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from osiris.compile.manifest import Retry
from osiris.execute.base import Request
from osiris.runs import ledger
from tests.plugins.lab import Lab, read, refused, until, write

pytestmark = pytest.mark.slow

LEFT, RIGHT = "left", "right"
ONE = {
    "planned, not begun": ("begin", "stall", 0),
    "in the middle of writing": ("stage", "stall", 1500),
    "decided, not committed": ("commit", "stall", 0),
    "committed, not noted": ("commit", "mute", 0),
    "noted, staging not removed": ("drop", "stall", 0),
}
TWO = {
    "before the first commit": ("commit", "stall", LEFT),
    "after the first commit": ("commit", "mute", LEFT),
    "between two commits": ("commit", "stall", RIGHT),
    "after the last commit": ("commit", "mute", RIGHT),
    "while staging is removed": ("drop", "stall", RIGHT),
}


@pytest.mark.parametrize("staging", ["table", "session"])
@pytest.mark.parametrize("point", ONE)
def test_a_run_killed_at_any_point_and_run_again_is_one_clean_run(lab: Lab, point: str, staging: str) -> None:
    on, kind, rows = ONE[point]
    lab.database.numbers("source", 3000)
    lab.database.numbers("target", 5, first=-5)
    lab.database.fault(on, kind, rows=rows)
    steps = read("r", "source", split_by="n"), write("w", "r", "target", staging=staging)
    process = lab.start(steps)
    lab.reach(process, kind)
    lab.kill(process)
    lab.succeed(*steps, jobs=2)
    assert sorted(lab.database.column("target")) == list(range(-5, 3000))
    lab.nothing_is_left()
    rolls_forward = (staging == "table" and on == "commit") or kind == "mute" or on == "drop"
    assert len(lab.runs()) == (1 if rolls_forward else 2)


@pytest.mark.parametrize("point", TWO)
def test_a_run_killed_around_two_commits_is_rolled_forward_without_its_source(lab: Lab, point: str) -> None:
    on, kind, table = TWO[point]
    lab.database.numbers("source", 2000)
    lab.database.fault(on, kind, table)
    steps = read("r", "source"), write("a", "r", LEFT), write("b", "r", RIGHT, write_mode="replace")
    process = lab.start(steps)
    lab.reach(process, kind)
    lab.kill(process)
    lab.database.sql("DELETE FROM source")
    report = lab.succeed(*steps)
    assert lab.database.column(LEFT) == lab.database.column(RIGHT) == list(range(2000))
    assert [step.rows_written for step in report.steps] == [0, 2000, 2000]
    assert report.settled == (f"run {report.run_id}: 1 of 1 flows are committed",)
    lab.nothing_is_left()


@pytest.mark.parametrize("staging", ["table", "session"])
def test_a_commit_of_a_dead_process_that_the_server_is_still_doing_is_waited_for(lab: Lab, staging: str) -> None:
    lab.database.numbers("source", 2000)
    lab.database.fault("commit", "hold")
    steps = read("r", "source"), write("w", "r", "target", staging=staging)
    process = lab.start(steps)
    lab.reach(process, "hold")
    lab.kill(process)
    second = lab.start(steps)
    until(lambda: lab.database.sessions > 1, "the second run asks the server")
    lab.database.release()
    assert lab.finish(second)["status"] == "success"
    assert lab.database.column("target") == list(range(2000))
    assert len(lab.runs()) == 1
    lab.nothing_is_left()


def test_a_run_killed_after_its_last_flow_needs_no_second_one(lab: Lab) -> None:
    """Between `done` and `finished` no server holds anything up: the last line is taken away."""
    lab.database.numbers("source", 10)
    steps = read("r", "source"), write("w", "r", "target")
    lab.succeed(*steps)
    (run,) = lab.runs()
    lines = (run.path / ledger.FILE).read_text().splitlines(keepends=True)
    assert json.loads(lines[-1])["entry"] == "finished"
    (run.path / ledger.FILE).write_text("".join(lines[:-1]))
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(10))
    assert len(lab.runs()) == 1


def test_a_run_killed_before_it_had_a_manifest_is_put_aside(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    (lab.root / "run_logs" / "default" / "pipe" / "20260101T000000.000000Z_0123456789ab").mkdir(parents=True)
    lab.succeed(read("r", "source"), write("w", "r", "target"))
    assert [run.state().finished for run in lab.runs()] == ["failure", "success"]


def test_two_killed_runs_in_a_row_are_one_clean_run(lab: Lab) -> None:
    """The recovery itself is killed, in its own commit."""
    lab.database.numbers("source", 2000)
    lab.database.fault("commit", "stall", times=2)
    steps = read("r", "source"), write("a", "r", LEFT), write("b", "r", RIGHT)
    for times in (1, 2):
        process = lab.start(steps)
        lab.reach(process, "stall", times)
        lab.kill(process)
    lab.database.sql("DELETE FROM source")
    lab.succeed(*steps)
    assert lab.database.column(LEFT) == lab.database.column(RIGHT) == list(range(2000))
    lab.nothing_is_left()


def test_the_next_run_goes_on_behind_the_flows_that_are_committed(lab: Lab) -> None:
    lab.database.numbers("one", 10)
    lab.database.numbers("two", 20)
    lab.database.fault("stage", "refuse", RIGHT)
    steps = read("r1", "one"), write("w1", "r1", LEFT), read("r2", "two"), write("w2", "r2", RIGHT)
    assert lab.fail(*steps).step == "w2"
    lab.database.sql("DELETE FROM one")
    report = lab.succeed(*steps)
    assert (lab.database.column(LEFT), lab.database.column(RIGHT)) == (list(range(10)), list(range(20)))
    assert len(lab.runs()) == 1
    assert [step.rows_written for step in report.steps] == [0, 10, 0, 20]
    lab.nothing_is_left()


def test_a_changed_pipeline_does_not_go_on_with_the_unfinished_run_of_the_former(lab: Lab) -> None:
    lab.database.numbers("one", 10)
    lab.database.fault("stage", "refuse", RIGHT)
    first = read("r1", "one"), write("w1", "r1", LEFT)
    lab.fail(*first, read("r2", "one"), write("w2", "r2", RIGHT))
    changed = lab.manifest(*first, read("r2", "one", batch_rows=7), write("w2", "r2", RIGHT))
    error = refused(lambda: lab.run(changed))
    assert (error.code, error.exit_code) == ("run.changed", 2)
    assert lab.runs()[0].run_id in error.message
    assert "w1" in error.message or "r1" in error.message
    assert lab.run(changed, Request(again=True)).status == "success"
    assert lab.database.column(LEFT) == [*range(10), *range(10)]
    assert [run.state().finished for run in lab.runs()] == ["failure", "success"]


def test_again_starts_anew_after_a_decided_flow_was_finished(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "refuse", RIGHT, times=2)
    steps = read("r", "source"), write("a", "r", LEFT), write("b", "r", RIGHT)
    lab.fail(*steps)
    assert lab.run(steps, Request(again=True)).status == "success"
    assert lab.database.column(LEFT) == lab.database.column(RIGHT) == [*range(10), *range(10)]
    lab.nothing_is_left()


def test_a_decided_flow_whose_commit_fails_for_good_is_undone_by_the_next_run(lab: Lab) -> None:
    """Else the pipeline could never run again: nothing of the flow is visible, so nothing is lost."""
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "stall")
    steps = read("r", "source"), write("w", "r", "target")
    process = lab.start(steps)
    lab.reach(process, "stall")
    lab.kill(process)
    lab.database.fault("commit", "refuse")
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(10))
    assert [run.state().finished for run in lab.runs()] == ["failure", "success"]
    lab.nothing_is_left()


def test_a_run_killed_while_it_undoes_a_decided_flow_is_undone_and_not_rolled_forward(lab: Lab) -> None:
    """Whoever begins to undo says so first: some of the staging may be gone."""
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "refuse", LEFT)
    lab.database.fault("drop", "stall", LEFT)
    steps = read("r", "source"), write("a", "r", LEFT), write("b", "r", RIGHT)
    process = lab.start(steps)
    lab.reach(process, "stall")
    lab.kill(process)
    lab.database.numbers("source", 5, first=10)
    lab.succeed(*steps)
    assert lab.database.column(LEFT) == lab.database.column(RIGHT) == list(range(15))
    assert [run.state().finished for run in lab.runs()] == ["failure", "success"]
    lab.nothing_is_left()


def test_a_target_that_cannot_be_asked_keeps_a_decided_run_as_it_is(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "stall")
    steps = read("r", "source"), write("w", "r", "target")
    process = lab.start(steps)
    lab.reach(process, "stall")
    lab.kill(process)
    lab.database.fault("settle", "refuse", code="busy")
    error = refused(lambda: lab.run(steps))
    assert type(error).__name__ == "Busy"
    assert "not known yet" in str(error.hint)
    assert lab.runs()[0].state().finished is None
    lab.database.sql("DELETE FROM source")
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(10))
    lab.nothing_is_left()


def test_staging_that_cannot_be_removed_now_is_removed_by_the_next_run(lab: Lab) -> None:
    lab.database.numbers("source", 3000)
    lab.database.fault("stage", "refuse", rows=1500)
    lab.database.fault("drop", "refuse", code="busy", times=2)
    steps = read("r", "source"), write("w", "r", "target")
    lab.fail(*steps)
    assert len(lab.database.staging()) == 1
    assert lab.runs()[0].state().finished is None
    report = lab.run(steps)
    assert report.status == "success", "what was staged in vain is no reason to refuse a run"
    assert len(lab.database.staging()) == 1
    assert "could not be removed yet" in report.settled[0]
    lab.succeed(*steps)
    assert lab.database.column("target") == [*range(3000), *range(3000)]
    lab.nothing_is_left()


def test_staging_of_an_earlier_attempt_goes_with_the_attempt_that_commits(lab: Lab) -> None:
    lab.database.numbers("source", 3000)
    lab.database.fault("stage", "refuse", rows=1500, code="busy")
    lab.database.fault("drop", "refuse", code="busy")
    writer = replace(write("w", "r", "target"), retry=Retry(2, 0.0))
    lab.succeed(read("r", "source"), writer)
    assert lab.database.column("target") == list(range(3000))
    lab.nothing_is_left()


def test_scratch_and_leases_of_a_killed_run_are_gone_after_the_next(lab: Lab) -> None:
    lab.database.numbers("source", 3000)
    lab.database.fault("stage", "stall", LEFT)
    steps = read("r", "source"), write("a", "r", LEFT), write("b", "r", RIGHT)
    process = lab.start(steps)
    lab.reach(process, "stall")
    assert list(lab.root.glob(".osiris/scratch/*/r/spill.arrow"))
    lab.kill(process)
    lab.succeed(*steps)
    lab.nothing_is_left()
