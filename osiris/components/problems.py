"""A fault of a config, and the words in which such faults are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a config. `path` leads to it from the config's root; `code` is stable (`option.unknown`)."""

    path: Path
    code: str
    message: str
    hint: str | None = None


def quoted(names: Sequence[str], last: str = "and") -> str:
    """`"a", "b" and "c"`."""
    words = [f'"{name}"' for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def shown(value: object) -> str:
    """A value as the user may have written it, cut to a readable length."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}..."'
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else str(value)


def dotted(path: Path) -> str:
    """`columns[0].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
