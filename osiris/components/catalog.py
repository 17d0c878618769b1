"""`Catalog`: the components of all families, each spec read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from osiris.components import spec
from osiris.components.audit import audit
from osiris.components.component import Component, ConnectionField
from osiris.components.problems import Problem
from osiris.components.requirements import name_of
from osiris.components.rules import Rules, names_of
from osiris.connectors.registry import Provider, Registry, install_command
from osiris.errors import ConfigError, NotFound, did_you_mean

__all__ = ["Catalog", "Component", "ConnectionField", "Problem", "Rules", "load"]


def load(registry: Registry) -> Catalog:
    """The catalog of the families that `registry` knows. Reads nothing yet."""
    return Catalog(registry)


class Catalog:
    """Specs by name. A broken spec raises ConfigError when it is asked for, and is listed with its reason."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._read: dict[str, Component] = {}
        self._folders: dict[Path, list[str]] = {}

    def get(self, name: str) -> Component:
        """The component `name`. Raises NotFound, with "did you mean", ConfigError for a broken spec or family."""
        if name not in self._read:
            self._read[name] = self._load(name)
        return self._read[name]

    def names(self) -> list[str]:
        """All components of the families that can be used, sorted; a broken spec's name is among them."""
        return sorted(name for provider in self._usable() for name in self._specs(provider))

    def of_family(self, family: str) -> list[Component]:
        """All components of a family, by name. Raises as `get` does."""
        return [self.get(name) for name in self._specs(self.registry.provider(family))]

    def connection_rules(self, family: str) -> Rules:
        """What a connection of the family must obey: the union of its components' connection fields.

        A field is required when each component that has it requires it. Constraints count when they are about
        connection fields only.
        """
        components = self.of_family(family)
        properties: dict[str, Any] = {}
        constraints: list[Mapping[str, Any]] = []
        for component in components:
            for name in component.connection_names:
                properties.setdefault(name, component.config_schema["properties"][name])
        for component in components:
            own = [constraint for constraint in component.constraints if names_of(constraint) <= set(properties)]
            constraints += [constraint for constraint in own if constraint not in constraints]
        schema = {
            "type": "object",
            "properties": {name: properties[name] for name in _in_order(components) if name in properties},
            "required": [name for name in _in_order(components) if _always_required(components, name)],
            "additionalProperties": False,
            **_definitions(components),
        }
        secrets = {pointer for component in components for pointer in component.secrets}
        aliases = {old: new for c in components for old, new in c.aliases.items() if new in properties}
        owner = f"{family} connections"
        return Rules(owner, schema, constraints, tuple(sorted(secrets)), aliases, noun="field")

    def listed(self) -> list[dict[str, Any]]:
        """A row for each component, also of broken and disabled families: name, version, family, modes, distribution,
        state (`ok`, `missing extra`, `broken`, `disabled`) and, unless it is ok, the reason. Specs of third parties are
        audited in full."""
        rows = [row for family in self.registry.families() for row in self._rows(self.registry.providers[family])]
        return sorted(rows, key=lambda row: (row["family"], row["name"]))

    def _rows(self, provider: Provider) -> Iterator[dict[str, Any]]:
        names = self._specs(provider)
        if provider.state != "ok" and not names:
            yield _row(provider, provider.family, None, provider.state, provider.reason)
        elif not names:
            yield _row(provider, provider.family, None, "broken", f"there is no component spec in {provider.specs}")
        for name in names:
            try:
                component = self._component(provider, name)
            except ConfigError as error:
                yield _row(provider, name, None, "broken", str(error))
                continue
            if provider.state == "ok":
                yield _row(provider, name, component, *state_of(component, provider))
            else:
                yield _row(provider, name, component, provider.state, provider.reason)

    def _load(self, name: str) -> Component:
        family = name.partition(".")[0]
        if family in self.registry.providers:
            provider = self.registry.provider(family)
            if name in (known := self._specs(provider)):
                return self._component(provider, name)
            # the family in front would make every name look alike
            alike = did_you_mean(name.partition(".")[2], [other.partition(".")[2] for other in known])
            hint = did_you_mean(name, known) if alike else f"the family {family} has: {', '.join(known)}"
        else:
            hint = did_you_mean(name, self.names()) or f"known families: {', '.join(self.registry.families())}"
        raise NotFound(f'there is no component "{name}"', code="component.unknown", hint=hint)

    def _component(self, provider: Provider, name: str) -> Component:
        assert provider.specs is not None
        component = spec.read(provider.specs / name / "spec.yaml", provider)
        if not provider.builtin and (faults := audit(component)):
            path = ".".join(str(part) for part in faults[0].path)
            raise ConfigError(f"{path}: {faults[0].message}", code="spec.invalid", file=component.source)
        return component

    def _usable(self) -> list[Provider]:
        return [provider for provider in self.registry.providers.values() if provider.state == "ok"]

    def _specs(self, provider: Provider) -> list[str]:
        """The names of a provider's spec folders, sorted."""
        if provider.specs is None:
            return []
        if provider.specs not in self._folders:
            found = provider.specs.glob("*.*/spec.yaml") if provider.specs.is_dir() else ()
            self._folders[provider.specs] = sorted(path.parent.name for path in found)
        return [name for name in self._folders[provider.specs] if name.partition(".")[0] == provider.family]


def state_of(component: Component, provider: Provider) -> tuple[str, str | None]:
    """`ok`, or `missing extra` and what to type."""
    lacking = component.missing_requirements()
    if not lacking:
        return "ok", None
    command = install_command(provider, name_of(lacking[0]))
    return "missing extra", f"needs {', '.join(lacking)}; run: {command}"


def _row(provider: Provider, name: str, component: Component | None, state: str, reason: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name,
        "version": component.version if component else "",
        "family": provider.family,
        "modes": list(component.modes) if component else [],
        "distribution": f"{provider.distribution} {provider.version}",
        "state": state,
    }
    return row | ({"reason": reason} if reason else {})


def _in_order(components: list[Component]) -> list[str]:
    """All connection fields in the order of the specs, each once."""
    return list(dict.fromkeys(f.name for component in components for f in component.connection_fields))


def _always_required(components: list[Component], name: str) -> bool:
    having = [component for component in components if name in component.connection_names]
    return all(name in component.config_schema.get("required", ()) for component in having)


def _definitions(components: list[Component]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for component in components:
        found = dict(component.config_schema.get("$defs", {})) | found
    return {"$defs": found} if found else {}
