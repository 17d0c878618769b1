"""Which tests apply to a connector: what each `needs`, held against what the specs and classes say it can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from osiris.components import catalog
from osiris.components.component import Component
from osiris.connectors import registry
from osiris.connectors.base import AtLeastOnce, Writer
from osiris.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])
ROLES = ("extractor", "writer", "processor")


def needs(*abilities: str) -> Callable[[F], F]:
    """Mark a test that applies only to connectors with these abilities; others do not have it."""

    def mark(test: F) -> F:
        test.needs = frozenset(abilities)  # type: ignore[attr-defined]
        return test

    return mark


@dataclass(frozen=True, slots=True)
class Scope:
    """The components under test by role, and what they can do."""

    catalog: catalog.Catalog
    components: dict[str, Component]
    abilities: frozenset[str]

    def option_names(self) -> list[tuple[str, str]]:
        """(role, property) of each property of the specs; a connection field once, with the last role that has it."""
        found: dict[str, tuple[str, str]] = {}
        for role, component in self.components.items():
            for name in component.config_schema["properties"]:
                shared = name in component.connection_names
                found[name if shared else f"{role}.{name}"] = (role, name)
        return list(found.values())

    def write_modes(self) -> list[str]:
        """The values of the writer's option `write_mode`; one empty text where it has none."""
        if "writer" not in self.components:
            return []
        known: list[str] = self.components["writer"].config_schema["properties"].get("write_mode", {}).get("enum", [""])
        return known


def scope_of(family: str, chosen: dict[str, str | None], *, silent: bool, locks: bool) -> Scope:
    """The family's components, those that were `chosen` by role among several. `silent` says that the subject can make
    a client block, `locks` that it can make a commit wait. Imports the connector."""
    known = catalog.load(registry.load())
    components: dict[str, Component] = {}
    for role in ROLES:
        name = chosen.get(role)
        having = [c for c in known.of_family(family) if c.role == role]
        if name == "" or not (having or name):
            continue
        if name is None and len(having) > 1:
            names = ", ".join(component.name for component in having)
            raise ConfigError(f"{family} has {len(having)} components for this; say {role} = one of: {names}, or ''")
        components[role] = known.get(name) if name else having[0]
    found = _abilities(known, components, silent) | ({"locks"} if locks else set())
    return Scope(known, components, frozenset(found))


def _abilities(known: catalog.Catalog, components: dict[str, Component], silent: bool) -> set[str]:
    found = set(components)
    every = [name for component in components.values() for name in component.config_schema["properties"]]
    if {"extractor", "writer"} & found:
        found.add("client")
        found |= {"network"} if {"host", "port"} <= set(every) else set()
        found |= {"silent"} if silent or "network" in found else set()
        found |= {"secrets"} if any(component.secrets for component in components.values()) else set()
    found |= {flag for component in components.values() for flag, is_so in component.capabilities.items() if is_so}
    if "extractor" in found and "limit" in components["extractor"].config_schema["properties"]:
        found.add("limit")
    if "writer" in found:
        found |= _of_writer(known.registry.implementation(components["writer"].name), components["writer"])
    return found


def _of_writer(writer: type[Any], component: Component) -> set[str]:
    found = set(component.config_schema["properties"].get("write_mode", {}).get("enum", ()))
    if writer.last is not Writer.last:
        found.add("state")
    if writer.parts == "threads":
        found.add("threads")
    if not issubclass(writer, AtLeastOnce):
        found.add("transaction")
    return found
