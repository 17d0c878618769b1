"""`Rules`: the JSON Schema and the constraints that a config must obey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osiris.components.problems import Path

CONSTRAINTS = ("exactly_one_of", "at_most_one_of", "all_or_none", "when")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a config must obey. `owner` is named in messages (`duckdb.extractor`), `noun` is what a key of it is called.

    Values under a JSON Pointer of `secrets` are never shown. `aliases` maps former names to present ones.
    """

    owner: str
    schema: Mapping[str, Any]
    constraints: Sequence[Mapping[str, Any]] = ()
    secrets: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    noun: str = "option"

    @property
    def names(self) -> list[str]:
        """The top-level keys that a config may have."""
        return list(self.schema.get("properties", {}))

    def is_secret(self, path: Path) -> bool:
        """Whether the value at `path` of a config is a secret or lies inside one."""
        pointer = "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)
        return any(pointer == secret or pointer.startswith(f"{secret}/") for secret in self.secrets)


def names_of(constraint: Mapping[str, Any]) -> set[str]:
    """The keys of a config that a constraint is about."""
    return {name for kind, names in constraint.items() if kind != "message" for name in names}
