"""The costly half of checking a spec: its schema is one, and defaults, examples and constraints agree with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from osiris.components import check
from osiris.components.component import Component, defaults
from osiris.components.problems import Problem, shown
from osiris.components.rules import names_of


def audit(component: Component) -> list[Problem]:
    """What is wrong with a component's spec beyond its form; paths count from the spec's root."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(dict(component.config_schema))
    except SchemaError as error:
        return [Problem(("configSchema", *error.absolute_path), "spec.invalid", f"not a JSON Schema: {error.message}")]
    found = [*_references(component), *_formats(component.config_schema, ("configSchema",))]
    return found or [*_defaults(component), *_samples(component), *_constraints(component), *_examples(component)]


def _references(component: Component) -> Iterator[Problem]:
    """Each `$ref` leads to a schema inside the document."""
    for path, part in _walk(component.config_schema, ("configSchema",)):
        if "$ref" not in part:
            continue
        target: Any = component.config_schema
        for name in part["$ref"].split("/")[1:]:
            target = target.get(name) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            yield Problem((*path, "$ref"), "spec.invalid", f'"$ref" leads nowhere: {part["$ref"]}')


def _formats(schema: Any, at: tuple[str | int, ...]) -> Iterator[Problem]:
    """A `format` that nothing checks would be a promise that is not kept."""
    from osiris.components.violations import FORMATS

    for path, part in _walk(schema, at):
        if isinstance(part.get("format"), str) and part["format"] not in FORMATS.checkers:
            known = ", ".join(sorted(FORMATS.checkers))
            text = f'the format "{part["format"]}" is not checked; known: {known}'
            yield Problem((*path, "format"), "spec.invalid", text)


def _defaults(component: Component) -> Iterator[Problem]:
    values = defaults(component.config_schema, list(component.config_schema["properties"]))
    for problem in check.problems(component.rules(), values, present_only=True):
        path = ("configSchema", "properties", *problem.path[:1], "default")
        yield Problem(path, "spec.invalid", f"default: {problem.message}")


def _samples(component: Component) -> Iterator[Problem]:
    """Whether each of the `examples` that a property has is a value that it can have."""
    for name, part in component.config_schema["properties"].items():
        for place, value in enumerate(part.get("examples", ())):
            for problem in check.problems(component.rules(), {name: value}, present_only=True):
                path = ("configSchema", "properties", name, "examples", place)
                yield Problem(path, "spec.invalid", f"example: {problem.message}", problem.hint)


def _constraints(component: Component) -> Iterator[Problem]:
    """Whether a constraint that counts presence names an option that is always present."""
    always = defaults(component.config_schema, list(component.config_schema["properties"]))
    for place, constraint in enumerate(component.constraints):
        for kind, names in constraint.items():
            if kind in ("when", "message"):
                continue
            for name in names:
                if always.get(name) is not None:
                    text = f'"{name}" has the default {shown(always[name])}, so "{kind}" cannot ask whether it is given'
                    yield Problem(("constraints", place, kind), "spec.invalid", text)


def _examples(component: Component) -> Iterator[Problem]:
    """Whether each example validates. It need not hold connection fields, so rules about them alone do not count."""
    fields = component.connection_names
    required = fields & set(component.config_schema.get("required", ()))
    for place, example in enumerate(component.examples):
        config = defaults(component.config_schema, component.option_names) | dict(example)
        ours = [c for c in component.constraints if fields & set(example) or not names_of(c) <= fields]
        rules = replace(component.rules(), constraints=ours)
        for problem in check.problems(rules, config, elsewhere=required - set(example)):
            path = ("examples", place, *problem.path)
            yield Problem(path, "spec.invalid", f"example: {problem.message}", problem.hint)


def _walk(part: Any, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    if isinstance(part, dict):
        yield at, part
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, below in items:
        yield from _walk(below, (*at, name))
