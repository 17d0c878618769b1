"""The command itself: version, help, wrong calls, faults, signals, broken pipes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from osiris import __version__
from tests.cli import published
from tests.cli.conftest import Osiris


def test_version_is_answered_in_text_and_json(osiris_process: Osiris, osiris: Osiris) -> None:
    assert osiris_process("--version").out == f"osiris {__version__}\n"
    assert osiris("--version", "--json").document("version") == {"version": __version__}
    assert osiris("--json", "--version").document("version") == {"version": __version__}


VERBS = published.leaves()


def test_every_verb_of_the_design_is_there() -> None:
    lists = [
        "components list",
        "components show",
        "components example",
        "connections list",
        "connections show",
        "connections doctor",
    ]
    verbs = ["completion", "init", "demo", "discover", "validate", "explain", "compile", "run"]
    verbs += ["logs", "runs list", "runs show", "runs prune", "schema"]
    assert sorted(" ".join(words) for words in VERBS) == sorted(lists + verbs)


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_help_of_every_verb_names_the_shared_options(osiris: Osiris, words: tuple[str, ...]) -> None:
    done = osiris(*words, "--help")
    assert done.code == 0
    assert done.out == osiris(*words, "-h").out
    for option in ("--project DIR", "--json", "--quiet", "--verbose"):
        assert option in done.out


def test_help_loads_neither_pyarrow_nor_rich() -> None:
    """`--help` has 150 ms; either would eat them."""
    code = "import sys; from osiris.cli.main import main; main(['--help']); sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "click" in loaded
    assert not loaded & {"pyarrow", "rich", "duckdb", "yaml", "jsonschema"}
    assert "Commands:" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("valdate", "x.yaml"),
        ("run",),
        ("run", "x.yaml", "--no-such-option"),
        ("components",),
        ("components", "shwo"),
        ("connections", "doctor", "--timeout", "soon"),
        ("run", "x.yaml", "--quiet", "--verbose"),
    ],
)
def test_a_wrong_call_exits_2_and_says_so_on_stderr_or_as_json(osiris: Osiris, arguments: tuple[str, ...]) -> None:
    told = osiris(*arguments)
    assert (told.code, told.out) == (2, "")
    assert told.err
    as_json = osiris(*arguments, "--json")
    assert as_json.code == 2
    assert as_json.document("version")["error"]["code"] == "usage"


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("valdate", "x.yaml"), "no such command 'valdate'", "did you mean validate?"),
        (("runs", "lst"), "no such command 'lst'", "did you mean list?"),
        (("run", "--dryrun", "x.yaml"), "no such option '--dryrun'", "did you mean --dry-run?"),
        (("zzz",), "no such command 'zzz'", "try: osiris --help"),
    ],
)
def test_a_misspelt_command_or_option_names_the_one_that_was_meant(
    osiris: Osiris, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    done = osiris(*arguments)
    assert done.code == 2
    assert done.err == f"error: {message}\nhint: {hint}\n"


def test_a_project_that_is_not_there_is_a_wrong_call(osiris: Osiris, tmp_path: Path) -> None:
    done = osiris("runs", "list", "--project", tmp_path / "nowhere", "--json")
    assert done.code == 2
    assert done.document("runs-list")["error"]["code"] == "project.missing"


def test_colour_is_for_terminals_that_want_it(osiris_terminal: Osiris, osiris_process: Osiris) -> None:
    red = "\x1b[31;1merror: no such command 'x'\x1b[0m"
    assert red in osiris_terminal("x").out
    for dull in (osiris_terminal("x", NO_COLOR="1"), osiris_terminal("x", TERM="dumb"), osiris_process("x")):
        assert "error: no such command 'x'" in dull.out + dull.err
        assert "\x1b" not in dull.out + dull.err
    assert red in osiris_process("x", FORCE_COLOR="1").err
    assert "\x1b" not in osiris_process("x", FORCE_COLOR="1", NO_COLOR="1").err


def test_tables_and_progress_have_no_colour_either(osiris_terminal: Osiris, project: Path) -> None:
    sgr = re.compile(r"\x1b\[[0-9;]*m")
    run = ("run", "pipelines/example.yaml")
    assert sgr.search(osiris_terminal(*run, cwd=project).out)
    assert sgr.search(osiris_terminal("runs", "list", cwd=project).out)
    assert not sgr.search(osiris_terminal(*run, cwd=project, NO_COLOR="1").out)
    assert not sgr.search(osiris_terminal("runs", "list", cwd=project, NO_COLOR="1").out)
    for arguments in (run, ("runs", "list")):
        assert "\x1b" not in osiris_terminal(*arguments, cwd=project, TERM="dumb").out


def python(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A process that runs `main` after `code` has put a verb of its own in place."""
    program = f"import sys\nfrom osiris.cli import main as module\n{code}\nsys.exit(module.main(sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
    )


BROKEN = """
import click
from osiris.cli.verb import Verb
from osiris.secrets import redactor
redactor.add("tell-nobody-0815")
@click.command("broken", cls=Verb)
def broken(): raise KeyError("tell-nobody-0815")
module.cli.add_command(broken)
module.Verbs.get_command = click.Group.get_command
"""


@pytest.mark.parametrize("verbose", [False, True])
def test_an_unforeseen_failure_is_one_line_and_a_traceback_kept_without_secrets(tmp_path: Path, verbose: bool) -> None:
    """LESSONS 15: raw exceptions put tokens into logs."""
    process = python(BROKEN, "broken", *(["--verbose"] if verbose else []), TMPDIR=str(tmp_path))
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("error: KeyError: '***'\nhint: this is a fault of Osiris")
    (kept,) = tmp_path.glob("osiris-*.txt")
    assert str(kept) in err
    assert "Traceback" in kept.read_text()
    assert ("Traceback" in err) is verbose
    assert "0815" not in err + kept.read_text()


def test_an_unforeseen_failure_is_one_document_with_json(tmp_path: Path) -> None:
    process = python(BROKEN, "broken", "--json", TMPDIR=str(tmp_path))
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert json.loads(out)["error"]["message"] == "KeyError: '***'"


SLOW = """
import click, time
from osiris.cli.verb import Verb
@click.command("slow", cls=Verb)
def slow():
    sys.stderr.write("ready\\n"); sys.stderr.flush()
    time.sleep(30)
module.cli.add_command(slow)
module.Verbs.get_command = click.Group.get_command
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_ends_any_verb_with_its_exit_code(number: signal.Signals, code: int) -> None:
    process = python(SLOW, "slow", "--json")
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in err
    assert json.loads(out)["error"]["code"] == "run.cancelled"


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_full_disk_under_stdout_is_one_line(more: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "osiris", "components", "list", *more]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "no space left on device" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_reason_to_complain() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(0.5)\nfrom osiris.__main__ import main\nmain()", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(timeout=30)
