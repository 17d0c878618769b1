"""`Component`: what a spec declares, checked, and what can be asked of it without running anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from osiris.components import check, requirements
from osiris.components.problems import Problem
from osiris.components.rules import Rules

Override = Literal["allowed", "forbidden", "warning"]
MODES = {"extractor": "extract", "writer": "write", "processor": "transform"}
"""The mode that each role has; `discover` may be added to it."""


@dataclass(frozen=True, slots=True)
class ConnectionField:
    """A property that belongs to the connection, and whether a step may replace it."""

    name: str
    override: Override = "forbidden"


@dataclass(frozen=True, slots=True)
class Component:
    """One spec. `config_schema` covers options and connection fields; `secrets` are JSON Pointers into such a config.

    `digest` is that of the parsed spec, so comments and layout do not count.
    """

    name: str
    family: str
    kind: str
    version: str
    title: str
    description: str
    modes: tuple[str, ...]
    config_schema: Mapping[str, Any]
    capabilities: Mapping[str, bool]
    secrets: tuple[str, ...]
    connection_fields: tuple[ConnectionField, ...]
    atomic_with: frozenset[str]
    """Fields of a connection with which a writer that is not atomic is so all the same."""
    constraints: tuple[Mapping[str, Any], ...]
    aliases: Mapping[str, str]
    examples: tuple[Mapping[str, Any], ...]
    driver: str | None
    requirements: tuple[str, ...]
    digest: str
    distribution: str
    distribution_version: str
    source: str
    """The path of the spec's file, for messages."""

    @property
    def role(self) -> str:
        """`extractor`, `writer` or `processor`."""
        return role_of(self.kind)

    @property
    def connection_names(self) -> frozenset[str]:
        return frozenset(field.name for field in self.connection_fields)

    @property
    def option_names(self) -> list[str]:
        """The properties that are a step's own, in the spec's order."""
        return [name for name in self.config_schema["properties"] if name not in self.connection_names]

    def override(self, name: str) -> Override | None:
        """Whether a step may replace the connection field `name`; None when it is an option."""
        return next((field.override for field in self.connection_fields if field.name == name), None)

    def option_defaults(self) -> dict[str, Any]:
        """The defaults of the options. Those of connection fields are filled in when the connection is resolved."""
        return defaults(self.config_schema, self.option_names)

    def fold_aliases(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """`config` under present names, and which (former, present) pairs were folded.

        A former name whose present one, or another former one, is given too stays where it is: `problems` reports it.
        """
        names: dict[str, str] = {}
        for old in config:
            new = self.aliases.get(old)
            if new is not None and new not in config and new not in names.values():
                names[old] = new
        return {names.get(name, name): value for name, value in config.items()}, list(names.items())

    def problems(
        self, effective_config: Mapping[str, Any], *, present_only: bool = False, elsewhere: Collection[str] = ()
    ) -> list[Problem]:
        """Every fault of an effective config; see `check.problems` for the two switches."""
        return check.problems(self.rules(), effective_config, present_only=present_only, elsewhere=elsewhere)

    def rules(self) -> Rules:
        return Rules(self.name, self.config_schema, self.constraints, self.secrets, self.aliases)

    def is_secret(self, *path: str | int) -> bool:
        """Whether the value at `path` of a config is a secret or lies inside one."""
        return self.rules().is_secret(path)

    def missing_requirements(self) -> list[str]:
        """The distributions that it needs and that are not installed."""
        return requirements.missing(self.requirements)


def role_of(kind: str) -> str:
    """`csv_extractor`, also with its family in front, as `extractor`."""
    return kind.rpartition(".")[2].rpartition("_")[2]


def defaults(schema: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Copies of the defaults of those properties of `schema`, in the schema's order."""
    properties = schema["properties"]
    return {name: deepcopy(part["default"]) for name, part in properties.items() if name in names and "default" in part}
