"""Writes docs/reference: the command line from click, components from their specs, errors from their classes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

import osiris
from osiris import errors
from osiris.cli.main import cli
from osiris.components import catalog
from osiris.components.component import Component
from osiris.connectors import registry

REFERENCE = Path(__file__).parent / "reference"
SHAPES = Path(osiris.__file__).parent / "cli" / "shapes"
WIDTH = 100
JSON_HEADS = ("field", "type", "always there")
GENERATED = "<!-- made by `make docs`: edit the source, not this page -->\n"


def main() -> int:
    """Write the pages, and remove those that nothing makes any more."""
    wanted = pages()
    for path in [path for path in REFERENCE.rglob("*.md") if path not in wanted]:
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    sys.stdout.write(f"{len(wanted)} pages in {REFERENCE}\n")
    return 0


def pages() -> dict[Path, str]:
    """Every page of the reference by its path; nothing is written."""
    components = builtin_components()
    found = {
        "README.md": index(components),
        "cli.md": command_line(),
        "errors.md": error_page(),
        "json.md": json_page(),
    }
    found |= {f"components/{component.name}.md": component_page(component) for component in components}
    return {REFERENCE / name: GENERATED + "\n" + text.strip() + "\n" for name, text in found.items()}


def builtin_components() -> list[Component]:
    """The components that Osiris ships, whatever else is installed."""
    known = catalog.load(registry.load(registry.Policy(allow=())))
    listed = [known.get(name) for name in known.names()]
    return [component for component in listed if component.distribution == osiris.DISTRIBUTION]


def index(components: list[Component]) -> str:
    rows = [
        (f"[`{c.name}`](components/{c.name}.md)", ", ".join(c.modes), c.title, ", ".join(abilities(c)) or "-")
        for c in components
    ]
    return f"""
# Reference

- [Command line](cli.md)
- [What `--json` prints](json.md)
- [Errors and exit codes](errors.md)

## Components

{table(("component", "modes", "what it does", "abilities"), rows)}
"""


def command_line() -> str:
    parts = [
        "# Command line",
        "With `--json` a command prints one JSON document on stdout and nothing else; messages go to stderr.",
    ]
    settings: dict[str, Any] = {
        "terminal_width": WIDTH,
        "max_content_width": WIDTH,
        "help_option_names": ["-h", "--help"],
    }
    for context in commands(click.Context(cli, info_name="osiris", **settings)):
        parts += [f"## {context.command_path}", f"```text\n{context.get_help().rstrip()}\n```"]
    return "\n\n".join(parts)


def commands(context: click.Context) -> Iterator[click.Context]:
    """The context of a command and of all below it, depth first."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from commands(click.Context(command, info_name=name, parent=context))


def json_page() -> str:
    """The shapes of `--json`. The error is told once, since every command may print it instead of its own document."""
    shapes = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(SHAPES.glob("*.json"))]
    failed = next(shape["$defs"]["error"] for shape in shapes if "error" in shape.get("$defs", {}))
    parts = [
        f"""
# What `--json` prints

One document on stdout. Fields may be added within a major version, never renamed. Each shape is a JSON Schema.

## error

A command that fails has `error` in its document; one that fails before it has anything else to say prints only that.

{table(JSON_HEADS, list(fields(failed, failed, "error.")))}
""".strip()
    ]
    for path, shape in zip(sorted(SHAPES.glob("*.json")), shapes, strict=True):
        link = f"Schema: [{path.name}](../../osiris/cli/shapes/{path.name})"
        rows = [row for row in fields(shape, shape, "") if not row[0].startswith(("`error`", "`error."))]
        parts += [f"## {shape['title']}", link, table(JSON_HEADS, rows)]
    return "\n\n".join(parts)


def fields(part: Mapping[str, Any], whole: Mapping[str, Any], above: str) -> Iterator[tuple[str, str, str]]:
    """A row for each field of an object's schema and of the objects in it, named by their path."""
    part = resolved(part, whole)
    for branch in part.get("anyOf", ()):
        yield from fields(branch, whole, above)
    for name, below in part.get("properties", {}).items():
        schema = resolved(below, whole)
        yield f"`{above}{name}`", kind(schema), "yes" if name in part.get("required", ()) else "no"
        yield from fields(schema, whole, f"{above}{name}.")
    if "items" in part:
        yield from fields(part["items"], whole, above.removesuffix(".") + "[].")
    if isinstance(part.get("additionalProperties"), Mapping):
        yield from fields(part["additionalProperties"], whole, f"{above}<name>.")


