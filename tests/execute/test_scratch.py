"""What a run puts on disk for a while: bounded, removed, and a full disk is an error like any other."""

from __future__ import annotations

import json

import pytest

from tests.plugins.lab import Lab, hostile, transform, write

pytestmark = pytest.mark.slow

LEFT, RIGHT = "left", "right"
FAN_OUT = hostile("r", rows=4000, batch_rows=500), write("a", "r", LEFT), write("b", "r", RIGHT)


def test_spills_over_their_limit_stop_the_run_and_are_removed(lab: Lab) -> None:
    error = lab.fail(*FAN_OUT, spill_limit_bytes=5_000)
    assert (type(error).__name__, error.code, error.step) == ("WriteFailed", "spill.limit", "r")
    assert "5000 bytes" in error.message
    lab.nothing_is_left()


def test_the_spills_of_all_steps_count_together(lab: Lab) -> None:
    steps = (
        hostile("r", rows=4000, batch_rows=500),
        transform("x", "r"),
        transform("y", "r"),
        transform("join", "x", "y", behaviour="rescan"),
        write("w", "join", LEFT),
    )
    lab.succeed(*steps, spill_limit_bytes=600_000)
    assert len(lab.database.column(LEFT)) == 16000
    error = lab.fail(*steps, spill_limit_bytes=60_000)
    assert error.code == "spill.limit"
    lab.nothing_is_left()


def test_spill_space_is_given_back_by_each_flow(lab: Lab) -> None:
    flows = [
        step
        for number in range(4)
        for step in (
            hostile(f"r{number}", rows=4000, batch_rows=500),
            write(f"a{number}", f"r{number}", LEFT),
            write(f"b{number}", f"r{number}", RIGHT),
        )
    ]
    lab.succeed(*flows, spill_limit_bytes=80_000)


def test_a_full_disk_under_a_spill_undoes_the_run(lab: Lab) -> None:
    process = lab.start(FAN_OUT, file_bytes=20_000)
    report = lab.finish(process)
    assert process.returncode == 1
    assert report["error"]["code"] == "spill.disk"
    assert "MB are free there" in report["error"]["hint"]
    lab.nothing_is_left()


def test_a_full_disk_under_the_ledger_leaves_a_run_that_the_next_one_settles(lab: Lab) -> None:
    """The line that does not fit is cut away, so that the ledger can be read."""
    steps = hostile("r"), write("w", "r", "t" * 3000)
    process = lab.start(steps, file_bytes=5_000)
    report = lab.finish(process)
    assert report["status"] == "failure"
    lab.succeed(*steps)
    assert len(lab.database.column("t" * 3000)) == 10
    for run in lab.runs():
        for line in (run.path / "ledger.jsonl").read_text().splitlines():
            json.loads(line)
    lab.nothing_is_left()
