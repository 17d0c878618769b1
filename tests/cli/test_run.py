"""`osiris run`: what it prints in its moods, exit codes, signals, dry runs, and what `runs` knows after it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ENVIRON, Osiris, terminal_text

pytestmark = pytest.mark.slow

EXAMPLE = "pipelines/example.yaml"
ENDLESS = """\
oml_version: "0.1.0"
name: endless
steps:
  - id: people
    component: filesystem.csv_extractor
    mode: read
    config: {path: people.csv}
  - id: numbers
    component: duckdb.processor
    mode: transform
    config: {query: "select code, i from people, range(1000000000000) as t(i)"}
  - id: save
    component: filesystem.csv_writer
    mode: write
    config: {path: out/numbers.csv}
"""


def test_a_run_shows_its_steps_and_leaves_a_report(osiris_process: Osiris, project: Path) -> None:
    done = osiris_process("run", EXAMPLE, cwd=project)
    assert done.code == 0, done.err
    heads = done.out.splitlines()[0].split()
    assert heads == ["STEP", "COMPONENT", "STATUS", "READ", "WRITTEN", "TIME"]
    assert re.search(r"^save +filesystem\.parquet_writer +success +2 +2 ", done.out, re.MULTILINE)
    assert re.search(r"^run \w+ of example: success, 2 rows out, ", done.out, re.MULTILINE)
    folder = re.search(r"^folder: (.+)$", done.out, re.MULTILINE)
    assert folder is not None
    assert folder[1].startswith("run_logs/"), "as one would type it"
    assert json.loads((project / folder[1] / "report.json").read_text())["status"] == "success"
    assert "\x1b" not in done.out + done.err


def test_without_a_terminal_each_step_is_told_as_a_line_when_it_starts_and_ends(
    osiris_process: Osiris, project: Path
) -> None:
    lines = osiris_process("run", EXAMPLE, cwd=project).err.splitlines()
    for step in ("people", "newest", "save"):
        assert [line for line in lines if line.startswith(f"{step}: started (")]
        assert [line for line in lines if line.startswith(f"{step}: done, ")]


def test_quiet_says_nothing_when_all_is_well(osiris: Osiris, project: Path) -> None:
    done = osiris("run", EXAMPLE, "--project", project, "--quiet")
    assert done == type(done)(0, "", "")


def test_json_is_one_document_whose_numbers_add_up(osiris_process: Osiris, project: Path) -> None:
    """LESSONS 19: status not ok on success, total rows 0, three ids for one run."""
    done = osiris_process("run", EXAMPLE, "--json", cwd=project)
    document = done.document("run")
    assert (done.code, document["status"]) == (0, "success")
    assert [(step["id"], step["rows_read"], step["rows_written"]) for step in document["steps"]] == [
        ("people", 3, 0),
        ("newest", 3, 2),
        ("save", 2, 2),
    ]
    (run,) = osiris_process("runs", "list", "--json", cwd=project).document("runs-list")["runs"]
    shown = osiris_process("runs", "show", document["run_id"][:6], "--json", cwd=project).document("runs-show")
    assert run["run_id"] == shown["run_id"] == document["run_id"]
    assert document["run_id"] in run["folder"]
    assert shown == document


def test_on_a_terminal_progress_is_drawn_and_leaves_only_the_report(osiris_terminal: Osiris, project: Path) -> None:
    wide = osiris_terminal("run", EXAMPLE, cwd=project, columns=120)
    narrow = osiris_terminal("run", EXAMPLE, cwd=project, columns=50, NO_COLOR="1")
    for done in (wide, narrow):
        assert done.code == 0
        assert "started (" not in done.out
        assert re.search("waiting|running|done", done.out)
        assert "of example: success" in done.out
    colour = r"\x1b\[[0-9;]*3[0-9]m"
    assert re.search(colour, wide.out)
    assert not re.search(colour, narrow.out)


def test_a_failed_run_exits_1_names_the_step_and_is_listed(osiris: Osiris, project: Path) -> None:
    """LESSONS 18 and 19: failure exited 0, failed runs were missing from the index."""
    (project / "data/people.csv").unlink()
    done = osiris("run", EXAMPLE, "--project", project)
    assert done.code == 1
    assert "error: " in done.err
    assert "in step: people" in done.err
    assert "Traceback" not in done.err
    (run,) = osiris("runs", "list", "--project", project, "--json").document("runs-list")["runs"]
    assert run["status"] == "failure"
    shown = osiris("runs", "show", run["run_id"], "--project", project)
    assert shown.code == 0
    assert "failure" in shown.out
    assert "in step: people" in shown.out
    assert "hint: " in shown.out
    assert not (project / "data/out/newest.parquet").exists()
    failed = osiris("run", EXAMPLE, "--project", project, "--json")
    assert failed.code == 1
    document = failed.document("run")
    assert document["error"]["step"] == "people"
    assert all(step["duration_s"] > 0 for step in document["steps"]), "how long they went on, though nothing counts"


def test_a_dry_run_touches_no_target_and_leaves_no_run(osiris: Osiris, project: Path) -> None:
    """LESSONS 12: `run --dry-run` executed for real."""
    done = osiris("run", EXAMPLE, "--project", project, "--dry-run")
    assert done.code == 0, done.err
    assert "no target was touched" in done.out
    assert not (project / "data/out").exists()
    assert osiris("runs", "list", "--project", project, "--json").document("runs-list") == {"runs": []}
    (project / "data/people.csv").unlink()
    missing = osiris("run", EXAMPLE, "--project", project, "--dry-run", "--json")
    assert missing.code == 1
    assert missing.document("run")["error"]["step"] == "people"


def test_a_parameter_reaches_the_run(osiris: Osiris, project: Path) -> None:
    arguments = ("run", EXAMPLE, "--project", project, "--json", "--param", "joined_after=2026-02-01")
    assert osiris(*arguments).document("run")["steps"][-1]["rows_written"] == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_stopped_run_ends_in_order(project: Path, osiris: Osiris, number: signal.Signals, code: int) -> None:
    (project / "endless.yaml").write_text(ENDLESS)
    process = subprocess.Popen(
        [sys.executable, "-m", "osiris", "run", "endless.yaml", "--json"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("save: started"):
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    document = json.loads(out)
    assert document["status"] == "cancelled"
    assert [step["rows_written"] for step in document["steps"]] == [0, 0, 0]
    assert ": cancelled, 0 rows out, " in osiris("runs", "show", "--project", project).out
    assert "Traceback" not in err
    assert list((project / "data").rglob("*numbers*")) == []
    (run,) = osiris("runs", "list", "--project", project, "--json").document("runs-list")["runs"]
    assert run["status"] == "cancelled"


def test_a_third_signal_leaves_the_terminal_as_it_was(project: Path) -> None:
    (project / "endless.yaml").write_text(ENDLESS)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "osiris", "run", "endless.yaml"]
    environ = {**ENVIRON, "TERM": "xterm-256color"}
    process = subprocess.Popen(command, cwd=project, env=environ, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"running" not in shown:
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGSTOP)  # so that the three come at once, before the run has ended in order
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCONT):
        process.send_signal(number)
    shown += b"".join(iter(lambda: terminal_text(ours), b""))
    os.close(ours)
    assert process.wait(timeout=60) in (130, 143)
    assert b"run was stopped" not in shown, "it was ended where it was"
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert shown.endswith(b"\n")


def test_runs_show_of_an_unknown_id_is_a_wrong_call(osiris: Osiris, project: Path) -> None:
    done = osiris("runs", "show", "feedbeef", "--project", project, "--json")
    assert done.code == 2
    assert done.document("runs-show")["error"]["code"] == "run.unknown"
