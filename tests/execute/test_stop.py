"""Stopping a run: in order, with the right exit code, and what was decided is finished first."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from dataclasses import replace

import pytest

from osiris.compile.manifest import ManifestStep, Retry
from osiris.errors import OsirisError
from osiris.execute.base import Cancellation, Request
from osiris.execute.ending import FOLLOWING
from osiris.runs import Report, RunLog
from tests.plugins.lab import LIMIT_S, Lab, hostile, read, transform, until, write

pytestmark = pytest.mark.slow


class Running:
    """A run in a thread, to be stopped from here."""

    def __init__(self, lab: Lab, *steps: ManifestStep, wait: bool = False, **settings: float) -> None:
        self.cancellation = Cancellation()
        self.request = Request(wait=wait, cancellation=self.cancellation)
        self.report: Report | None = None
        self.refusal: OsirisError | None = None

        def work() -> None:
            try:
                self.report = lab.run(steps, self.request, **settings)
            except OsirisError as error:
                self.refusal = error

        self.thread = threading.Thread(target=work)
        self.thread.start()

    def end(self) -> Report:
        self.thread.join(LIMIT_S)
        assert self.report is not None, self.refusal
        return self.report


@pytest.mark.parametrize(
    ("on", "kind"), [("read", "stall"), ("begin", "stall"), ("stage", "stall"), ("commit", "stall")]
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_run_that_hangs_in_order(lab: Lab, on: str, kind: str, number: signal.Signals) -> None:
    lab.database.numbers("source", 3000)
    lab.database.fault(on, kind)
    process = lab.start([read("r", "source"), write("w", "r", "target")])
    lab.reach(process, kind)
    process.send_signal(number)
    report = lab.finish(process)
    assert process.returncode == (130 if number == signal.SIGINT else 143)
    assert report["status"] == "cancelled"
    assert (report["error"]["code"], report["error"]["step"]) == ("run.cancelled", None)
    assert lab.database.tables() == ["source"]
    assert [run.state().finished for run in lab.runs()] == ["cancelled"]
    lab.nothing_is_left()


@pytest.mark.parametrize("stop", [130, 143])
@pytest.mark.parametrize("behaviour", ["hang", "endless"])
def test_a_request_stops_a_run_from_another_thread(lab: Lab, stop: int, behaviour: str) -> None:
    running = Running(lab, hostile("r", behaviour, splits=2), write("w", "r", "target"), jobs=2)
    until(lab.database.staging, "something is staged")
    running.cancellation.request(stop)
    report = running.end()
    assert (report.status, report.exit_code) == ("cancelled", stop)
    assert [step.status for step in report.steps] == ["cancelled", "cancelled"]
    assert report.error is not None
    assert report.error.step is None, "no step is to blame"
    lab.nothing_is_left()


def test_a_stopped_run_tells_what_was_read_and_how_long_it_went_on(lab: Lab) -> None:
    steps = hostile("r", "endless"), transform("t", "r"), write("w", "t", "target")
    running = Running(lab, *steps)
    progress = running.request.progress
    until(lambda: "w" in progress.steps and progress.steps["w"].rows > 0, "rows have come to the writer")
    running.cancellation.request()
    report = running.end()
    seen = progress.steps
    r, t, w = report.steps
    assert r.rows_read == seen["r"].rows > 0, "as the progress has shown it"
    assert t.rows_read == r.rows_read
    assert w.rows_read == seen["w"].rows > 0
    assert [step.rows_written for step in report.steps] == [0, 0, 0], "nothing was committed"
    assert all(step.duration_s > 0 for step in report.steps)
    (run,) = lab.runs()
    kept = json.loads((run.path / "report.json").read_text())
    assert [step["rows_read"] for step in kept["steps"]] == [step.rows_read for step in report.steps]


def test_a_failed_run_tells_what_its_last_attempt_read(lab: Lab) -> None:
    lab.database.numbers("source", 1000)
    lab.database.fault("stage", "refuse", times=2, code="busy")
    request = Request()
    retried = replace(read("r", "source"), retry=Retry(2, 0.0))
    report = lab.run([retried, write("w", "r", "target")], request)
    assert (report.status, lab.database.hits("refuse")) == ("failure", 2)
    r, w = report.steps
    assert 0 < r.rows_read == w.rows_read == request.progress.steps["r"].rows <= 1000
    assert (r.rows_written, w.rows_written) == (0, 0)


def test_an_attempt_that_reads_nothing_does_not_tell_what_the_one_before_has_read(lab: Lab) -> None:
    lab.database.numbers("source", 1000)
    lab.database.fault("read", "refuse", rows=300, code="busy")
    lab.database.fault("describe", "refuse", "source", skip=2, code="denied")  # an attempt asks twice
    retried = replace(read("r", "source", batch_rows=100), retry=Retry(2, 0.0))
    report = lab.run([retried, write("w", "r", "target")])
    assert lab.database.hits("refuse") == 2
    assert [event.name for event in RunLog(lab.runs()[0].path).new(over=True)].count("flow.retried") == 1
    assert [(step.rows_read, step.rows_written) for step in report.steps] == [(0, 0), (0, 0)]


def test_what_is_decided_is_committed_before_the_run_stops(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "hold")
    first = read("r", "source"), write("w", "r", "target")
    running = Running(lab, *first, read("r2", "source"), write("w2", "r2", "second"))
    until(lambda: lab.database.hits("hold"), "the commit is under way")
    running.cancellation.request()
    lab.database.release()
    report = running.end()
    assert (report.status, report.exit_code) == ("cancelled", 130)
    assert lab.database.column("target") == list(range(10))
    assert "second" not in lab.database.tables()
    assert [step.status for step in report.steps][2:] == ["cancelled", "cancelled"]
    assert lab.runs()[0].state().finished is None
    lab.succeed(*first, read("r2", "source"), write("w2", "r2", "second"))
    assert lab.database.column("target") == lab.database.column("second") == list(range(10))
    assert len(lab.runs()) == 1
    lab.nothing_is_left()


def test_a_run_whose_last_commit_is_decided_ends_well_though_it_was_stopped(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "hold")
    running = Running(lab, read("r", "source"), write("w", "r", "target"))
    until(lambda: lab.database.hits("hold"), "the commit is under way")
    running.cancellation.request()
    lab.database.release()
    assert running.end().exit_code == 0
    lab.nothing_is_left()


@pytest.mark.parametrize("done", [True, False])
def test_a_commit_that_hangs_is_taken_back_unless_the_target_has_done_it(lab: Lab, done: bool) -> None:
    """The first request ends the waiting, and the target is asked."""
    lab.database.numbers("source", 10)
    kind = "mute" if done else "stall"
    lab.database.fault("commit", kind)
    running = Running(lab, read("r", "source"), write("w", "r", "target"))
    until(lambda: lab.database.hits(kind), "the commit is under way")
    assert "to commit" in running.request.progress.steps["w"].waits_for
    running.cancellation.request()
    report = running.end()
    assert "target is asked" in running.request.progress.message
    assert (report.status, report.exit_code) == (("success", 0) if done else ("cancelled", 130))
    assert ("target" in lab.database.tables()) == done
    assert ("was committed by then" in "".join(report.warnings)) == done
    lab.nothing_is_left()


def test_a_commit_whose_outcome_nobody_tells_any_more_is_left_to_the_next_run(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "mute")
    lab.database.fault("settle", "drop")
    steps = read("r", "source"), write("w", "r", "target")
    running = Running(lab, *steps)
    until(lambda: lab.database.hits("mute"), "the commit is under way")
    running.cancellation.request()
    error = running.end().error
    assert error is not None
    assert "is not known yet" in str(error.hint)
    assert "run again" in str(error.hint)
    assert lab.runs()[0].state().finished is None
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(10))
    lab.nothing_is_left()


def test_what_follows_a_commit_that_is_done_is_not_taken_back(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "hold", skip=1)
    running = Running(lab, read("r", "source"), write("w", "r", "target"), write("w2", "r", "second"))
    until(lambda: lab.database.hits("hold"), "the second commit is under way")
    running.cancellation.request()
    until(lambda: running.request.progress.message, "it is told what the run waits for")
    lab.database.release()
    assert running.end().exit_code == 0
    assert running.request.progress.message == FOLLOWING
    assert lab.database.column("target") == lab.database.column("second") == list(range(10))
    lab.nothing_is_left()


def test_a_second_request_leaves_a_commit_that_hangs_to_the_next_run(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "mute")
    steps = read("r", "source"), write("w", "r", "target")
    lab.database.fault("settle", "mute")
    running = Running(lab, *steps)
    until(lambda: lab.database.hits("mute"), "the commit is under way")
    running.cancellation.request(143)
    until(lambda: lab.database.hits("mute") == 2, "the target is asked what came of it")
    running.cancellation.request(143)
    report = running.end()
    assert (report.status, report.exit_code) == ("cancelled", 143)
    assert lab.runs()[0].state().finished is None
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(10))
    assert len(lab.runs()) == 1
    lab.nothing_is_left()


def test_a_second_request_leaves_a_clean_up_that_hangs_to_the_next_run(lab: Lab) -> None:
    lab.database.fault("drop", "stall")
    running = Running(lab, hostile("r", "hang"), write("w", "r", "target"))
    until(lab.database.staging, "something is staged")
    running.cancellation.request()
    until(lambda: lab.database.hits("stall"), "the clean-up is under way")
    running.cancellation.request()
    assert running.end().exit_code == 130
    assert lab.runs()[0].state().finished is None
    lab.succeed(hostile("r"), write("w", "r", "target"))
    lab.nothing_is_left()


def told(process: subprocess.Popen[str], text: str) -> None:
    """Wait until the run has said so on stderr."""
    assert process.stderr is not None
    assert any(text in line for line in process.stderr), f"it ended and never said {text!r}"


@pytest.mark.parametrize(("kind", "hanging"), [("stall", ("stage", "drop")), ("mute", ("commit", "settle"))])
def test_a_second_ctrl_c_ends_the_process_and_the_next_run_settles_what_it_left(
    lab: Lab, kind: str, hanging: tuple[str, ...]
) -> None:
    lab.database.numbers("source", 10)
    for asked in hanging:
        lab.database.fault(asked, kind)
    steps = read("r", "source"), write("w", "r", "target")
    process = lab.start(steps)
    lab.reach(process, kind)
    process.send_signal(signal.SIGINT)
    told(process, "stopping in order: writers take their rows back; press Ctrl-C again to leave at once")
    lab.reach(process, kind, times=len(hanging))
    process.send_signal(signal.SIGINT)
    told(process, "leaving at once")
    report = lab.finish(process)
    assert process.returncode == 130
    assert report["status"] == "cancelled"
    assert "call osiris run again" in report["error"]["hint"]
    assert [run.state().finished for run in lab.runs()] == [None]
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(10))
    lab.nothing_is_left()


def deaf(lab: Lab) -> tuple[subprocess.Popen[str], ManifestStep]:
    """A run whose writer heeds nothing, at work, and what it reads from."""
    lab.database.numbers("source", 10)
    source = read("r", "source")
    process = lab.start([source, write("w", "r", "t", "hostile.writer", behaviour="deaf")])
    until(lambda: any(flow.planned for run in lab.runs() for flow in run.state().flows.values()), "it is to write")
    return process, source


def test_a_second_ctrl_c_does_not_wait_for_a_connector_that_heeds_nothing(lab: Lab) -> None:
    process, source = deaf(lab)
    process.send_signal(signal.SIGINT)
    told(process, "stopping in order")
    process.send_signal(signal.SIGINT)
    assert lab.finish(process)["status"] == "cancelled"
    assert process.returncode == 130
    assert [run.state().finished for run in lab.runs()] == [None]
    lab.succeed(source, write("w", "r", "t", "hostile.writer"))
    lab.nothing_is_left()


def test_a_third_ctrl_c_ends_the_process_where_it_is(lab: Lab) -> None:
    process, source = deaf(lab)
    for text in ("stopping in order", "leaving at once"):
        process.send_signal(signal.SIGINT)
        told(process, text)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out) == (130, "")
    lab.succeed(source, write("w", "r", "t", "hostile.writer"))
    lab.nothing_is_left()


def test_a_connector_that_heeds_no_interrupt_is_left_behind(lab: Lab) -> None:
    writer = lab.project().registry.implementation("hostile.writer")
    running = Running(lab, hostile("r"), write("w", "r", "t", "hostile.writer", behaviour="deaf"), clean_up_s=0.2)
    assert writer.listening.wait(LIMIT_S)
    running.cancellation.request()
    assert running.end().exit_code == 130
    assert lab.runs()[0].state().finished is None, "the next run has to look after what may be left"
    writer.gate.set()


def test_a_dry_run_that_hangs_can_be_stopped(lab: Lab) -> None:
    lab.database.fault("describe", "stall")
    cancellation = Cancellation()
    made = lab.manifest(read("r", "source"), write("w", "r", "target"))
    reports = []
    request = Request(dry_run=True, cancellation=cancellation)
    run = threading.Thread(target=lambda: reports.append(lab.run(made, request)))
    run.start()
    until(lambda: lab.database.hits("stall"), "the plan is asked for")
    cancellation.request(143)
    run.join(LIMIT_S)
    assert (reports[0].status, reports[0].exit_code) == ("cancelled", 143)


def test_settling_can_be_stopped_and_is_gone_on_with(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "lost")
    lab.database.fault("settle", "drop")
    lab.database.fault("settle", "stall")
    steps = read("r", "source"), write("w", "r", "target")
    lab.fail(*steps)
    running = Running(lab, *steps)
    until(lambda: lab.database.hits("stall"), "the run before is being settled")
    running.cancellation.request(143)
    running.thread.join(LIMIT_S)
    assert running.refusal is not None
    assert running.refusal.exit_code == 143
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(10))
    lab.nothing_is_left()


def test_a_wait_between_attempts_can_be_stopped(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("read", "refuse", code="busy", times=9)
    running = Running(lab, replace(read("r", "source"), retry=Retry(3, 60.0)), write("w", "r", "target"))
    until(lambda: lab.database.hits("refuse"), "the first attempt has failed")
    running.cancellation.request()
    assert running.end().exit_code == 130
    lab.nothing_is_left()


@pytest.mark.parametrize("same_pipeline", [True, False])
def test_waiting_for_another_run_can_be_stopped(lab: Lab, same_pipeline: bool) -> None:
    held = lab.manifest(hostile("r", "hang"), write("w", "r", "target"), name="pipe" if same_pipeline else "other")
    cancellation = Cancellation()
    holder = threading.Thread(target=lambda: lab.run(held, Request(cancellation=cancellation)))
    holder.start()
    until(lab.database.staging, "the first run has begun")
    running = Running(lab, hostile("r"), write("w", "r", "target"), wait=True)
    if not same_pipeline:
        until(lambda: len(lab.runs()) == 2, "the second run has begun")
    running.cancellation.request(143)
    running.thread.join(LIMIT_S)
    ended = running.refusal if same_pipeline else running.report
    assert ended is not None
    assert ended.exit_code == 143
    cancellation.request()
    holder.join(LIMIT_S)
    lab.nothing_is_left()
