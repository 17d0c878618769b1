"""Attempts and timeouts: only what may pass is tried again, and a whole flow is."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from osiris.compile.manifest import ManifestStep, Retry
from tests.plugins.lab import Lab, hostile, read, write

pytestmark = pytest.mark.slow


def patient(step: ManifestStep, attempts: int = 3, backoff_s: float = 0.0) -> ManifestStep:
    return replace(step, retry=Retry(attempts, backoff_s))


@pytest.mark.parametrize("on", ["login", "describe", "read", "begin", "stage"])
@pytest.mark.parametrize("kind", ["drop", "refuse"])
def test_what_may_pass_is_tried_again(lab: Lab, on: str, kind: str) -> None:
    lab.database.numbers("source", 3000)
    lab.database.fault(on, kind, times=2, code="busy")
    report = lab.succeed(patient(read("r", "source", batch_rows=100)), write("w", "r", "target"))
    assert lab.database.column("target") == list(range(3000))
    assert report.steps[1].rows_written == 3000
    (run,) = lab.runs()
    lines = [json.loads(line) for line in (run.path / "ledger.jsonl").read_text().splitlines()]
    attempts = {line["attempt"] for line in lines if line["entry"] == "planned"}
    assert max(attempts) == 3
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    assert [event["attempt"] for event in events if event["event"] == "flow.retried"] == [1, 2]
    lab.nothing_is_left()


@pytest.mark.parametrize("code", ["denied", "not_found", "forbidden", "broken"])
def test_what_will_not_pass_is_not_tried_again(lab: Lab, code: str) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("read", "refuse", code=code, times=5)
    lab.fail(patient(read("r", "source")), write("w", "r", "target"))
    assert lab.database.hits("refuse") == 1
    lab.nothing_is_left()


def test_the_last_attempt_s_error_is_the_run_s(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("read", "refuse", code="busy")
    lab.database.fault("read", "refuse", code="forbidden")
    error = lab.fail(patient(read("r", "source")), write("w", "r", "target"))
    assert type(error).__name__ == "PermissionDenied"


def test_the_waits_between_attempts_double(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("read", "drop", times=2)
    lab.succeed(patient(read("r", "source"), backoff_s=0.1), write("w", "r", "target"))
    (run,) = lab.runs()
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    assert [event["wait_s"] for event in events if event["event"] == "flow.retried"] == [0.1, 0.2]


def test_a_source_that_stalls_runs_into_the_timeout(lab: Lab) -> None:
    lab.database.numbers("source", 3000)
    lab.database.fault("read", "stall", rows=1000)
    steps = replace(read("r", "source", batch_rows=100), timeout_s=0.3), write("w", "r", "target")
    began = time.monotonic()
    error = lab.fail(*steps)
    assert (type(error).__name__, error.code) == ("TimedOut", "step.timeout")
    assert time.monotonic() - began < 10, "the interrupt ends the wait, not the connection's own limit of 30 s"
    assert lab.database.tables() == ["source"]
    lab.nothing_is_left()


@pytest.mark.parametrize("on", ["login", "describe", "begin", "stage"])
def test_a_target_that_stalls_runs_into_the_timeout(lab: Lab, on: str) -> None:
    lab.database.fault(on, "stall")
    target = write("w", "r", "target", create_if_missing=on != "describe")
    error = lab.fail(hostile("r"), replace(target, timeout_s=0.3))
    assert error.code == "step.timeout"
    assert lab.database.tables() == []
    lab.nothing_is_left()


def test_a_connection_that_never_opens_runs_into_the_timeout(lab: Lab) -> None:
    source = replace(hostile("r"), overrides={"hangs": True}, timeout_s=0.3)
    error = lab.fail(source, write("w", "r", "target"))
    assert error.code == "step.timeout"
    lab.nothing_is_left()


def test_an_interrupt_that_raises_does_not_end_the_run_in_disorder(lab: Lab) -> None:
    source = replace(hostile("r", "hang"), overrides={"stumbles": True}, timeout_s=0.3)
    error = lab.fail(source, write("w", "r", "target"))
    assert error.code == "step.timeout"
    lab.nothing_is_left()


def test_a_timeout_may_pass_and_is_tried_again(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("read", "stall")
    lab.succeed(patient(replace(read("r", "source"), timeout_s=1.0)), write("w", "r", "target"))
    assert lab.database.column("target") == list(range(10))


def test_a_commit_that_stalls_has_the_time_to_clean_up_and_is_settled_by_the_next_run(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("commit", "mute")
    lab.database.fault("settle", "stall")
    steps = read("r", "source"), patient(replace(write("w", "r", "target"), timeout_s=2.0))
    error = lab.fail(*steps, clean_up_s=0.2)
    assert error.code == "step.timeout"
    assert "flow.retried" not in (lab.runs()[0].path / "events.jsonl").read_text()
    assert lab.runs()[0].state().finished is None
    lab.database.sql("DELETE FROM source")
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(10))
    lab.nothing_is_left()


def test_a_clean_up_that_stalls_is_left_to_the_next_run(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    lab.database.fault("stage", "refuse")
    lab.database.fault("drop", "stall")
    steps = read("r", "source"), write("w", "r", "target")
    error = lab.fail(*steps, clean_up_s=0.2)
    assert "refused by the test" in error.message
    assert len(lab.database.staging()) == 1
    lab.succeed(*steps)
    assert lab.database.column("target") == list(range(10))
    lab.nothing_is_left()


def test_a_server_that_is_slow_but_answers_is_no_failure(lab: Lab) -> None:
    lab.database.numbers("source", 100)
    lab.database.fault("read", "slow", ms=5, times=100)
    lab.database.fault("stage", "slow", ms=5, times=100)
    lab.succeed(read("r", "source", split_by="n", batch_rows=10), write("w", "r", "target"), jobs=4)
    assert sorted(lab.database.column("target")) == list(range(100))
