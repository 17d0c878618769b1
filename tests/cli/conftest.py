"""Ways to call `osiris` in tests: in this process where only the outcome counts, else as a process."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from osiris.cli.main import main
from tests.cli import published

OF_A_TERMINAL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
ENVIRON = {name: value for name, value in os.environ.items() if name not in OF_A_TERMINAL} | {
    "PYTHONPATH": str(Path(__file__).parents[2])
}
"""Of a process whose terminal is not the one that the tests were started on."""


@dataclass(frozen=True, slots=True)
class Call:
    """What one call of `osiris` came to."""

    code: int
    out: str
    err: str

    def document(self, shape: str) -> dict[str, Any]:
        """The whole of stdout as one JSON document of that published shape."""
        document: dict[str, Any] = json.loads(self.out)
        published.check(shape, document)
        return document


Osiris = Callable[..., Call]
InTerminal = Callable[..., Call]


def looked_at(arguments: Sequence[str | Path], call: Call) -> Call:
    """The call, once its document is found to be as published, whatever the test is about."""
    words = [str(argument) for argument in arguments]
    if "--json" in words and not {"--help", "-h"} & set(words):
        published.document(words, call.out)
    return call


@pytest.fixture
def osiris(capsys: pytest.CaptureFixture[str]) -> Osiris:
    """`osiris(*arguments)` in this process."""

    def call(*arguments: str | Path) -> Call:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        return looked_at(arguments, Call(code, shown.out, shown.err))

    return call


@pytest.fixture
def osiris_process(tmp_path: Path) -> Osiris:
    """`osiris(*arguments, cwd=, **environment)` as a process of its own, neither stdout nor stderr a terminal."""

    def call(*arguments: str | Path, cwd: Path = tmp_path, **environment: str) -> Call:
        done = subprocess.run(
            [sys.executable, "-m", "osiris", *map(str, arguments)],
            cwd=cwd,
            env={**ENVIRON, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return looked_at(arguments, Call(done.returncode, done.stdout, done.stderr))

    return call


@pytest.fixture
def osiris_terminal(in_terminal: InTerminal, tmp_path: Path) -> Osiris:
    """`osiris(*arguments, cwd=, columns=, **environment)` on a terminal of its own, whose whole text is `out`."""

    def call(*arguments: str | Path, cwd: Path = tmp_path, columns: int = 80, **environment: str) -> Call:
        command = [sys.executable, "-m", "osiris", *map(str, arguments)]
        return in_terminal(command, cwd=cwd, columns=columns, **environment)

    return call


@pytest.fixture(scope="session")
def in_terminal() -> InTerminal:
    """`in_terminal(command, cwd=, columns=, **environment)`."""

    def call(command: Sequence[str], *, cwd: Path, columns: int, **environment: str) -> Call:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, columns))
        environ = {**ENVIRON, "TERM": "xterm-256color", **environment}
        process = subprocess.Popen(command, cwd=cwd, env=environ, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b"".join(iter(lambda: terminal_text(ours), b""))
        os.close(ours)
        return Call(process.wait(timeout=60), shown.decode(), "")

    return call


def terminal_text(terminal: int) -> bytes:
    """What comes next from a terminal; nothing once its other end is closed, which Linux reports as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


@pytest.fixture
def project(tmp_path: Path, osiris: Osiris) -> Path:
    """A folder with what `osiris init` makes."""
    folder = tmp_path / "project"
    assert osiris("init", folder).code == 0
    return folder
