"""The files that `init` and `demo` give to a new project: folders of this package, copied as text."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from osiris.errors import ConfigError


def files_of(folder: str) -> dict[str, str]:
    """The texts of a folder beside this file, by the path that each gets in the project; `dot.x` becomes `.x`."""
    base = resources.files("osiris.cli") / folder
    found: dict[str, str] = {}
    waiting = [(base, "")]
    while waiting:
        node, path = waiting.pop()
        for child in node.iterdir():
            name = path + child.name
            if child.is_dir():
                waiting.append((child, f"{name}/"))
            elif not name.endswith((".py", ".pyc")):
                found[name.replace("dot.", ".", 1)] = child.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


def write_new(root: Path, files: dict[str, str]) -> list[str]:
    """Write all files or none; ConfigError when one of them is there already."""
    there = [name for name in files if (root / name).exists() or (root / name).is_symlink()]
    if there:
        hint = "choose an empty folder, or remove what you do not need; nothing was written"
        raise ConfigError(
            f"already there: {', '.join(str(root / name) for name in there)}", code="init.exists", hint=hint
        )
    made: list[Path] = []
    try:
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except BaseException:
        for path in made:
            path.unlink()
        raise
    return list(files)


def write_over(root: Path, files: dict[str, str]) -> None:
    """Write all files, over those that are there."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
