"""`osiris schema`: the JSON Schemas of a project's files and of what `--json` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from osiris.cli import schemas as documents
from osiris.cli import words
from osiris.cli.face import Face
from osiris.cli.starter import write_over
from osiris.cli.verb import Verb, pass_face
from osiris.errors import ConfigError, did_you_mean


@click.command("schema", cls=Verb)
@click.argument("name", required=False, shell_complete=words.schemas)
@click.option("--write", "writing", is_flag=True, help="Write those of the project's files to .osiris/schemas/.")
@pass_face
def command(face: Face, /, name: str | None, writing: bool) -> None:
    """Show the JSON Schema of a file or of a --json document.

    NAME is pipeline, connections or settings (osiris.yaml), made from the components that this project can use, or a
    command, its words joined by dashes: runs-list. Without NAME all are listed. With --write editors find them: a file
    names its schema in its first line, as in those that osiris init makes.
    """
    project = face.project()
    if writing:
        if name is not None:
            raise ConfigError("--write takes no NAME", code="usage", hint="it writes the schemas of all files")
        _write(face)
        return
    found: dict[str, Mapping[str, Any]] = {
        **project.schemas(),
        **{each: documents.shape(each) for each in documents.names()},
    }
    if name is None:
        _list(face, found)
        return
    if name not in found:
        hint = did_you_mean(name, list(found)) or "osiris schema lists them"
        raise ConfigError(f'there is no schema "{name}"', code="schema.unknown", hint=hint)
    face.output.document(found[name])
    for text in json.dumps(found[name], indent=2, ensure_ascii=False).splitlines():
        face.output.line(text)


def _write(face: Face, /) -> None:
    from osiris.project import schemas

    project = face.project()
    files = schemas.files(project.catalog)
    write_over(project.root, files)
    face.output.document({"project": str(project.root), "files": list(files)})
    for path in files:
        face.output.done(f"wrote {path}")


def _list(face: Face, /, found: Mapping[str, Mapping[str, Any]]) -> None:
    rows = [
        {"name": name, "id": schema["$id"], "title": schema["title"], "description": schema["description"]}
        for name, schema in found.items()
    ]
    face.output.document({"schemas": rows})
    face.output.table(("name", "of", "what that is"), [(row["name"], row["title"], row["description"]) for row in rows])
