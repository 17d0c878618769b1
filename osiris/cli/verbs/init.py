"""`osiris init`: a new project, with an example that runs."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from osiris.cli.face import Face
from osiris.cli.verb import Verb, pass_face
from osiris.errors import ConfigError

STARTER = "starter"
"""The folder beside this package whose files a new project gets; `dot.x` becomes `.x`."""


@click.command("init", cls=Verb)
@click.argument("folder", metavar="[DIR]", default=".", required=False)
@pass_face
def command(face: Face, /, folder: str) -> None:
    """Make a new project, with an example that runs.

    DIR is the current folder unless given. Existing files are never overwritten.
    """
    root = Path(face.folder or ".") / folder
    written = write(root, starter_files(STARTER))
    face.output.document({"project": str(root), "files": written})
    for name in written:
        face.output.done(f"wrote {root / name}")
    enter = "" if root.resolve() == Path.cwd() else f"cd {root} && "
    face.output.done(f"try: {enter}osiris run pipelines/example.yaml")


def starter_files(folder: str) -> dict[str, str]:
    """The texts of a folder of this package, by the path that each gets in the project."""
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


def write(root: Path, files: dict[str, str]) -> list[str]:
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
