"""One run at a time per target: refused or waited for, and freed by the death of its holder."""

from __future__ import annotations

import os
import platform
import threading
from pathlib import Path

import pytest

from osiris.errors import InternalError
from osiris.execute.base import Cancellation, Request
from osiris.execute.lease import Leases, is_held
from tests.plugins.lab import LIMIT_S, Lab, hostile, refused, until, write

pytestmark = pytest.mark.slow


def test_a_target_is_leased_once_and_again_after_it_is_free(tmp_path: Path) -> None:
    one, two = Leases(tmp_path, {"run": "1" * 12}), Leases(tmp_path, {"run": "2" * 12})
    one.take("a target", wait=False)
    one.take("a target", wait=False)
    two.take("another", wait=False)
    error = refused(lambda: two.take("a target", wait=False))
    assert (type(error).__name__, error.code) == ("Busy", "run.busy")
    process = f"process {os.getpid()} on {platform.node()}"
    assert error.message == f"another run is at work on a target (run {'1' * 12}, {process})"
    assert "--wait" in str(error.hint)
    one.check("a target")
    one.close()
    two.take("a target", wait=False)
    with pytest.raises(InternalError, match="was lost"):
        one.check("a target")
    two.close()


def test_who_only_looks_sees_whether_it_is_held_and_is_not_in_the_way(tmp_path: Path) -> None:
    assert not is_held(tmp_path, "a target")
    leases = Leases(tmp_path, {"run": "1" * 12})
    leases.take("a target", wait=False)
    assert is_held(tmp_path, "a target")
    assert not is_held(tmp_path, "another")
    leases.close()
    assert not is_held(tmp_path, "a target")
    done = threading.Event()
    looking = threading.Thread(target=lambda: [is_held(tmp_path, "a target") for _ in iter(done.is_set, True)])
    looking.start()
    for _ in range(200):
        leases.take("a target", wait=False)
        leases.close()
    done.set()
    looking.join()


def test_a_lease_whose_file_was_removed_is_lost(tmp_path: Path) -> None:
    leases = Leases(tmp_path, {"run": "1" * 12})
    leases.take("a target", wait=False)
    (file,) = tmp_path.glob(".osiris/leases/*.lease")
    file.unlink()
    with pytest.raises(InternalError, match="was lost"):
        leases.check("a target")
    leases.close()


def test_a_wait_goes_on_until_the_target_is_free(tmp_path: Path) -> None:
    one, two = Leases(tmp_path, {"run": "1" * 12}), Leases(tmp_path, {"run": "2" * 12})
    one.take("a target", wait=False)
    asked = threading.Event()
    waiting = threading.Thread(target=lambda: two.take("a target", wait=True, proceed=asked.set))
    waiting.start()
    assert asked.wait(LIMIT_S)
    one.close()
    waiting.join(LIMIT_S)
    two.check("a target")
    two.close()


class Holder:
    """A run that holds `target` until it is let go."""

    def __init__(self, lab: Lab) -> None:
        self.cancellation = Cancellation()
        made = lab.manifest(hostile("r", "hang"), write("w", "r", "target"), name="holder")
        self.thread = threading.Thread(target=lambda: lab.run(made, Request(cancellation=self.cancellation)))
        self.thread.start()
        until(lab.database.staging, "the holder has begun")

    def let_go(self) -> None:
        self.cancellation.request()
        self.thread.join(LIMIT_S)


def test_two_runs_at_once_on_one_target_are_refused_and_the_second_leaves_nothing(lab: Lab) -> None:
    holder = Holder(lab)
    error = lab.fail(hostile("r"), write("w", "r", "target"))
    assert (type(error).__name__, error.code, error.step) == ("Busy", "run.busy", "w")
    assert "target" in error.message
    assert len(lab.database.staging()) == 1, "that of the holder"
    holder.let_go()
    lab.nothing_is_left()