def resolved(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = whole["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    return found


def error_page() -> str:
    rows = [
        (
            "`" + "· " * depth + error.__name__ + "`",
            error.category,
            f"`{error.default_code}`",
            str(error.exit_code),
            "yes" if error.retryable else "no",
        )
        for depth, error in classes(errors.OsirisError, 0)
    ]
    exits = {name.removeprefix("EXIT_"): code for name, code in vars(errors).items() if name.startswith("EXIT_")}
    meaning = {
        "OK": "all well; warnings are allowed",
        "FAILED": "the work failed, or a check of a connection did",
        "CONFIG": "a wrong call, a wrong file, or a pipeline that does not hold",
        "UNTESTABLE": "nothing failed, but what is left could not be tested",
        "SIGINT": "stopped by Ctrl-C; writers took their rows back",
        "SIGTERM": "stopped by SIGTERM; writers took their rows back",
    }
    return f"""
# Errors and exit codes

Everything that Osiris raises on purpose is an `OsirisError`. It has a `message`, a stable `code`, a `hint` on what to
do, and `file`, `line` and `column` where it is about a file. Import them from `osiris`.

```text
{(errors.__doc__ or "").partition(chr(10))[2].strip(chr(10))}
```

{table(("class", "category", "default code", "exit", "may be retried"), rows)}

## Exit codes

{table(("code", "means"), [(str(code), meaning[name]) for name, code in exits.items()])}
"""


def classes(error: type[errors.OsirisError], depth: int) -> Iterator[tuple[int, type[errors.OsirisError]]]:
    """The error and all below it that `osiris.errors` defines, in the order of the file."""
    yield depth, error
    for below in error.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from classes(below, depth + 1)


def component_page(component: Component) -> str:
    parts = [f"# {component.name}", f"{component.title}."]
    parts += [component.description.strip()] if component.description else []
    parts.append(f"Modes: {', '.join(component.modes)}. Abilities: {', '.join(abilities(component)) or 'none'}.")
    parts += ["## Options", options(component, component.option_names)]
    fields = [field.name for field in component.connection_fields]
    if fields:
        parts += ["## Connection fields", "Set in `osiris_connections.yaml`.", options(component, fields)]
    rules = [rule(constraint) for constraint in component.constraints]
    parts += ["## Rules", "\n".join(f"- {text}" for text in rules)] if rules else []
    if component.aliases:
        parts += ["## Former names", "They work, with a warning."]
        parts.append(table(("former", "now"), [(f"`{old}`", f"`{new}`") for old, new in component.aliases.items()]))
    for number, example in enumerate(component.examples, 1):
        text = yaml.safe_dump(dict(example), sort_keys=False, allow_unicode=True).rstrip()
        parts += [f"## Example {number}", f"```yaml fragment\n{text}\n```"]
    return "\n\n".join(parts)


def abilities(component: Component) -> list[str]:
    words = {"discover": "lists what is there", "splits": "reads in parallel", "atomic": "all rows or none"}
    return [words[name] for name, able in component.capabilities.items() if able]


def options(component: Component, names: list[str]) -> str:
    properties = component.config_schema["properties"]
    required = component.config_schema.get("required", ())
    rows = []
    for name in names:
        part = properties[name]
        said = [str(part[key]).strip().replace("\n", " ") for key in ("title", "description") if part.get(key)]
        text = " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in said)
        marks = ["secret"] if component.is_secret(name) else []
        override = component.override(name)
        marks += [f"a step may override it: {override}"] if override else []
        text += f" ({'; '.join(marks)})" if marks else ""
        default = "required" if name in required else f"`{plain(part['default'])}`" if "default" in part else ""
        rows.append((f"`{name}`", kind(part), default, text))
    return table(("name", "type", "default", "what it does"), rows)


def kind(part: Mapping[str, Any]) -> str:
    """A JSON Schema's type in a few words."""
    if "enum" in part:
        return " \\| ".join(f"`{plain(value)}`" for value in part["enum"])
    if "oneOf" in part or "anyOf" in part:
        return " or ".join(dict.fromkeys(kind(each) for each in part.get("oneOf", part.get("anyOf"))))
    if "const" in part:
        return f"`{plain(part['const'])}`"
    named = part.get("type", "any")
    names = named if isinstance(named, list) else [named]
    if names == ["array"] and "$ref" not in part.get("items", {"$ref": ""}):
        return f"list of {kind(part['items'])}"
    return " or ".join(names)


def plain(value: Any) -> str:
    """A value as YAML writes it on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).strip().removesuffix("...").strip()


def rule(constraint: Mapping[str, Any]) -> str:
    if "message" in constraint:
        return str(constraint["message"])
    words = {"exactly_one_of": "exactly one of", "at_most_one_of": "at most one of", "all_or_none": "all or none of"}
    for name, text in words.items():
        if name in constraint:
            return f"{text} {', '.join(f'`{option}`' for option in constraint[name])}"
    when = " and ".join(f"`{name}: {plain(value)}`" for name, value in constraint["when"].items())
    needs = [f"needs `{name}`" for name in constraint.get("require", ())]
    needs += [f"does not go with `{name}`" for name in constraint.get("forbid", ())]
    return f"{when} {' and '.join(needs)}"


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
