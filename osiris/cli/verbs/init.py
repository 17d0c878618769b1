"""`osiris init`: a new project, with an example that runs."""

from __future__ import annotations

from pathlib import Path

import click

from osiris.cli.face import Face
from osiris.cli.starter import files_of, write_new
from osiris.cli.verb import Verb, pass_face

STARTER = "starter_project"
IGNORE = ".gitignore"
"""Left as it is where there is one: most folders have it before they have a pipeline."""


@click.command("init", cls=Verb)
@click.argument("folder", metavar="[DIR]", default=".", required=False)
@pass_face
def command(face: Face, /, folder: str) -> None:
    """Make a new project, with an example that runs.

    DIR is the current folder unless given. Existing files are never overwritten.
    """
    root = Path(face.folder or ".") / folder
    files = files_of(STARTER)
    ignored = files.pop(IGNORE) if (root / IGNORE).is_file() else None
    written = write_new(root, files)
    face.output.document({"project": str(root), "files": written})
    for name in written:
        face.output.done(f"wrote {root / name}")
    if ignored is not None:
        lines = [line for line in ignored.splitlines() if line and not line.startswith("#")]
        face.output.note(f"{root / IGNORE} was there and is as it was; let it have: {', '.join(lines)}")
    enter = "" if root.resolve() == Path.cwd() else f"cd {root} && "
    face.output.done(f"try: {enter}osiris run pipelines/example.yaml")