def test_the_second_run_waits_when_it_is_told_to(lab: Lab) -> None:
    holder = Holder(lab)
    reports = []
    steps = hostile("r"), write("w", "r", "target")
    request = Request(wait=True)
    second = threading.Thread(target=lambda: reports.append(lab.run(steps, request)))
    second.start()
    until(lambda: request.progress.message, "the second run waits")
    assert "target" not in lab.database.tables()
    holder.let_go()
    second.join(LIMIT_S)
    assert reports[0].status == "success"
    assert request.progress.message.startswith("waiting for ")
    assert "(pipeline holder, run " in request.progress.message
    log = Path(reports[0].report).with_name("osiris.log").read_text()
    assert log.count(request.progress.message) == 1
    assert lab.database.column("target") == list(range(10))
    lab.nothing_is_left()


def test_two_runs_of_one_pipeline_are_refused_before_anything_is_done(lab: Lab) -> None:
    cancellation = Cancellation()
    steps = hostile("r", "hang"), write("w", "r", "target")
    first = threading.Thread(target=lambda: lab.run(steps, Request(cancellation=cancellation)))
    first.start()
    until(lab.database.staging, "the first run has begun")
    error = refused(lambda: lab.run((hostile("r"), write("w", "r", "elsewhere"))))
    assert error.code == "run.busy"
    (run,) = lab.runs()
    assert f"(pipeline pipe, run {run.run_id}, process {os.getpid()} on" in error.message
    assert len(lab.runs()) == 1
    cancellation.request()
    first.join(LIMIT_S)
    lab.nothing_is_left()


def test_a_second_run_of_one_pipeline_tells_what_it_waits_for(lab: Lab) -> None:
    cancellation, request, reports = Cancellation(), Request(wait=True), []
    steps = hostile("r", "hang"), write("w", "r", "target")
    first = threading.Thread(target=lambda: lab.run(steps, Request(cancellation=cancellation)))
    first.start()
    until(lab.database.staging, "the first run has begun")
    good = hostile("r"), write("w", "r", "target")
    second = threading.Thread(target=lambda: reports.append(lab.run(good, request)))
    second.start()
    until(lambda: request.progress.message, "the second run waits")
    told = request.progress.message
    assert told.startswith("waiting for the pipeline 'pipe'")
    cancellation.request()
    first.join(LIMIT_S)
    second.join(LIMIT_S)
    assert reports[0].status == "success"
    assert Path(reports[0].report).with_name("osiris.log").read_text().count(told) == 1


def test_a_target_is_free_when_its_flow_has_ended_though_the_run_goes_on(lab: Lab) -> None:
    """Else two runs of several flows could wait for each other for ever."""
    cancellation = Cancellation()
    steps = hostile("r1"), write("w1", "r1", "target"), hostile("r2", "hang"), write("w2", "r2", "second")
    first = threading.Thread(
        target=lambda: lab.run(lab.manifest(*steps, name="first"), Request(cancellation=cancellation))
    )
    first.start()
    until(lambda: any("_w2_" in name for name in lab.database.staging()), "the second flow has begun")
    lab.succeed(hostile("r"), write("w", "r", "target"))
    cancellation.request()
    first.join(LIMIT_S)
    assert len(lab.database.column("target")) == 20


def test_the_lease_of_a_killed_run_is_free_at_once(lab: Lab) -> None:
    lab.database.fault("stage", "stall")
    process = lab.start(lab.manifest(hostile("r"), write("w", "r", "target"), name="killed"))
    lab.reach(process, "stall")
    assert lab.fail(hostile("r"), write("w", "r", "target")).code == "run.busy"
    lab.kill(process)
    lab.succeed(hostile("r"), write("w", "r", "target"))
    assert lab.database.column("target") == list(range(10))


def test_two_runs_that_want_the_same_two_targets_do_not_wait_for_each_other_for_ever(lab: Lab) -> None:
    """One names them the other way round."""
    names = [("one", "a", "b"), ("two", "b", "a")]
    made = [
        lab.manifest(hostile("r"), write("w1", "r", first), write("w2", "r", second), name=name)
        for name, first, second in names
    ]
    reports = []
    for _ in range(3):
        runs = [threading.Thread(target=lambda m=m: reports.append(lab.run(m, Request(wait=True)))) for m in made]
        for run in runs:
            run.start()
        for run in runs:
            run.join(LIMIT_S)
    assert [report.status for report in reports] == ["success"] * 6
    assert len(lab.database.column("a")) == len(lab.database.column("b")) == 60
    lab.nothing_is_left()
