"""`osiris connections`: what is configured, where each value comes from, and whether it works."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from osiris.cli import words
from osiris.cli.doctor import DoctorView
from osiris.cli.face import Face, plain_failure
from osiris.cli.verb import VerbGroup, pass_face
from osiris.diagnosis import LEVELS
from osiris.errors import OsirisError

if TYPE_CHECKING:
    from osiris.connections import Field

command = VerbGroup("connections", help="Show and test the connections of the project.")
PLACEHOLDER = re.compile(r"\$\{(?P<inside>[^{}]*)\}")


@command.command("list")
@pass_face
def list_connections(face: Face, /) -> None:
    """List all connections, secrets masked."""
    project = face.project()
    document = project.connections.describe()
    face.output.document(document)
    rows = [
        (f"@{family}.{alias}", shown["is_default"], _fields_text(shown["config"]), ", ".join(_unset(shown)))
        for family, aliases in document["connections"].items()
        for alias, shown in aliases.items()
    ]
    if rows:
        face.output.table(("connection", "default", "fields", "unset variables"), rows)
    else:
        where = project.connections.path or "there is no osiris_connections.yaml"
        face.output.note(f"no connections are configured: {where}")


@command.command("show")
@click.argument("reference", metavar="REF", shell_complete=words.references)
@pass_face
def show_connection(face: Face, /, reference: str) -> None:
    """Show a connection and where each value comes from.

    REF is @family.alias. Secrets are masked, and variables are not looked up but for whether they are set.
    """
    project = face.project()
    family, alias = project.connections.split(reference)
    shown = project.connections.describe()["connections"][family][alias]
    project.connections.refuse_unknown(reference)
    fields = project.connections.fields(reference)
    face.output.document(
        {
            "connection": reference,
            "family": family,
            "alias": alias,
            "is_default": shown["is_default"],
            "file": str(project.connections.path),
            "fields": [_field(field) for field in fields],
        }
    )
    default = f" (what a step of {family} uses when it names none)" if shown["is_default"] else ""
    face.output.line(f"{reference} in {project.connections.path}{default}")
    rows = [(field.written, _value_text(field.value), _origin_text(field)) for field in fields]
    face.output.table(("field", "value", "from"), rows)


@command.command("doctor")
@click.argument("references", metavar="[REF]...", nargs=-1, shell_complete=words.references)
@click.option("--family", metavar="FAMILY", shell_complete=words.families, help="Only the connections of this family.")
@click.option(
    "--pipeline",
    metavar="FILE",
    shell_complete=words.pipelines,
    help="Only the connections that this pipeline uses, and what it reads.",
)
@click.option("--level", type=click.Choice(LEVELS), default="quick", show_default=True, help="How deep to look.")
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="What each connection may take.",
)
@click.option(
    "--jobs", metavar="N", type=click.IntRange(min=1), default=8, show_default=True, help="Connections at a time."
)
@pass_face
def doctor(face: Face, /, references: tuple[str, ...], **options: Any) -> int:
    """Test connections, all at once.

    Each REF is @family.alias; without one all are tested. quick costs one login, full also reads what is named, write
    also proves writing with something temporary. Exit code: 0 all well, 1 a check failed, 2 nothing to test or a wrong
    call, 3 what is left could not be tested.
    """
    face.failure = _refused
    view = DoctorView(face.output)
    report = face.project().doctor(references, on_result=view.show, **options)
    document = report.to_json()
    face.output.document(document)
    view.sum_up(document["summary"])
    return int(report.exit_code)


def _refused(error: OsirisError) -> dict[str, Any]:
    summary = dict.fromkeys(("ok", "warn", "fail", "untestable"), 0)
    return {"ok": False, "summary": summary, "results": {}, **plain_failure(error)}


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.written,
        "value": field.value,
        "origin": field.origin,
        "variables": dict(field.variables),
        "line": field.line,
    }


def _fields_text(config: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_value_text(value)}" for name, value in config.items())


def _value_text(value: Any) -> str:
    return value if isinstance(value, str) else "-" if value is None else str(value)


def _origin_text(field: Field) -> str:
    states = [
        f"{name} ({'set' if is_set else 'NOT set' if name in field.unset else 'not set: the default holds'})"
        for name, is_set in field.variables.items()
    ]
    return f"{field.origin} {', '.join(states)}".strip()


def _unset(shown: Mapping[str, Any]) -> list[str]:
    """The variables that somebody has to set."""
    needed = _needed(shown["config"])
    return [name for name, is_set in shown["env_vars"].items() if not is_set and name in needed]


def _needed(value: Any) -> set[str]:
    """What stands in placeholders without a default."""
    return {part["inside"] for part in PLACEHOLDER.finditer(str(value))}
