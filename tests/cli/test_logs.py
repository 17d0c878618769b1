"""`osiris logs`: of a run that is over and of one that goes on in another process, filtered, and without secrets."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import ENVIRON, Osiris
from tests.cli.test_run import ENDLESS

pytestmark = pytest.mark.slow

EXAMPLE = "pipelines/example.yaml"
LIMIT_S = 60.0
SECRET = """\
oml_version: "0.1.0"
name: secret
params:
  token: {secret: true}
steps:
  - id: people
    component: filesystem.csv_extractor
    mode: read
    config: {path: "${params.token}.csv"}
  - id: save
    component: filesystem.csv_writer
    mode: write
    config: {path: out/people.csv}
"""


@contextmanager
def started(project: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`osiris` as a process that goes on; it does not outlive the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "osiris", *arguments],
        cwd=project,
        env=ENVIRON,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_S)


def seen(process: subprocess.Popen[str], text: str, *, on: str = "stdout") -> str:
    """What it has printed up to and with the line that has `text`."""
    stream = process.stdout if on == "stdout" else process.stderr
    assert stream is not None
    found, deadline = "", time.monotonic() + LIMIT_S
    while text not in found:
        ready, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"waited in vain for {text!r} in {found!r}"
        more = os.read(stream.fileno(), 4096).decode()
        assert more, f"it ended, and {text!r} is not in {found!r}"
        found += more
    return found


@pytest.fixture
def going(project: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that goes on until it is stopped; its writer is at work."""
    (project / "endless.yaml").write_text(ENDLESS)
    with started(project, "run", "endless.yaml") as process:
        seen(process, "save: started", on="stderr")
        yield process


def test_a_run_is_told_in_the_order_of_time_with_its_steps(osiris: Osiris, project: Path) -> None:
    run = osiris("run", EXAMPLE, "--project", project, "--json").document("run")
    done = osiris("logs", "--project", project)
    assert done.code == 0
    assert done.err == f"run {run['run_id']} of example (default): success\n"
    lines = done.out.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}  info     -       run\.started .*", lines[0])
    assert " info     save    step.running" in done.out
    assert "run.finished status=success" in lines[-1]
    assert lines == sorted(lines, key=lambda line: line[:23])
    assert osiris("logs", run["run_id"][:5], "--project", project).out == done.out


def test_what_is_told_is_chosen_by_step_level_and_number(osiris: Osiris, project: Path) -> None:
    (project / "data/people.csv").unlink()
    run = osiris("run", EXAMPLE, "--project", project, "--json").document("run")
    document = osiris("logs", "--project", project, "--json").document("logs")
    assert {key: document[key] for key in ("run_id", "pipeline", "profile", "status")} == {
        "run_id": run["run_id"],
        "pipeline": "example",
        "profile": "default",
        "status": "failure",
    }
    entries = document["entries"]

    def chosen(*arguments: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = osiris("logs", "--project", project, "--json", *arguments).document("logs")[
            "entries"
        ]
        return found

    assert chosen("--step", "people") == [entry for entry in entries if entry["step"] == "people"]
    assert {entry["source"] for entry in chosen("--step", "people")} == {"event", "log"}
    errors = chosen("--level", "error")
    assert errors == [entry for entry in entries if entry["level"] == "error"]
    assert "there is no file people.csv" in str(errors[0]["text"])
    assert chosen("--tail", "2") == entries[-2:]
    assert chosen("--tail", "1", "--step", "people") == [e for e in entries if e["step"] == "people"][-1:]
    assert chosen("--tail", "0") == []


def test_the_traceback_of_a_foreseen_error_is_a_detail(osiris: Osiris, project: Path) -> None:
    (project / "data/people.csv").unlink()
    osiris("run", EXAMPLE, "--project", project)
    shown = osiris("logs", "--project", project).out
    assert "there is no file people.csv" in shown
    assert "Traceback" not in shown
    assert "Traceback" in osiris("logs", "--project", project, "--level", "debug").out


def test_levels_have_colours_on_a_terminal(osiris_terminal: Osiris, osiris: Osiris, project: Path) -> None:
    (project / "data/people.csv").unlink()
    osiris("run", EXAMPLE, "--project", project)
    shown = osiris_terminal("logs", cwd=project).out
    assert re.search(r"\x1b\[31;1m[^\x1b]* error    people  step\.failed", shown)
    assert re.search(r"\x1b\[33;1m[^\x1b]* warning  save    step\.cancelled", shown)
    assert "\x1b" not in osiris_terminal("logs", cwd=project, NO_COLOR="1").out


def test_no_secret_is_told(osiris_process: Osiris, project: Path) -> None:
    (project / "secret.yaml").write_text(SECRET)
    run = osiris_process("run", "secret.yaml", "--verbose", cwd=project, OSIRIS_PARAM_TOKEN="tell-nobody-4711")
    assert run.code == 1
    assert "4711" not in run.out + run.err
    for more in ((), ("--json",)):
        done = osiris_process("logs", *more, cwd=project)
        assert "***.csv" in done.out
        assert "4711" not in done.out + done.err


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("feedbeef",), "run.unknown", "see: osiris runs list"),
        (("example",), "run.unknown", "the last run of example is "),
        (("--step", "sav"), "step.unknown", 'did you mean "save"?'),
        (("--step", "x"), "step.unknown", "its steps: people, newest, save"),
        (("--level", "loud"), "usage", "osiris logs --help"),
    ],
)
def test_what_is_not_there_is_a_wrong_call(
    osiris: Osiris, project: Path, arguments: tuple[str, ...], code: str, hint: str
) -> None:
    osiris("run", EXAMPLE, "--project", project)
    done = osiris("logs", *arguments, "--project", project, "--json")
    assert done.code == 2
    error = done.document("logs")["error"]
    assert error["code"] == code
    assert hint in error["hint"]


