"""The JSON Schemas of what `--json` prints: for each command a file in `shapes/`, completed by what all share."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

FILES = ("connections", "pipeline", "settings")
"""The schemas of a project's files, which `Project.schemas` makes."""
SHARED = "shared"
"""The file of the definitions that several shapes use."""
FAILURE = {"$ref": "#/$defs/failure"}


def names() -> list[str]:
    """The commands that have a shape, their words joined by dashes: `connections-list`."""
    files = (path.name for path in resources.files("osiris.cli").joinpath("shapes").iterdir())
    return sorted(name.removesuffix(".json") for name in files if name != f"{SHARED}.json")


def shape(name: str) -> dict[str, Any]:
    """The whole schema of a command's document: its own, or that of a failure that comes before it has one."""
    own, shared = _read(name), _read(SHARED)["$defs"]
    head = {"$schema": own.pop("$schema"), "$id": own.pop("$id")}
    said = {key: own.pop(key) for key in ("title", "description")}
    definitions = shared | own.pop("$defs", {})
    return {**head, **said, "anyOf": [own, FAILURE], "$defs": _used([own, FAILURE], definitions)}


def _used(part: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Those of the definitions that `part` refers to, directly or not."""
    waiting, found = [part], set[str]()
    while waiting:
        text = json.dumps(waiting.pop())
        new = {name for name in definitions if f'"#/$defs/{name}"' in text} - found
        found |= new
        waiting += [definitions[name] for name in new]
    return {name: definitions[name] for name in sorted(found)}


def _read(name: str) -> dict[str, Any]:
    text = resources.files("osiris.cli").joinpath("shapes", f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
