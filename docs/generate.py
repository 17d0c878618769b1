"""Writes docs/reference: the command line from click, components from specs, files and --json from schemas, errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

import osiris
from docs.codes import ADVICE, CLASSES, Found, codes
from osiris import errors, settings
from osiris.cli import schemas as documents
from osiris.cli.main import cli
from osiris.compile import keys
from osiris.components import catalog
from osiris.components.catalog import Catalog
from osiris.components.component import Component
from osiris.connections import layout
from osiris.connections.schema import DEFAULT
from osiris.connectors import registry
from osiris.project import schemas

REFERENCE = Path(__file__).parent / "reference"
WIDTH = 100
JSON_HEADS = ("field", "type", "always there", "what it is")
KEY_HEADS = ("key", "type", "default", "what it is")
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
        "files.md": files_page(),
        "json.md": json_page(),
    }
    found |= {f"components/{component.name}.md": component_page(component) for component in components}
    return {REFERENCE / name: GENERATED + "\n" + text.strip() + "\n" for name, text in found.items()}


def builtin() -> Catalog:
    """The families that Osiris ships, whatever else is installed."""
    return catalog.load(registry.load(registry.Policy(allow=())))


def builtin_components() -> list[Component]:
    known = builtin()
    listed = [known.get(name) for name in known.names()]
    return [component for component in listed if component.distribution == osiris.DISTRIBUTION]


def index(components: list[Component]) -> str:
    of_files = schemas.schemas(builtin())
    rows = [
        (f"[`{c.name}`](components/{c.name}.md)", ", ".join(c.modes), c.title, ", ".join(abilities(c)) or "-")
        for c in components
    ]
    return f"""
# Reference

- [Command line](cli.md)
- [The files of a project, key by key](files.md)
- [What `--json` prints](json.md)
- [Errors and exit codes](errors.md)

## Components

{table(("component", "modes", "what it does", "abilities"), rows)}

## JSON Schemas

`osiris schema NAME` prints one, `osiris schema --write` puts those of the project's files where editors find them.
Those of commands are in [json.md](json.md).

{table(("name", "what it is of", "what that is"), [(f"`{name}`", *told(each)) for name, each in of_files.items()])}
"""


def told(schema: Mapping[str, Any]) -> tuple[str, str]:
    return schema["title"], schema["description"]


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
    failure = documents.shape("version")
    parts = [
        f"""
# What `--json` prints

One document on stdout. Fields may be added within a major version, never renamed. Each shape is a JSON Schema:
`osiris schema NAME`, the words of a command joined by dashes.

## A failure

A command that fails has `error` in its document; one that fails before it has anything else to say prints only that.

{table(JSON_HEADS, list(fields(documents.FAILURE, failure, "")))}
""".strip()
    ]
    for name in documents.names():
        shape = documents.shape(name)
        own = [branch for branch in shape["anyOf"] if branch != documents.FAILURE]
        rows = [row for branch in own for row in fields(branch, shape, "")]
        rows = [row for row in rows if not row[0].startswith(("`error", "`errors"))] if name != "validate" else rows
        parts += [f"## {shape['title']}", f"{shape['description']} `osiris schema {name}`", table(JSON_HEADS, rows)]
    return "\n\n".join(parts)


def fields(part: Mapping[str, Any], whole: Mapping[str, Any], above: str) -> Iterator[tuple[str, ...]]:
    """A row for each field of an object's schema and of the objects in it, named by their path."""
    part = resolved(part, whole)
    for branch in part.get("anyOf", ()):
        yield from fields(branch, whole, above)
    for name, below in part.get("properties", {}).items():
        schema = resolved(below, whole)
        always = "yes" if name in part.get("required", ()) else "no"
        yield f"`{above}{name}`", kind(schema), always, escaped(below.get("description") or schema["description"])
        yield from fields(schema, whole, f"{above}{name}.")
    if "items" in part:
        yield from fields(part["items"], whole, above.removesuffix(".") + "[].")
    if isinstance(part.get("additionalProperties"), Mapping):
        yield from fields(part["additionalProperties"], whole, f"{above}<name>.")


