"""Ways to call `osiris` in tests: in this process where only the outcome counts, else as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from osiris.cli.main import main


@dataclass(frozen=True, slots=True)
class Call:
    """What one call of `osiris` came to."""

    code: int
    out: str
    err: str

    def document(self) -> dict[str, Any]:
        """The whole of stdout as one JSON document."""
        document: dict[str, Any] = json.loads(self.out)
        return document


Osiris = Callable[..., Call]


@pytest.fixture
def osiris(capsys: pytest.CaptureFixture[str]) -> Osiris:
    """`osiris(*arguments)` in this process."""

    def call(*arguments: str | Path) -> Call:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        return Call(code, shown.out, shown.err)

    return call


@pytest.fixture
def osiris_process(tmp_path: Path) -> Osiris:
    """`osiris(*arguments, cwd=, **environment)` as a process of its own, neither stdout nor stderr a terminal."""

    def call(*arguments: str | Path, cwd: Path = tmp_path, **environment: str) -> Call:
        done = subprocess.run(
            [sys.executable, "-m", "osiris", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return Call(done.returncode, done.stdout, done.stderr)

    return call
