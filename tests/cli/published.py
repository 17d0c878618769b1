"""Holds what `--json` prints against the published schema of the command, and against the codes of the reference."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import click
from jsonschema import Draft202012Validator

from osiris.cli import schemas
from osiris.cli.main import cli


def document(arguments: Sequence[str], out: str) -> dict[str, Any]:
    """The one document that a call printed, valid by the schema of its command, with no field that is not published."""
    found: dict[str, Any] = json.loads(out)
    check(shape_of(arguments), found)
    return found


def check(shape: str, found: dict[str, Any]) -> None:
    """That the document is valid, and the codes of its errors are in the reference."""
    validator(shape).validate(found)
    errors = [found.get("error") or {}, *found.get("errors", ()), *found.get("warnings", ())]
    codes = {error["code"] for error in errors if isinstance(error, dict) and "code" in error}
    assert codes <= listed(), codes - listed()


@cache
def listed() -> set[str]:
    """The codes of docs/reference/errors.md."""
    page = Path(__file__).parents[2] / "docs/reference/errors.md"
    return set(re.findall(r"^\| `([a-z_.]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE))


def shape_of(arguments: Sequence[str]) -> str:
    """`runs-list` for `--project x runs list --json`; what never comes to a command can only print a failure."""
    name = "-".join(words(arguments))
    return name if name in schemas.names() else "version"


def words(arguments: Sequence[str]) -> Iterator[str]:
    """The words of the command line that name commands."""
    command: click.Command = cli
    waiting = iter(arguments)
    for word in waiting:
        if word.startswith("-"):
            options = [p for p in command.params if isinstance(p, click.Option) and word in p.opts]
            if options and not options[0].is_flag:
                next(waiting, None)
            continue
        found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if found is None:
            return
        yield word
        command = found


def leaves(above: click.Command = cli, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command that prints a document."""
    if not isinstance(above, click.Group):
        return [path]
    context = click.Context(above)
    return [leaf for name in above.list_commands(context) for leaf in leaves(command((name,), above), (*path, name))]


def command(path: Sequence[str], above: click.Command = cli) -> click.Command:
    """The command that these words name."""
    for name in path:
        assert isinstance(above, click.Group)
        below = above.get_command(click.Context(above), name)
        assert below is not None
        above = below
    return above


@cache
def validator(shape: str) -> Draft202012Validator:
    schema = schemas.shape(shape)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(strict(schema))


def strict(part: Any) -> Any:
    """The same schema, but a field that it does not name is an error: what is printed must be published."""
    if isinstance(part, list):
        return [strict(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {name: strict(below) for name, below in part.items()}
    if isinstance(part.get("properties"), dict):
        found.setdefault("additionalProperties", False)
    return found
