"""`osiris demo`: it runs, proves its output, can be run again, and leaves a checkout clean."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Osiris

pytestmark = pytest.mark.slow


def test_the_demo_runs_twice_and_git_sees_nothing_of_it(osiris_process: Osiris, osiris: Osiris, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    first = osiris_process("demo", "--rows", "2000")
    assert first.code == 0, first.err
    for word in ("connections doctor", "compile", "run", "ok   orders.parquet: rows: 2000", "try next"):
        assert word in first.out
    second = osiris("demo", "--rows", "2000", "--project", tmp_path, "--json")
    assert second.code == 0, second.err
    document = second.document("demo")
    assert document["doctor"]["ok"] is True
    assert document["run"]["status"] == "success"
    assert all(finding["ok"] for finding in document["findings"])
    status = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert status.stdout == ""


def test_what_the_demo_proposes_works(osiris: Osiris, tmp_path: Path) -> None:
    proposed = osiris("demo", "--rows", "50", "--dir", tmp_path).out.rpartition("try next\n")[2].splitlines()
    commands = [line.strip().removeprefix("osiris ") for line in proposed if line.strip().startswith("osiris ")]
    assert len(commands) >= 3
    for command in commands:
        done = osiris(*command.replace('"', "").split(), "--project", tmp_path)
        assert done.code == 0, (command, done.err)


def test_a_folder_with_other_things_is_left_alone(osiris: Osiris, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = osiris("demo", "--dir", tmp_path)
    assert done.code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
