"""What a glob matches. Nothing is left out in silence, as Python's own does with folders that it may not look into."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from osiris.errors import PermissionDenied


def matches(base: Path, pattern: str) -> list[Path]:
    """The paths that `pattern` means, counted from `base` (whose own name is no pattern), sorted by name.

    Raises PermissionDenied for a folder on the way that cannot be listed or entered. Hidden files never match `*`.
    """
    parts = Path(pattern).parts
    parts = (*parts, "*") if parts[-1:] == ("**",) else parts
    for depth, part in enumerate(parts):
        for folder in _glob(base, f"{Path(*parts[:depth])}/") if depth else [""]:
            _look_into(base / folder, lists=glob.has_magic(part))
    return [base / match for match in sorted(_glob(base, pattern))]


def _glob(base: Path, pattern: str) -> list[str]:
    return glob.glob(pattern, root_dir=base, recursive=True)  # noqa: PTH207 - Path.glob gives hidden files too


def _look_into(folder: Path, *, lists: bool) -> None:
    try:
        if lists:
            os.scandir(folder).close()
        allowed = os.access(folder, os.X_OK) or not folder.exists()
    except FileNotFoundError:
        return
    except PermissionError:
        allowed = False
    if not allowed:
        hint = "allow it, or choose a path that leaves the folder out: what is in it would be missing from the rows"
        text = f"not allowed to look into the folder {folder}"
        raise PermissionDenied(text, code="file.permission", hint=hint)
