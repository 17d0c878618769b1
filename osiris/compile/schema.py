"""`pipeline_schema`: the JSON Schema of a pipeline, from the keys that the checker knows and the specs at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from osiris.compile import keys
from osiris.compile.check_steps import COMPONENT_MODES, CONNECTION
from osiris.compile.param_types import FORMER_TYPES, TYPES
from osiris.components.component import Component
from osiris.components.rules import Rules
from osiris.components.schema import DIALECT, PLACEHOLDER, Schema, Written


def pipeline_schema(components: Sequence[Component]) -> Schema:
    """The whole of it. What only the checker can know (ids, needs, connections, values of params) is left to it."""
    steps = [_case("component", [c.name], {"$ref": f"#/$defs/{c.name}"}) for c in components]
    return {
        "$schema": DIALECT,
        "$id": f"urn:osiris:pipeline:{keys.OML_VERSION}",
        "title": "Osiris pipeline",
        "description": "A name and a list of steps. osiris validate checks all that is said here, and more.",
        "type": "object",
        "required": list(keys.TOP_REQUIRED),
        "additionalProperties": False,
        "properties": {
            **keys.TOP,
            "params": {
                **keys.TOP["params"],
                "propertyNames": {"pattern": keys.whole(keys.PARAM_NAME)},
                "additionalProperties": _param(),
            },
            "steps": {**keys.TOP["steps"], "items": {"title": "Step", **_step(components), "allOf": steps}},
        },
        "$defs": {component.name: _of_component(component) for component in components},
    }


def _step(components: Sequence[Component]) -> Schema:
    written = Written(Rules("step", {"properties": keys.STEP, "required": keys.STEP_REQUIRED}))
    step = written.schema()
    names = {"enum": [c.name for c in components], "enumDescriptions": [c.title for c in components]}
    step["properties"] |= {
        "component": {**keys.STEP["component"], "anyOf": [names, PLACEHOLDER]},
        "config": keys.STEP["config"],
    }
    return step


def _of_component(component: Component) -> Schema:
    """What a step with this component may say."""
    modes = [mode for mode, name in COMPONENT_MODES.items() if name in component.modes]
    config = _config(component)
    missing = component.problems(component.option_defaults(), elsewhere=component.connection_names)
    columns: dict[str, Any] = {} if component.role == "writer" else {"columns": {"type": "null"}}
    return {
        "title": component.name,
        "description": f"{component.title}. {component.description}".strip(),
        "required": ["config"] if missing else [],
        "properties": {
            "mode": {"anyOf": [{"enum": modes}, {"type": "null"}, PLACEHOLDER]},
            "config": config if missing else {"anyOf": [config, {"type": "null"}]},
            **columns,
        },
    }


def _config(component: Component) -> Schema:
    fields = component.connection_fields if component.role != "processor" else ()
    at = f"#/$defs/{component.name}/properties/config"
    written = Written(component.rules(), {field.name for field in fields}, inline_secrets=False, at=at).schema()
    if component.role == "processor":
        return written
    named = {"type": "string", "patternErrorMessage": f"write @{component.family}.alias"}
    reference: Mapping[str, Any] = {
        "description": f"@{component.family}.alias, from osiris_connections.yaml. Absent: the default of the family.",
        "anyOf": [{**named, "pattern": rf"^@{component.family}\.."}, PLACEHOLDER],
    }
    forbidden = [field.name for field in fields if field.override == "forbidden"]
    forbidden += [old for old, new in component.aliases.items() if new in forbidden]
    rule = {"if": {"required": [CONNECTION]}, "then": {"properties": dict.fromkeys(forbidden, False)}}
    return {
        **written,
        "properties": {CONNECTION: reference, **written["properties"]},
        **({"allOf": [*written.get("allOf", ()), rule]} if forbidden else {}),
    }


def _param() -> Schema:
    """A param's declaration, or its default alone."""
    former = {now: [old for old, new in FORMER_TYPES.items() if new == now] for now in TYPES}
    typed = [_case("type", [name, *former[name]], _of_type(schema)) for name, schema in TYPES.items()]
    secret = _case("secret", [True], {"properties": {"default": False, "enum": False}})
    return {
        "description": "A param: its default, or {type, default, enum, secret, description}.",
        "additionalProperties": False,
        "properties": keys.PARAM,
        "allOf": [*typed, secret],
    }


def _of_type(schema: Mapping[str, Any]) -> Schema:
    return {"properties": {"default": {"anyOf": [schema, {"type": "null"}]}, "enum": {"items": schema}}}


def _case(key: str, values: list[Any], then: Mapping[str, Any]) -> Schema:
    """That `then` holds of a mapping whose `key` has one of the values."""
    fits = {"const": values[0]} if len(values) == 1 else {"enum": values}
    return {"if": {"required": [key], "properties": {key: fits}}, "then": then}
