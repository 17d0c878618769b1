"""`osiris init`: a new project, with an example that runs."""

from __future__ import annotations

from pathlib import Path

import click

from osiris.cli import words
from osiris.cli.face import Face
from osiris.cli.paths import cd_to
from osiris.cli.starter import schema_files, template, templates, write_new
from osiris.cli.verb import Verb, pass_face

IGNORE = ".gitignore"
"""Left as it is where there is one: most folders have it before they have a pipeline."""


@click.command("init", cls=Verb)
@click.argument("folder", metavar="[DIR]", default=".", required=False, shell_complete=words.folders)
@click.option(
    "--template",
    "name",
    metavar="NAME",
    default="starter",
    show_default=True,
    shell_complete=words.templates,
    help="What to start from.",
)
@click.option("--list-templates", "listing", is_flag=True, help="List the templates; nothing is made.")
@pass_face
def command(face: Face, /, folder: str, name: str, listing: bool) -> None:
    """Make a new project, with an example that runs.

    DIR is the current folder unless given. Existing files are never overwritten.
    """
    if listing:
        _list(face)
        return
    root = Path(face.folder or ".") / folder
    chosen = template(name)
    files = dict(chosen.files)
    ignored = files.pop(IGNORE) if (root / IGNORE).is_file() else None
    files |= {path: text for path, text in schema_files().items() if not (root / path).exists()}
    written = write_new(root, files)
    document = {"project": str(root), "template": name, "pipeline": chosen.pipeline, "files": written}
    face.output.document(document)
    for path in written:
        face.output.done(f"wrote {root / path}")
    if ignored is not None:
        lines = [line for line in ignored.splitlines() if line and not line.startswith("#")]
        face.output.note(f"{root / IGNORE} was there and is as it was; let it have: {', '.join(lines)}")
    enter = "" if root.resolve() == Path.cwd() else f"{cd_to(root)} && "
    face.output.done(f"try: {enter}osiris run {chosen.pipeline}")


def _list(face: Face, /) -> None:
    rows = [
        {"name": each.name, "description": each.description, "pipeline": each.pipeline} for each in templates().values()
    ]
    face.output.document({"templates": rows})
    face.output.table(("template", "what it is"), [(row["name"], row["description"]) for row in rows])
    face.output.done("make one: osiris init DIR --template NAME")
