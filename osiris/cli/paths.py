"""Paths as a reader sees them: from the current folder, where they lie in it."""

from __future__ import annotations

import shlex
from pathlib import Path


def shown_path(name: str) -> str:
    path = Path(name)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else name


def cd_to(folder: Path) -> str:
    """The shell command that enters the folder, whatever its name."""
    name = str(folder)
    return f"cd {shlex.quote(f'./{name}' if name.startswith('-') else name)}"
