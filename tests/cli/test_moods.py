"""What `--quiet` and `--verbose` promise, held against every verb."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli import published
from tests.cli.conftest import Osiris

pytestmark = pytest.mark.slow

VERBS = published.leaves()
EXAMPLE = "pipelines/example.yaml"
ARGUMENTS = {
    "completion": ("bash",),
    "components example": ("duckdb.writer",),
    "components show": ("duckdb.writer",),
    "connections show": ("@filesystem.data",),
    "compile": (EXAMPLE,),
    "demo": ("--dir", "shop", "--rows", "50"),
    "discover": ("@filesystem.data",),
    "explain": (EXAMPLE,),
    "init": ("another",),
    "run": (EXAMPLE,),
    "runs prune": ("--keep-runs", "9"),
    "validate": (EXAMPLE,),
}
SILENT = {("init",), ("run",), ("validate",)}
"""They have done what was asked, and have nothing to show for it but that."""


@pytest.fixture
def used(osiris: Osiris, project: Path) -> Path:
    """A project with a run."""
    assert osiris("run", EXAMPLE, "--project", project).code == 0
    return project


def arguments(words: tuple[str, ...], project: Path) -> list[str]:
    return [*words, *ARGUMENTS.get(" ".join(words), ()), "--project", str(project)]


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_quiet_leaves_results_and_nothing_else(osiris: Osiris, used: Path, words: tuple[str, ...]) -> None:
    quiet = osiris(*arguments(words, used), "--quiet")
    assert (quiet.code, quiet.err) == (0, "")
    assert bool(quiet.out) is (words not in SILENT)
    if (used / "another").exists():
        (used / "another").rename(used / "another of the first call")
    loud = osiris(*arguments(words, used))
    assert loud.code == 0
    assert len(quiet.out.splitlines()) <= len(loud.out.splitlines())


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_verbose_adds_messages_and_changes_no_result(osiris: Osiris, used: Path, words: tuple[str, ...]) -> None:
    done = osiris(*arguments(words, used), "--verbose")
    assert done.code == 0
    assert not [line for line in done.out.splitlines() if line.startswith(("debug: ", "info: "))]
    assert "Traceback" not in done.err


def test_verbose_shows_what_is_behind_an_error(osiris_process: Osiris, project: Path) -> None:
    (project / "data/people.csv").unlink()
    plain = osiris_process("run", EXAMPLE, cwd=project)
    verbose = osiris_process("run", EXAMPLE, "--verbose", cwd=project)
    assert plain.code == verbose.code == 1
    assert "Traceback" not in plain.err
    assert "FileNotFoundError" in verbose.err


def test_errors_are_shown_however_quiet(osiris: Osiris, project: Path) -> None:
    (project / "data/people.csv").unlink()
    done = osiris("run", EXAMPLE, "--project", project, "--quiet")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: there is no file people.csv")