def test_where_nothing_was_run_there_is_nothing_to_tell(osiris: Osiris, project: Path) -> None:
    done = osiris("logs", "--project", project)
    assert (done.code, done.out) == (2, "")
    assert "nothing was run here yet" in done.err


def test_following_tells_what_another_process_does_until_its_run_has_ended(
    osiris: Osiris, going: subprocess.Popen[str], project: Path
) -> None:
    assert [
        run["status"] for run in osiris("runs", "list", "--project", project, "--json").document("runs-list")["runs"]
    ] == ["running"]
    with started(project, "logs", "--follow") as follower, started(project, "logs", "-f", "--json") as waiting:
        seen(follower, "step.running")
        going.send_signal(signal.SIGINT)
        out, err = follower.communicate(timeout=LIMIT_S)
        assert follower.returncode == 0
        assert out.splitlines()[-1].rpartition("run.finished ")[2].startswith("status=cancelled")
        assert err.splitlines()[0].endswith("of endless (default): running")
        assert err.splitlines()[-1].endswith("of endless (default): cancelled")
        text, _ = waiting.communicate(timeout=LIMIT_S)
    assert waiting.returncode == 0
    assert '"status": "cancelled"' in text
    assert text.count('"name": "run.finished"') == 1


def test_following_a_run_that_is_killed_ends_and_says_that_it_is_unfinished(
    going: subprocess.Popen[str], project: Path
) -> None:
    with started(project, "logs", "--follow", "--tail", "1") as follower:
        seen(follower, "step.running")
        going.kill()
        _, err = follower.communicate(timeout=LIMIT_S)
    assert follower.returncode == 0
    assert err.splitlines()[-1].endswith("of endless (default): unfinished")


def test_ctrl_c_ends_following_and_not_the_run(going: subprocess.Popen[str], project: Path) -> None:
    with started(project, "logs", "--follow") as follower:
        seen(follower, "step.running")
        follower.send_signal(signal.SIGINT)
        _, err = follower.communicate(timeout=LIMIT_S)
    assert follower.returncode == 130
    assert "Traceback" not in err
    assert going.poll() is None


def test_without_follow_a_run_that_goes_on_is_told_so_far(
    osiris: Osiris, going: subprocess.Popen[str], project: Path
) -> None:
    document = osiris("logs", "--project", project, "--json").document("logs")
    assert document["status"] == "running"
    assert document["entries"][0]["name"] == "run.started"
    assert going.poll() is None
