"""Reading one `spec.yaml`: every field is enforced, an unknown one is an error, and no code of its package is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris import canonical, documents, errors
from osiris.components import requirements
from osiris.components.component import MODES, Component, ConnectionField, role_of
from osiris.components.rules import CONSTRAINTS
from osiris.connectors.registry import Provider
from osiris.documents import Document

NAME = re.compile(r"[a-z][a-z0-9_]*\.(?:[a-z][a-z0-9_]*_)?(?:extractor|writer|processor)")
SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
REQUIRED = ("name", "version", "title", "modes", "configSchema", "capabilities")
OPTIONAL = (
    "description",
    "secrets",
    "x-connection-fields",
    "x-atomic-with",
    "constraints",
    "aliases",
    "examples",
    "x-runtime",
)
CAPABILITIES = {"discover": ("extractor", "writer"), "splits": ("extractor",), "atomic": ("writer",)}
"""Each capability, and the roles that may have it."""
OVERRIDES = ("allowed", "forbidden", "warning")


def read(path: Path, provider: Provider) -> Component:
    """The component that the spec at `path` declares.

    Raises ConfigError (`spec.invalid`) with file, line and column for the first thing that is wrong with it. Whether
    its schema is a JSON Schema, and whether defaults and examples obey it, is left to `audit`, which costs more.
    """
    document = documents.load(path)
    spec = document.value
    _need(document, isinstance(spec, dict), "a spec is a mapping")
    _keys(document, (), spec, required=REQUIRED, optional=OPTIONAL)
    for check in CHECKS:
        check(document, spec)
    folder = path.parent.name
    _need(document, spec["name"] == folder, f"the name must be that of its folder, {folder}", "name")
    family, _, kind = spec["name"].partition(".")
    runtime = spec.get("x-runtime", {})
    return Component(
        name=spec["name"],
        family=family,
        kind=kind,
        version=spec["version"],
        title=spec["title"],
        description=spec.get("description", ""),
        modes=tuple(spec["modes"]),
        config_schema=spec["configSchema"],
        capabilities={name: bool(spec["capabilities"].get(name, False)) for name in CAPABILITIES},
        secrets=tuple(spec.get("secrets", ())),
        connection_fields=tuple(ConnectionField(**field) for field in spec.get("x-connection-fields", ())),
        atomic_with=frozenset(spec.get("x-atomic-with", ())),
        constraints=tuple(spec.get("constraints", ())),
        aliases=spec.get("aliases", {}),
        examples=tuple(spec.get("examples", ())),
        driver=runtime.get("driver"),
        requirements=tuple(runtime.get("requirements", ())),
        digest=canonical.digest(spec),
        distribution=provider.distribution,
        distribution_version=provider.version,
        source=str(path),
    )


def _names(document: Document, spec: dict[str, Any]) -> None:
    for key in ("name", "version", "title", "description"):
        _need(document, isinstance(spec.get(key, ""), str), f'"{key}" must be text', key)
    text = "a name is <family>.<kind>, where the kind is or ends in extractor, writer or processor"
    _need(document, NAME.fullmatch(spec["name"]), text, "name")
    _need(document, SEMVER.fullmatch(spec["version"]), 'a version is three numbers, such as "1.0.0"', "version")
    _need(document, spec["title"].strip(), "the title is empty", "title")


def _modes(document: Document, spec: dict[str, Any]) -> None:
    role = role_of(spec["name"])
    modes, capabilities = spec["modes"], spec["capabilities"]
    _texts(document, modes, "modes")
    _need(document, MODES[role] in modes, f'the role {role} needs the mode "{MODES[role]}"', "modes")
    others = [mode for mode in modes if mode not in (MODES[role], "discover")]
    _need(document, not others, f'the mode "{"".join(others[:1])}" does not go with the role {role}', "modes")
    _need(document, isinstance(capabilities, dict), '"capabilities" must be a mapping', "capabilities")
    _keys(document, ("capabilities",), capabilities, optional=tuple(CAPABILITIES))
    for name, value in capabilities.items():
        _need(document, isinstance(value, bool), f'"{name}" must be true or false', "capabilities", name)
        fits = not value or role in CAPABILITIES[name]
        _need(document, fits, f'the capability "{name}" does not go with the role {role}', "capabilities", name)
    agree = ("discover" in modes) == capabilities.get("discover", False)
    _need(document, agree, 'the mode "discover" and the capability "discover" must agree', "capabilities", "discover")


def _schema(document: Document, spec: dict[str, Any]) -> None:
    schema, at = spec["configSchema"], "configSchema"
    is_object = isinstance(schema, dict) and schema.get("type") == "object"
    _need(document, is_object, '"configSchema" must be of type object', at)
    properties = schema.get("properties")
    _need(document, isinstance(properties, dict), '"configSchema" needs a mapping "properties"', at)
    closed = schema.get("additionalProperties") is False
    _need(document, closed, '"configSchema" must say "additionalProperties: false"', at, "additionalProperties")
    for name, part in properties.items():
        _need(document, isinstance(part, dict), f'the schema of "{name}" must be a mapping', at, "properties", name)
    required = schema.get("required", [])
    _texts(document, required, at, "required")
    for name in required:
        _need(document, name in properties, f'"required" names "{name}", which is no property', at, "required")
        optional = "default" not in properties[name]
        _need(document, optional, f'"{name}" is required and has a default: remove one of them', at, "required")
    _references(document, schema, (at,))


def _references(document: Document, part: Any, path: tuple[str | int, ...]) -> None:
    """A `$ref` may point inside the schema only: reading a spec must not fetch anything."""
    if isinstance(part, dict):
        reference = part.get("$ref", "#")
        inside = isinstance(reference, str) and reference.startswith("#")
        _need(document, inside, f'"$ref" must point inside the schema ("#/..."), not to {reference}', *path, "$ref")
        for name, below in part.items():
            _references(document, below, (*path, name))
    elif isinstance(part, list):
        for place, below in enumerate(part):
            _references(document, below, (*path, place))


def _secrets(document: Document, spec: dict[str, Any]) -> None:
    pointers = spec.get("secrets", [])
    _texts(document, pointers, "secrets")
    for place, pointer in enumerate(pointers):
        part: Any = spec["configSchema"]
        names = [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:]]
        for name in names:
            part = part.get("properties", {}).get(name) if isinstance(part, dict) else None
        found = pointer.startswith("/") and part is not None
        _need(document, found, f'the secret "{pointer}" points to no property of the schema', "secrets", place)


def _connection_fields(document: Document, spec: dict[str, Any]) -> None:
    at = "x-connection-fields"
    fields = spec.get(at, [])
    _need(document, isinstance(fields, list), f'"{at}" must be a list', at)
    seen: set[str] = set()
    for place, field in enumerate(fields):
        _need(document, isinstance(field, dict), "a connection field is a mapping {name, override}", at, place)
        _keys(document, (at, place), field, required=("name",), optional=("override",))
        name = field["name"]
        known = isinstance(name, str) and name in spec["configSchema"]["properties"] and name not in seen
        _need(document, known, f'"{name}" is no property of the schema, or is named twice', at, place, "name")
        seen.add(name)
        fits = field.get("override", "forbidden") in OVERRIDES
        _need(document, fits, f'"override" must be one of {", ".join(OVERRIDES)}', at, place, "override")


def _atomic_with(document: Document, spec: dict[str, Any]) -> None:
    at = "x-atomic-with"
    names = spec.get(at, [])
    _texts(document, names, at)
    fields = {field["name"] for field in spec.get("x-connection-fields", [])}
    for place, name in enumerate(names):
        _need(document, name in fields, f'"{name}" is no field of the connection', at, place)


def _constraints(document: Document, spec: dict[str, Any]) -> None:
    constraints = spec.get("constraints", [])
    _need(document, isinstance(constraints, list), '"constraints" must be a list', "constraints")
    for place, constraint in enumerate(constraints):
        at = ("constraints", place)
        kinds = [name for name in CONSTRAINTS if isinstance(constraint, dict) and name in constraint]
        _need(document, len(kinds) == 1, f"a constraint has one of {', '.join(CONSTRAINTS)}", *at)
        kind = kinds[0]
        extra = ("require", "forbid", "message") if kind == "when" else ("message",)
        _keys(document, at, constraint, required=(kind,), optional=extra)
        _need(document, isinstance(constraint.get("message", ""), str), '"message" must be text', *at, "message")
        if kind == "when":
            _when(document, spec, constraint, at)
        else:
            _known(document, spec, constraint[kind], *at, kind)
            _need(document, len(constraint[kind]) > 1, f'"{kind}" needs two names or more', *at, kind)


def _when(document: Document, spec: dict[str, Any], constraint: dict[str, Any], at: tuple[str | int, ...]) -> None:
    when = constraint["when"]
    _need(document, isinstance(when, dict) and bool(when), '"when" is a mapping of options to values', *at, "when")
    _known(document, spec, list(when), *at, "when")
    _need(document, "require" in constraint or "forbid" in constraint, '"when" needs "require" or "forbid"', *at)
    for kind in ("require", "forbid"):
        _known(document, spec, constraint.get(kind, []), *at, kind)


def _aliases(document: Document, spec: dict[str, Any]) -> None:
    aliases = spec.get("aliases", {})
    properties = spec["configSchema"]["properties"]
    _need(document, isinstance(aliases, dict), '"aliases" is a mapping of former to present names', "aliases")
    for old, new in aliases.items():
        _need(document, old not in properties, f'the alias "{old}" is a property itself', "aliases", old)
        known = isinstance(new, str) and new in properties
        _need(document, known, f'"{new}" is no property of the schema', "aliases", old)


def _examples(document: Document, spec: dict[str, Any]) -> None:
    examples = spec.get("examples", [])
    _need(document, isinstance(examples, list), '"examples" must be a list of configs', "examples")
    for place, example in enumerate(examples):
        _need(document, isinstance(example, dict), "an example is a config, a mapping", "examples", place)


def _runtime(document: Document, spec: dict[str, Any]) -> None:
    at = "x-runtime"
    runtime = spec.get(at, {})
    _need(document, isinstance(runtime, dict), f'"{at}" must be a mapping', at)
    _keys(document, (at,), runtime, optional=("driver", "requirements"))
    wanted = MODES[role_of(spec["name"])]
    fits = runtime.get("driver", wanted) == wanted
    _need(document, fits, f'the driver of this role is "{wanted}"', at, "driver")
    needs = runtime.get("requirements", [])
    _texts(document, needs, at, "requirements")
    for place, need in enumerate(needs):
        text = f'"{need}" is no requirement such as "pymysql>=1.1,<2"'
        _need(document, requirements.is_valid(need), text, at, "requirements", place)


def _known(document: Document, spec: dict[str, Any], names: Any, *at: str | int) -> None:
    _texts(document, names, *at)
    for name in names:
        _need(document, name in spec["configSchema"]["properties"], f'"{name}" is no property of the schema', *at)


def _texts(document: Document, value: Any, *at: str | int) -> None:
    fits = isinstance(value, list) and all(isinstance(item, str) for item in value) and len(set(value)) == len(value)
    _need(document, fits, f'"{at[-1]}" must be a list of different texts', *at)


def _keys(
    document: Document,
    at: tuple[str | int, ...],
    value: Mapping[str, Any],
    *,
    required: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
) -> None:
    for key in value:
        if key not in (*required, *optional):
            hint = errors.did_you_mean(str(key), [*required, *optional])
            raise document.error(f'unknown key "{key}"', *at, key, code="spec.invalid", hint=hint or None, key=True)
    for key in required:
        _need(document, key in value, f'"{key}" is missing', *at)


def _need(document: Document, fits: object, message: str, *at: str | int) -> None:
    if not fits:
        raise document.error(message, *at, code="spec.invalid")


CHECKS = (
    _names,
    _modes,
    _schema,
    _secrets,
    _connection_fields,
    _atomic_with,
    _constraints,
    _aliases,
    _examples,
    _runtime,
)
"""In this order: each may rely on those before it."""
