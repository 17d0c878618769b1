"""`osiris discover`: what there is to read behind a connection."""

from __future__ import annotations

import click

from osiris.cli import words
from osiris.cli.face import Face
from osiris.cli.verb import Verb, pass_face


@click.command("discover", cls=Verb)
@click.argument("reference", metavar="REF", shell_complete=words.references)
@click.option("--like", metavar="GLOB", help="Only what matches this name, such as 'shop.*'.")
@pass_face
def command(face: Face, /, reference: str, like: str | None) -> None:
    """Show what can be read through a connection.

    That is the tables, views or files behind REF (@family.alias), with their columns.
    """
    found = face.project().discover(reference, like=like)
    document = found.to_json()
    face.output.document(document)
    rows = []
    for resource in document["resources"]:
        columns = ", ".join(f"{field['name']} {field['type']}" for field in resource["fields"])
        schema = resource.get("schema")
        name = f"{schema}.{resource['name']}" if schema else resource["name"]
        rows.append((name, resource["type"], resource.get("estimated_rows"), columns))
    face.output.table(("name", "type", "rows", "columns"), rows, right=("rows",))
    if not rows:
        face.output.note(f"nothing to read behind {document['connection']}" + (f" matches {like!r}" if like else ""))
