"""`osiris components`: which components there are, and what each may be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from osiris.cli import words
from osiris.cli.examples import as_yaml, connections_text, pipeline_text
from osiris.cli.face import Face
from osiris.cli.verb import VerbGroup, pass_face, unknown_name

if TYPE_CHECKING:
    from osiris.components.catalog import Component

command = VerbGroup("components", help="Show the components that pipelines can be made of.")


@command.command("list")
@click.option("--family", metavar="FAMILY", shell_complete=words.families, help="Only the components of this family.")
@pass_face
def list_components(face: Face, /, family: str | None) -> None:
    """List all components, those that cannot be used with the reason."""
    project = face.project()
    if family is not None and family not in project.registry.families():
        with unknown_name():
            project.registry.provider(family)
    rows = [row for row in project.catalog.listed() if family is None or row["family"] == family]
    face.output.document({"components": rows})
    columns = ("name", "version", "modes", "state", "from")
    face.output.table(
        columns,
        [
            (row["name"], row["version"] or "-", ", ".join(row["modes"]) or "-", row["state"], row["distribution"])
            for row in rows
        ],
    )
    for row in rows:
        if row.get("reason"):
            face.output.note(f"{row['name']}: {row['reason']}", "warning")


@command.command("show")
@click.argument("name", shell_complete=words.components)
@pass_face
def show_component(face: Face, /, name: str) -> None:
    """Show the options of a component, with examples."""
    with unknown_name():
        component = face.project().catalog.get(name)
    options = [_option(component, name) for name in component.option_names]
    fields = [{**_option(component, field.name), "override": field.override} for field in component.connection_fields]
    face.output.document(_document(component, options, fields))
    _show_head(face, component)
    _show_options(face, "Options", options)
    _show_options(face, "Connection fields, from osiris_connections.yaml", fields)
    _show_rest(face, component)


@command.command("example")
@click.argument("name", shell_complete=words.components)
@pass_face
def show_example(face: Face, /, name: str) -> None:
    """Print a pipeline that uses a component.

    It is valid where the connections are that it names; they stand in its comments.
    """
    with unknown_name():
        example = face.project().example(name)
    text, connections = pipeline_text(example), connections_text(example)
    face.output.document(
        {
            "component": name,
            "version": example.component.version,
            "pipeline": text,
            "connections": None if connections is None else "\n".join([*connections, ""]),
            "variables": list(example.variables),
        }
    )
    for line in text.splitlines():
        face.output.line(line)


def type_text(schema: dict[str, Any]) -> str:
    """A JSON Schema's type as one reads it: `string or null`, `list of integer`, `lf | crlf`."""
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(type_text(part) for part in schema[choice]))
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(type_text({**schema, "type": one}) for one in kind)
    if kind == "array":
        return f"list of {type_text(schema['items'])}" if isinstance(schema.get("items"), dict) else "list"
    return "map" if kind == "object" else str(kind)


def _option(component: Component, name: str) -> dict[str, Any]:
    schema = component.config_schema["properties"][name]
    return {
        "name": name,
        "type": type_text(schema),
        "required": name in component.config_schema.get("required", ()),
        "default": schema.get("default"),
        "secret": component.is_secret(name),
        "description": " ".join(str(schema.get("description") or schema.get("title", "")).split()),
    }


def _document(component: Component, options: list[dict[str, Any]], fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": component.name,
        "version": component.version,
        "family": component.family,
        "title": component.title,
        "description": component.description,
        "modes": list(component.modes),
        "capabilities": dict(component.capabilities),
        "options": options,
        "connection_fields": fields,
        "constraints": [dict(constraint) for constraint in component.constraints],
        "aliases": dict(component.aliases),
        "examples": [dict(example) for example in component.examples],
        "distribution": f"{component.distribution} {component.distribution_version}",
        "digest": component.digest,
    }


def _show_head(face: Face, /, component: Component) -> None:
    output = face.output
    output.line(f"{component.name} {component.version}: {component.title}")
    abilities = [name for name, has in component.capabilities.items() if has]
    output.line(f"modes: {', '.join(component.modes)}; abilities: {', '.join(abilities) or 'none'}")
    output.line(f"from: {component.distribution} {component.distribution_version}")
    if component.description:
        output.line()
        output.paragraph(component.description)


def _show_options(face: Face, /, title: str, options: list[dict[str, Any]]) -> None:
    if not options:
        return
    face.output.line()
    face.output.line(title)
    rows = []
    for option in options:
        default = "required" if option["required"] else "" if option["default"] is None else str(option["default"])
        marks = [f"step may override: {option['override']}"] if "override" in option else []
        marks += ["secret"] if option["secret"] else []
        text = option["description"] + (f" ({'; '.join(marks)})" if marks else "")
        rows.append((option["name"], option["type"], default, text))
    face.output.table(("name", "type", "default", "description"), rows)


def _show_rest(face: Face, /, component: Component) -> None:
    for old, new in component.aliases.items():
        face.output.line(f"{old} is a former name of {new}")
    for example in component.examples:
        face.output.line()
        face.output.line("Example")
        for text in as_yaml(dict(example)).splitlines():
            face.output.line(f"  {text}")
