"""Commits whose answer is lost, refused or late: settled by asking the target, never doubled, never lost."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

from osiris.compile.manifest import Retry
from osiris.execute.base import Request
from tests.plugins.lab import Lab, hostile, read, refused, until, write

LEFT, RIGHT = "left", "right"
STAGINGS = pytest.mark.parametrize("staging", ["table", "session"])


@STAGINGS
def test_a_commit_that_was_done_though_its_answer_was_lost_is_a_success(lab: Lab, staging: str) -> None:
    lab.database.numbers("source", 100)
    lab.database.fault("commit", "lost")
    report = lab.succeed(read("r", "source"), write("w", "r", "target", staging=staging))
    assert lab.database.column("target") == list(range(100))
    assert report.steps[1].rows_written == 100
    lab.nothing_is_left()


@STAGINGS
def test_a_commit_that_was_not_done_is_undone_and_says_why(lab: Lab, staging: str) -> None:
    lab.database.numbers("source", 100)
    lab.database.fault("commit", "drop")
    error = lab.fail(read("r", "source"), write("w", "r", "target", staging=staging))
    assert (type(error).__name__, error.step) == ("NetworkFailed", "w")
    assert lab.database.tables() == ["source"]
    lab.nothing_is_left()


@STAGINGS
def test_a_commit_that_was_not_done_is_tried_again_with_the_whole_flow(lab: Lab, staging: str) -> None:
    lab.database.numbers("source", 100)
    lab.database.fault("commit", "drop")
    lab.succeed(read("r", "source"), replace(write("w", "r", "target", staging=staging), retry=Retry(2, 0.0)))
    assert lab.database.column("target") == list(range(100))
    lab.nothing_is_left()


def test_a_server_that_crashes_at_the_commit_is_asked_on_new_connections(lab: Lab) -> None:
    """Those that the writing threads gave back are as dead as the one that commits."""
    lab.database.numbers("source", 3000)
    lab.database.fault("commit", "crash")
    error = lab.fail(read("r", "source", split_by="n", batch_rows=100), write("w", "r", "target"), jobs=2)
    assert type(error).__name__ == "NetworkFailed"
    assert error.hint is None, "it is known that nothing was committed"
    assert lab.database.tables() == ["source"]
    lab.nothing_is_left()


@pytest.mark.parametrize("kind", ["lost", "drop"])
@pytest.mark.parametrize("table", [LEFT, RIGHT])
def test_the_answer_of_one_of_two_commits_is_lost(lab: Lab, kind: str, table: str) -> None:
    lab.database.numbers("source", 100)
    lab.database.fault("commit", kind, table)
    steps = read("r", "source"), write("a", "r", LEFT), write("b", "r", RIGHT)
    if (kind, table) == ("drop", LEFT):  # nothing is visible yet: all is undone, and done by the next run
        lab.fail(*steps)
        assert lab.database.tables() == ["source"]
    lab.succeed(*steps)
    assert lab.database.column(LEFT) == lab.database.column(RIGHT) == list(range(100))
    lab.nothing_is_left()


@pytest.mark.parametrize("kind", ["lost", "drop"])
@STAGINGS
def test_a_target_that_cannot_be_asked_at_once_is_asked_by_the_next_attempt(lab: Lab, kind: str, staging: str) -> None:
    """The flow is decided: a second attempt must not begin anew, or rows could come twice."""
    lab.database.numbers("source", 100)
    lab.database.fault("commit", kind)
    lab.database.fault("settle", "refuse", code="busy")
    lab.succeed(read("r", "source"), replace(write("w", "r", "target", staging=staging), retry=Retry(3, 0.0)))
    assert lab.database.column("target") == list(range(100))
    lines = [json.loads(line) for line in (lab.runs()[0].path / "ledger.jsonl").read_text().splitlines()]
    staged_again = (kind, staging) == ("drop", "session")  # what was staged is gone with the session
    assert sum(line["entry"] == "planned" for line in lines) == (2 if staged_again else 1)
    lab.nothing_is_left()


def test_a_target_that_cannot_be_asked_is_asked_by_the_next_run(lab: Lab) -> None:
    lab.database.numbers("source", 100)
    lab.database.fault("commit", "lost")
    lab.database.fault("settle", "drop")
    steps = read("r", "source"), write("w", "r", "target")
    error = lab.fail(*steps)
    assert type(error).__name__ == "NetworkFailed"
    assert "not known yet" in str(error.hint)
    assert lab.runs()[0].state().finished is None
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(100))
    assert len(lab.runs()) == 1
    lab.nothing_is_left()


def test_a_target_that_does_not_know_stops_everything(lab: Lab) -> None:
    steps = hostile("r"), write("w", "r", "unsure", "hostile.writer", behaviour="stumbles")
    error = lab.fail(*steps)
    assert (type(error).__name__, error.code, error.step) == ("WriteFailed", "commit.unknown", "w")
    assert not error.retryable
    for again in (False, True):
        refusal = refused(lambda: lab.run(steps, Request(again=again)))  # noqa: B023 - called at once
        assert refusal.code == "commit.unknown"


def test_a_removal_of_staging_that_fails_is_finished_by_the_next_run(lab: Lab) -> None:
    lab.database.numbers("source", 100)
    lab.database.fault("drop", "refuse", code="busy")
    steps = read("r", "source"), write("w", "r", "target")
    lab.fail(*steps)
    lab.database.sql("DELETE FROM source")
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(100))
    lab.nothing_is_left()


def test_notes_of_a_commit_are_in_the_report(lab: Lab) -> None:
    report = lab.succeed(hostile("r"), write("w", "r", "noted", "hostile.writer"))
    assert report.steps[1].notes == ("committed by the hostile writer",)


def test_a_reader_lets_go_of_its_source_before_the_commit(lab: Lab) -> None:
    """A snapshot that is still open may hold a lock on what is about to be replaced."""
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "hold")
    steps = read("r", "source"), write("w", "r", "source", write_mode="replace")
    run = threading.Thread(target=lambda: lab.run(steps))
    run.start()
    until(lambda: lab.database.hits("hold"), "the commit is under way")
    until(lambda: lab.database.sessions == 1, "only the writer is there")
    lab.database.release()
    run.join()
    assert lab.database.column("source") == list(range(10))


def test_a_lease_that_was_lost_meanwhile_commits_nothing(lab: Lab) -> None:
    """`commit` re-checks it."""
    lab.database.numbers("source", 3000)
    lab.database.fault("fold", "hold")
    errors = []
    steps = read("r", "source"), write("w", "r", "target", write_mode="upsert", primary_key=["n"])
    run = threading.Thread(target=lambda: errors.append(lab.fail(*steps)))
    run.start()
    until(lambda: lab.database.hits("hold"), "the write has begun")
    for lease in lab.root.glob(".osiris/leases/*.lease"):
        lease.unlink()
    lab.database.release()
    run.join()
    assert errors[0].code == "run.lease_lost"
    assert lab.database.tables() == ["source"]
    lab.nothing_is_left()


def test_a_failed_run_tells_what_one_of_its_writers_committed(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "refuse", "right", times=5)
    report = lab.run([read("r", "source"), write("a", "r", "left"), write("b", "r", "right")])
    assert report.status == "failure"
    assert lab.database.column("left") == list(range(10))
    assert [step.rows_read for step in report.steps] == [10, 10, 10]
    assert [step.rows_written for step in report.steps] == [0, 10, 0]
