"""The report: exit codes, the shape that programs read, and no secret in it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from subprocess import PIPE
from typing import Literal

import pytest

from osiris.errors import Cancelled, ConfigError, OsirisError, SourceError
from osiris.runs import Edge, Report, StepReport, peak_memory_mb
from osiris.secrets import redactor


def report(error: OsirisError | None = None, status: Literal["success", "failure", "cancelled"] = "success") -> Report:
    steps = (StepReport("r", "x.extractor", "success", rows_read=3, counts={"seen": 4}),)
    return Report(
        status,
        "1" * 12,
        "pipe",
        "sha256:0",
        1.5,
        60.0,
        "x/report.json",
        steps,
        (Edge("r", "w", 3, "limit"),),
        errors=(error,) if error is not None else (),
    )


@pytest.mark.parametrize(
    ("error", "code"), [(None, 0), (SourceError("x"), 1), (ConfigError("x"), 2), (Cancelled("x"), 130)]
)
def test_the_exit_code_is_the_error_s(error: OsirisError | None, code: int) -> None:
    assert report(error, "failure" if error else "success").exit_code == code


def test_a_terminated_run_has_its_own_exit_code() -> None:
    error = Cancelled("x")
    error.exit_code = 143
    assert report(error, "cancelled").exit_code == 143


def test_the_shape_is_that_of_the_published_schema(tmp_path: Path) -> None:
    error = SourceError("it broke", hint="mend it", file="a.yaml", line=3)
    error.step = "r"
    report(error, "failure").write(tmp_path)
    kept = json.loads((tmp_path / "report.json").read_text())
    assert {"status", "run_id", "pipeline", "fingerprint", "duration_s", "peak_memory_mb", "report", "steps"} <= set(
        kept
    )
    (step,) = kept["steps"]
    assert (step["id"], step["rows_read"], step["counts"]) == ("r", 3, {"seen": 4})
    assert "datasets" not in step
    assert kept["edges"] == [{"from": "r", "to": "w", "rows_read": 3, "stop_reason": "limit"}]
    assert kept["error"] == {"code": "source.failed", "message": "a.yaml:3: it broke", "hint": "mend it", "step": "r"}
    assert list(tmp_path.iterdir()) == [tmp_path / "report.json"]


def test_a_secret_in_an_error_is_masked(tmp_path: Path) -> None:
    """LESSONS 15."""
    redactor.add("hunter-of-snarks")
    report(SourceError("cannot log in with hunter-of-snarks"), "failure").write(tmp_path)
    assert "snarks" not in (tmp_path / "report.json").read_text()


def test_the_peak_memory_is_that_of_this_process() -> None:
    before = peak_memory_mb()
    assert before > 10
    held = bytearray(60_000_000)
    assert peak_memory_mb() >= before
    assert len(held) == 60_000_000


def test_the_peak_memory_counts_the_processes_that_this_one_started() -> None:
    program = "data = bytearray(200_000_000); print('ready', flush=True); input()"
    alone = peak_memory_mb()
    with subprocess.Popen([sys.executable, "-c", program], stdin=PIPE, stdout=PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        together = peak_memory_mb()
        child.communicate("\n")
    assert together >= alone + 190


def test_the_peak_memory_is_found_while_processes_come_and_go() -> None:
    """Their folders in /proc may be gone between two looks: a run that had committed ended with a traceback."""

    def come_and_go() -> None:
        for _ in range(60):
            subprocess.run([sys.executable, "--version"], stdout=subprocess.DEVNULL, check=True)

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert peak_memory_mb() > 10
