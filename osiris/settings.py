"""`osiris.yaml`: what a project sets for all its pipelines. Without the file, everything has its default."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osiris import documents
from osiris.components import check
from osiris.components.rules import Rules
from osiris.components.schema import DIALECT
from osiris.connectors.registry import Policy
from osiris.documents import Document
from osiris.errors import ConfigError
from osiris.step import MEMORY_BYTES

FILE = "osiris.yaml"
UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
SIZE = re.compile(rf"(?P<number>\d{{1,15}}) ?(?P<unit>{'|'.join(UNITS)})")
LEAST_BYTES = 2**20
_SIZE_PATHS = [("memory",), ("spill_limit",)]
_NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}
_SIZE = {
    "type": ["string", "integer"],
    "minimum": LEAST_BYTES,
    "pattern": rf"^\s*[0-9]{{1,15}} ?(?:{'|'.join(UNITS)})\s*$",
    "patternErrorMessage": 'write such as "64MiB"',
}
_COUNT = {"type": "integer", "minimum": 1}


@dataclass(frozen=True, slots=True)
class Retention:
    """Which finished runs are kept: the last `runs` of each pipeline, and none older than `days`; None keeps all."""

    runs: int | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """`memory_bytes` bounds the batches in flight, `jobs` the reads at a time (None: as the machine suggests),
    `spill_limit_bytes` what a run may put on disk for itself (None: what fits); `profile` holds when none is named."""

    plugins: Policy = field(default_factory=Policy)
    memory_bytes: int = MEMORY_BYTES
    jobs: int | None = None
    spill_limit_bytes: int | None = None
    profile: str | None = None
    retention: Retention = field(default_factory=Retention)


SCHEMA: dict[str, Any] = {
    "$schema": DIALECT,
    "$id": "urn:osiris:settings:1",
    "title": "Osiris project",
    "description": "What holds for all pipelines of a project. Without the file, everything has its default.",
    "type": "object",
    "required": ["version"],
    "additionalProperties": False,
    "properties": {
        "version": {"description": "The version of this file's form.", "const": 1},
        "plugins": {
            "description": "Which connectors of other packages may be used.",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "allow": {"description": "Only these families or distributions; all when absent.", **_NAMES},
                "deny": {"description": "Not these families or distributions.", **_NAMES},
                "override": {"description": "Built-in families that another package may replace.", **_NAMES},
            },
        },
        "memory": {
            "description": f"What the batches in flight may take; {MEMORY_BYTES // 2**20}MiB when absent.",
            **_SIZE,
        },
        "spill_limit": {
            "description": "What a run may keep on disk for itself, such as 20GiB; as much as fits when absent.",
            **_SIZE,
        },
        "jobs": {
            "description": "How many reads there may be at a time; as the machine suggests when absent.",
            **_COUNT,
            "maximum": 256,
        },
        "profile": {
            "description": "The profile that holds when none is named.",
            "type": "string",
            "pattern": r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$",
        },
        "retention": {
            "description": "Which finished runs are kept; all when absent.",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "runs": {"description": "The last so many of each pipeline.", **_COUNT},
                "days": {"description": "None that is older.", **_COUNT},
            },
        },
    },
}
"""The whole schema is published; of sizes, words say more than it can."""


def load(root: Path) -> Settings:
    """The settings of the project folder `root`. Raises ConfigError with line and column for whatever is wrong."""
    path = root / FILE
    try:
        if not path.is_file():
            return Settings()
    except PermissionError as error:
        text = f"the project's folder {root} cannot be read: permission denied"
        raise ConfigError(text, code="file.unreadable", hint="look at the folder's permissions") from error
    document = documents.load(path)
    values = _checked(document)
    plugins = values.get("plugins", {})
    allow = plugins.get("allow")
    return Settings(
        plugins=Policy(
            allow=None if allow is None else tuple(allow),
            deny=tuple(plugins.get("deny", ())),
            override=tuple(plugins.get("override", ())),
        ),
        memory_bytes=_size_bytes(document, values, "memory") or MEMORY_BYTES,
        jobs=values.get("jobs"),
        spill_limit_bytes=_size_bytes(document, values, "spill_limit"),
        profile=values.get("profile"),
        retention=Retention(**values.get("retention", {})),
    )


def _checked(document: Document) -> dict[str, Any]:
    values = document.value
    if not isinstance(values, dict):
        raise document.error(f"{FILE} must be a mapping", hint="start with: version: 1")
    found = check.problems(Rules(FILE, SCHEMA, noun="key"), values)
    problems = [problem for problem in found if problem.path[:1] not in _SIZE_PATHS or problem.code == "option.type"]
    if problems:
        first = problems[0]
        key = first.code.endswith("unknown")
        raise document.error(first.message, *first.path, code="settings.invalid", hint=first.hint, key=key)
    return values


def _size_bytes(document: Document, values: dict[str, Any], name: str) -> int | None:
    if name not in values:
        return None
    found = SIZE.fullmatch(str(values[name]).strip())
    hint = 'write such as "64MiB"; units: ' + ", ".join(unit for unit in UNITS if unit)
    if found is None:
        raise document.error(f'"{name}" is no size: {values[name]}', name, code="settings.invalid", hint=hint)
    size_bytes = int(found["number"]) * UNITS[found["unit"]]
    if size_bytes < LEAST_BYTES:
        raise document.error(f'"{name}" must be 1 MiB or more', name, code="settings.invalid", hint=hint)
    return size_bytes
