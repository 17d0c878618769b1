"""`example_of`: a pipeline around one component, made of the examples in its spec, and the connections it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from osiris.compile.keys import OML_VERSION
from osiris.components.catalog import Catalog, Component, Rules
from osiris.components.check import problems
from osiris.errors import ConfigError, OsirisError

ALIAS = "example"
STEPS = {
    "extractor": ("extractor", "writer"),
    "processor": ("extractor", "processor", "writer"),
    "writer": ("extractor", "writer"),
}
"""The roles of the pipeline's steps, by that of the component it is about."""
MODES = {"extractor": "read", "processor": "transform", "writer": "write"}


@dataclass(frozen=True, slots=True)
class Example:
    """`pipeline` is what a pipeline's file holds, `connections` the families of a connections file that it uses.

    `variables` are those that the connections ask for.
    """

    component: Component
    pipeline: dict[str, Any]
    connections: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    variables: tuple[str, ...] = ()


def example_of(catalog: Catalog, name: str) -> Example:
    """A pipeline that is valid where its connections are. Raises NotFound for an unknown component."""
    component = catalog.get(name)
    chosen = [component if role == component.role else _simplest(catalog, role) for role in STEPS[component.role]]
    written: dict[str, dict[str, Any]] = {}
    for each in chosen:
        if each.connection_fields:
            given = {key: value for key, value in _example(each).items() if key in each.connection_names}
            written[each.family] = written.get(each.family, {}) | given
    fields = {family: connection(catalog.connection_rules(family), given) for family, given in written.items()}
    connections = {family: {ALIAS: values} for family, values in fields.items()}
    variables = tuple(sorted(name for each in fields.values() for name in _variables(each)))
    pipeline = {"oml_version": OML_VERSION, "name": ALIAS, "steps": [_step(each) for each in chosen]}
    return Example(component, pipeline, connections, variables)


def connection(rules: Rules, given: Mapping[str, Any]) -> dict[str, Any]:
    """A connection that obeys `rules`: what is `given`, what must be there, secrets, and fields that have an example.

    What only the user knows stands as a variable.
    """
    found = dict(given)
    for name in _wanted(rules, found):
        if name not in found:
            found[name] = _field(rules, name)
    for name in rules.names:
        if name not in found and (rules.is_secret((name,)) or "examples" in rules.schema["properties"][name]):
            more = {**found, name: _field(rules, name)}
            found = more if len(_broken(rules, more)) <= len(_broken(rules, found)) else found
    return {name: found[name] for name in rules.names if name in found}


def _wanted(rules: Rules, given: Mapping[str, Any]) -> Iterator[str]:
    """The fields that must be there, those that a constraint asks for included."""
    yield from rules.schema.get("required", ())
    for constraint in rules.constraints:
        names = constraint.get("exactly_one_of", ())
        if names and not set(names) & {*given, *rules.schema.get("required", ())}:
            yield names[0]
        defaults = {name: part.get("default") for name, part in rules.schema["properties"].items()}
        if "when" in constraint and all(
            {**defaults, **given}.get(name) == value for name, value in constraint["when"].items()
        ):
            yield from constraint.get("require", ())


def _broken(rules: Rules, fields: Mapping[str, Any]) -> list[str]:
    """The rules that `fields` break, whatever the variables hold."""
    known = {name: value for name, value in fields.items() if not _variables({name: value})}
    return [problem.message for problem in problems(rules, known, elsewhere=set(fields) - set(known))]


def _field(rules: Rules, name: str) -> Any:
    part = rules.schema["properties"][name]
    if "examples" in part and not rules.is_secret((name,)):
        return part["examples"][0]
    family = rules.owner.partition(" ")[0]
    return f"${{{family}_{name}}}".upper().replace("-", "_")


def _variables(fields: Mapping[str, Any]) -> list[str]:
    """Those that stand for whole values."""
    texts = [value for value in fields.values() if isinstance(value, str)]
    return [text[2:-1] for text in texts if text.startswith("${") and text.endswith("}")]


def _simplest(catalog: Catalog, role: str) -> Component:
    """The component of that role whose connection asks for least; the first by name of several."""
    able = []
    for name in catalog.names():
        try:
            component = catalog.get(name)
            _example(component)
        except OsirisError:  # a broken spec, which `components list` tells of, or one that gives nothing to go by
            continue
        if component.role == role:
            able.append(component)
    if not able:
        raise ConfigError(f"there is no {role} with an example to go with it", code="component.example")
    return min(able, key=lambda c: (len(c.connection_names & set(c.config_schema.get("required", ()))), c.name))


def _step(component: Component) -> dict[str, Any]:
    options = {key: value for key, value in _example(component).items() if key not in component.connection_names}
    reference = {"connection": f"@{component.family}.{ALIAS}"} if component.connection_fields else {}
    mode = MODES[component.role]
    return {"id": mode, "component": component.name, "mode": mode, "config": {**reference, **options}}


def _example(component: Component) -> dict[str, Any]:
    """The first example of the spec; without one, what is required."""
    if component.examples:
        return dict(component.examples[0])
    properties = component.config_schema["properties"]
    required = set(component.config_schema.get("required", ()))
    config = {name: _made_up(name, properties[name]) for name in component.option_names if name in required}
    faults = component.problems(component.option_defaults() | config, elsewhere=required & component.connection_names)
    if faults:
        message = f"the spec of {component.name} has no example, and none can be made up: {faults[0].message}"
        hint = f"osiris components show {component.name} tells its options"
        raise ConfigError(message, code="component.example", hint=hint)
    return config


def _made_up(name: str, part: Mapping[str, Any]) -> Any:
    """A value of the property's type."""
    for key in ("examples", "enum"):
        if key in part:
            return part[key][0]
    plain = {"integer": part.get("minimum", 1), "number": part.get("minimum", 1), "boolean": True, "object": {}}
    kind = part.get("type")
    if kind == "array":
        return [_made_up(name, part.get("items", {}))]
    return plain.get(kind, name) if isinstance(kind, str) else name
