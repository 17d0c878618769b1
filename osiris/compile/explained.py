"""What `explain` finds: steps in the order in which they run, and each value with the place that it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from osiris.compile import params
from osiris.compile.manifest import ManifestStep
from osiris.components.component import Component
from osiris.connections import Why
from osiris.secrets import redactor


@dataclass(frozen=True, slots=True)
class Use:
    """A reference in a value's text: `params.x`, `item` or `item.key`, and where that one's value comes from."""

    reference: str
    origin: params.Origin | Literal["item"]

    def to_json(self) -> dict[str, str]:
        return {"reference": self.reference, "origin": self.origin}


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of a step.

    It comes from the pipeline, the connection or the spec's default, or is an override: the step's, instead of the
    connection's, which `replaces` shows. `value` is as it will be used, but secrets are masked, and variables stand as
    they are written: `variables` says which of them are set, `unset` which somebody has to set. `written` is the former
    name that the file uses.
    """

    name: str
    value: Any
    origin: Literal["pipeline", "connection", "default", "override"]
    file: str | None = None
    line: int | None = None
    uses: tuple[Use, ...] = ()
    written: str | None = None
    replaces: Any = None
    variables: Mapping[str, bool] = field(default_factory=dict)
    unset: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in ("name", "value", "origin", "file", "line")}
        if self.written is not None:
            found["written"] = self.written
        if self.origin == "override":
            found["replaces"] = self.replaces
        if self.origin == "connection":
            found |= {"variables": dict(self.variables), "unset": list(self.unset)}
        return {**found, "uses": [use.to_json() for use in self.uses]}


@dataclass(frozen=True, slots=True)
class ExplainedParam:
    """A declared param. `value` is None for a secret one, whose value is looked up when the pipeline runs."""

    name: str
    type: str
    value: Any
    secret: bool
    origin: params.Origin
    variable: str
    line: int

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class ExplainedConnection:
    """The connection of a step, and `why` it is that one; `named_line` is where the pipeline names it."""

    reference: str
    why: Why | Literal["named"]
    named_line: int | None
    uses: tuple[Use, ...]
    file: str
    line: int
    fields: tuple[Setting, ...]

    @property
    def unset(self) -> list[str]:
        """The variables that have to be set before it can be opened."""
        return sorted({name for setting in self.fields for name in setting.unset})

    def to_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("reference", "why", "named_line", "file", "line", "unset")}
        uses = [use.to_json() for use in self.uses]
        return {**plain, "uses": uses, "fields": [setting.to_json() for setting in self.fields]}


@dataclass(frozen=True, slots=True)
class Item:
    """Which copy of a `for_each` a step is: the one for `value`, the `number`-th `of` all; `uses` are the list's."""

    value: Any
    number: int
    of: int
    line: int
    uses: tuple[Use, ...]

    def to_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("value", "number", "of", "line")}
        return {**plain, "uses": [use.to_json() for use in self.uses]}


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """One step. Its `flow` counts from 1; `wired` is the key that says whose rows it takes and for whom it waits."""

    step: ManifestStep
    component: Component
    flow: int
    line: int
    wired: str | None
    wired_line: int | None
    item: Item | None
    connection: ExplainedConnection | None
    options: tuple[Setting, ...]
    settings: tuple[Setting, ...]

    @property
    def id(self) -> str:
        return self.step.id

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "component": self.component.name,
            "version": self.component.version,
            "distribution": f"{self.component.distribution} {self.component.distribution_version}",
            "mode": self.step.mode,
            "flow": self.flow,
            "line": self.line,
            "inputs": list(self.step.inputs),
            "after": list(self.step.after),
            "wired": self.wired,
            "item": self.item.to_json() if self.item is not None else None,
            "connection": self.connection.to_json() if self.connection is not None else None,
            "options": [setting.to_json() for setting in self.options],
            "settings": [setting.to_json() for setting in self.settings],
        }


@dataclass(frozen=True, slots=True)
class Explained:
    """A pipeline explained: `steps` in the order of the flows, and in each after those whose rows they take."""

    name: str
    file: str
    profile: str
    params: tuple[ExplainedParam, ...]
    steps: tuple[ExplainedStep, ...]
    warnings: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of `explain --json`, masked."""
        found = {
            "pipeline": self.name,
            "file": self.file,
            "profile": self.profile,
            "params": [param.to_json() for param in self.params],
            "steps": [step.to_json() for step in self.steps],
            "warnings": [dict(warning) for warning in self.warnings],
        }
        masked: dict[str, Any] = redactor.leaves(found)
        return masked