def files_page() -> str:
    """Every key of the three files, from the tables that check them."""
    known = builtin()
    families = dict.fromkeys(component.family for component in builtin_components())
    sections = [
        ("pipeline", "A pipeline, at the top", keys.TOP, keys.TOP_REQUIRED),
        ("", "A step", keys.STEP, keys.STEP_REQUIRED),
        ("", "`retry` of a step", keys.RETRY, ()),
        ("", "An entry of `columns`", keys.COLUMN, ("from",)),
        ("", "A param", keys.PARAM, ()),
        ("", "A profile", keys.PROFILE, ()),
        ("settings", f"`{settings.FILE}`", settings.SCHEMA["properties"], settings.SCHEMA["required"]),
        ("", "`plugins`", settings.SCHEMA["properties"]["plugins"]["properties"], ()),
        ("", "`retention`", settings.SCHEMA["properties"]["retention"]["properties"], ()),
        ("connections", f"`{layout.FILE}`", layout.TOP, ("version",)),
    ]
    parts = ["# The files of a project, key by key"]
    parts.append("What a step's `config` may hold is on the page of its [component](README.md#components).")
    for schema, title, table_of_keys, required in sections:
        parts.append(f"## {title}")
        parts += [f"`osiris schema {schema}` prints the JSON Schema of the whole file."] if schema else []
        parts.append(key_table(table_of_keys, required))
    for family in families:
        rules = known.connection_rules(family)
        properties = rules.schema["properties"]
        if properties:
            parts += [f"## A connection of `{family}`", key_table(DEFAULT | properties, rules.schema["required"])]
            former = [f"`{old}` is a former name of `{new}`." for old, new in rules.aliases.items()]
            parts += [" ".join(former)] if former else []
    return "\n\n".join(parts)


def key_table(properties: Mapping[str, Mapping[str, Any]], required: Sequence[str]) -> str:
    rows = []
    for name, part in properties.items():
        default = "required" if name in required else f"`{plain(part['default'])}`" if "default" in part else ""
        told = escaped(" ".join((part.get("description") or part["title"]).split()))
        rows.append((f"`{name}`", kind(part), default, told))
    return table(KEY_HEADS, rows)


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
        "CONFIG": "a wrong call, a wrong file, or a pipeline that does not hold or fit the system",
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

## Codes

Every code that there is, what its message says, and what to do; `…` stands for names and values. A `warning` stops
nothing. A run ends with the code of its error: 2 says that pipeline or table have to be changed first (a column is not
there, the server does not take the SQL), 1 that the same pipeline may do later, also where a table or a file is not
there yet. A name on the command line that nothing bears ends with 2, whatever its class.

{(chr(10) * 2).join(code_tables())}
"""


def code_tables() -> Iterator[str]:
    """The codes by their first word."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for code, known in codes().items():
        area = code.partition(".")[0] if "." in code else "others"
        names = sorted(known.classes)
        exits = ", ".join(dict.fromkeys(str(CLASSES[name].exit_code) if name in CLASSES else "0" for name in names))
        row = (
            f"`{code}`",
            "<br>".join(names),
            exits,
            lines(known.says) or "what the system, the library or the rule says",
            what_to_do(known),
        )
        found.setdefault(area, []).append(row)
    for area in sorted(found):
        yield f"### {area}\n\n" + table(("code", "class", "exit", "says", "what to do"), found[area])


def what_to_do(known: Found) -> str:
    """The hints; else what the tree of the classes says of its class."""
    return lines(known.hints) or lines(
        dict.fromkeys(ADVICE.get(name, "see the message") for name in sorted(known.classes))
    )


def lines(texts: Mapping[str, None]) -> str:
    """The texts that say anything, one a line of a cell."""
    said = [text.partition("\n")[0] for text in texts if any(letter.isalpha() for letter in text)]
    return "<br>".join(escaped(text) for text in said)


def escaped(text: str) -> str:
    """As a cell of a table has it."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


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
