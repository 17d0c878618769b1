"""Fan-out, fan-in, diamonds, processors that read again or stop early: nothing is lost, and nothing hangs."""

from __future__ import annotations

import threading

import pytest

from tests.plugins.lab import Lab, hostile, read, transform, write

LEFT, RIGHT = "left", "right"


def test_two_writers_get_all_rows_each(lab: Lab) -> None:
    lab.database.numbers("source", 3000)
    report = lab.succeed(read("r", "source", split_by="n"), write("a", "r", LEFT), write("b", "r", RIGHT), jobs=4)
    assert sorted(lab.database.column(LEFT)) == sorted(lab.database.column(RIGHT)) == list(range(3000))
    assert {(edge.source, edge.target, edge.rows_read) for edge in report.edges} == {("r", "a", 3000), ("r", "b", 3000)}
    lab.nothing_is_left()


def test_a_diamond_does_not_wait_for_itself(lab: Lab) -> None:
    """DESIGN section 3, trap 9."""
    lab.database.numbers("source", 2000)
    lab.succeed(
        read("r", "source", split_by="n", batch_rows=50),
        transform("x", "r"),
        transform("y", "r", behaviour="head", rows=10),
        transform("join", "x", "y"),
        write("w", "join", LEFT),
        memory_bytes=1,
        jobs=4,
    )
    assert len(lab.database.column(LEFT)) == 2010
    lab.nothing_is_left()


def test_a_join_reads_one_input_after_the_other_within_the_memory(lab: Lab) -> None:
    lab.succeed(
        hostile("r1", rows=3000, batch_rows=10, splits=2),
        hostile("r2", rows=3000, batch_rows=10, splits=2),
        transform("join", "r1", "r2"),
        write("w", "join", LEFT),
        memory_bytes=1,
        jobs=2,
    )
    assert len(lab.database.column(LEFT)) == 12000


def test_a_processor_may_read_an_input_again_when_it_says_so(lab: Lab) -> None:
    report = lab.succeed(
        hostile("r", rows=1000, batch_rows=100), transform("t", "r", behaviour="rescan"), write("w", "t", LEFT)
    )
    assert sorted(lab.database.column(LEFT)) == sorted([*range(1000), *range(1000)])
    edges = {(edge.source, edge.target): (edge.rows_read, edge.stop_reason) for edge in report.edges}
    assert edges == {("r", "t"): (1000, "exhausted"), ("t", "w"): (2000, "exhausted")}
    assert report.steps[1].rows_read == 1000


def test_a_processor_that_reads_an_input_again_unasked_is_told(lab: Lab) -> None:
    error = lab.fail(hostile("r"), transform("t", "r", behaviour="twice"), write("w", "t", LEFT))
    assert (type(error).__name__, error.code) == ("InternalError", "internal")
    assert "read twice" in error.message
    assert lab.database.tables() == []


@pytest.mark.parametrize("splits", [1, 3])
def test_a_processor_that_stops_early_ends_an_endless_source(lab: Lab, splits: int) -> None:
    report = lab.succeed(
        hostile("r", "endless", splits=splits, rows=10),
        transform("t", "r", behaviour="head"),
        write("w", "t", LEFT),
        jobs=2,
    )
    assert len(lab.database.column(LEFT)) == 3
    reader, processor, writer = report.steps
    assert (reader.stop_reason, processor.stop_reason, writer.stop_reason) == ("consumer_stopped", "limit", "limit")
    assert writer.rows_written == 3
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("osiris-read")] == []


def test_a_processor_that_stops_early_ends_a_server_that_never_answers(lab: Lab) -> None:
    lab.database.numbers("source", 2000)
    lab.database.fault("read", "stall", rows=100)
    source = read("r", "source", batch_rows=50)
    lab.succeed(source, transform("t", "r", behaviour="head"), write("w", "t", LEFT))
    assert lab.database.column(LEFT) == [0, 1, 2]
    lab.nothing_is_left()


def test_a_processor_that_stops_early_ends_a_connection_that_is_never_answered(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    """The second of two splits still waits for its login when the first has given enough."""
    lab.database.numbers("source", 2000)
    lab.database.fault("login", "stall", skip=3)  # after those of the plan, the writer, and one split
    source = read("r", "source", split_by="n", batch_rows=50)
    lab.succeed(source, transform("t", "r", behaviour="head"), write("w", "t", LEFT), jobs=2)
    assert lab.database.hits("stall") == 1
    assert len(lab.database.column(LEFT)) == 3
    assert "did not end" not in caplog.text
    lab.nothing_is_left()


def test_the_stop_reason_of_a_reader_reaches_the_report(lab: Lab) -> None:
    report = lab.succeed(hostile("r", "limit", splits=2), write("w", "r", LEFT))
    assert [step.stop_reason for step in report.steps] == ["limit", "limit"]
    assert report.steps[0].counts == {"seen": 20}


def test_a_batch_of_nulls_comes_first_and_changes_no_type(lab: Lab) -> None:
    """DESIGN section 3, trap 1."""
    lab.succeed(hostile("r", "null_first", rows=10), write("w", "r", LEFT))
    assert lab.database.column(LEFT, "word") == [None] * 5 + ["w5", "w6", "w7", "w8", "w9"]


FAULTS = {
    "begin of the first": ("begin", "refuse", LEFT),
    "begin of the second": ("begin", "refuse", RIGHT),
    "write of the first": ("stage", "drop", LEFT),
    "write of the second": ("stage", "refuse", RIGHT),
    "commit of the first": ("commit", "refuse", LEFT),
}


@pytest.mark.parametrize("where", FAULTS)
def test_a_failure_of_one_of_two_writers_leaves_both_targets_as_they_were(lab: Lab, where: str) -> None:
    on, kind, table = FAULTS[where]
    lab.database.numbers("source", 1000)
    lab.database.numbers(LEFT, 1)
    lab.database.fault(on, kind, table)
    error = lab.fail(read("r", "source"), write("a", "r", LEFT), write("b", "r", RIGHT))
    assert error.step == ("a" if table == LEFT else "b")
    assert lab.database.tables() == [LEFT, "source"]
    assert lab.database.column(LEFT) == [0]
    lab.nothing_is_left()


def test_a_refused_second_commit_is_done_again_from_its_staging(lab: Lab) -> None:
    lab.database.numbers("source", 1000)
    lab.database.fault("commit", "refuse", RIGHT)
    lab.succeed(read("r", "source"), write("a", "r", LEFT), write("b", "r", RIGHT))
    assert sorted(lab.database.column(LEFT)) == sorted(lab.database.column(RIGHT)) == list(range(1000))
    lab.nothing_is_left()


def test_a_second_commit_that_stays_refused_is_finished_by_the_next_run(lab: Lab) -> None:
    """Nobody aborts once one commit is visible."""
    lab.database.numbers("source", 1000)
    lab.database.fault("commit", "refuse", RIGHT, times=2)
    steps = read("r", "source"), write("a", "r", LEFT), write("b", "r", RIGHT)
    error = lab.fail(*steps)
    assert error.step == "b"
    assert lab.database.column(LEFT) == list(range(1000))
    assert lab.runs()[0].state().finished is None
    lab.database.sql("DELETE FROM source")
    report = lab.succeed(*steps)
    assert sorted(lab.database.column(LEFT)) == sorted(lab.database.column(RIGHT)) == list(range(1000))
    assert len(lab.runs()) == 1
    assert [step.rows_written for step in report.steps] == [0, 1000, 1000]
    lab.nothing_is_left()
