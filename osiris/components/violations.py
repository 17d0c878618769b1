"""JSON Schema violations, told in the words of the person who wrote the config."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry

from osiris.components.problems import Path, Problem, dotted, shown
from osiris.errors import ConfigError, did_you_mean
from osiris.stream.type_names import meaning

if TYPE_CHECKING:
    from jsonschema import ValidationError

    from osiris.components.rules import Rules

FORMATS = FormatChecker(("date", "time", "regex", "ipv4", "ipv6", "email", "uuid"))
FORMATS.checks("column-type", raises=ConfigError)(lambda name: not isinstance(name, str) or bool(meaning(name)))


TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A validator's error: `value` at `path` breaks `keyword`, which says `limit`, of `schema`.

    `inner` are the faults in each branch of an `anyOf` or `oneOf`; `branch` is the one that this fault is in.
    """

    path: Path
    keyword: str
    limit: Any
    value: Any
    schema: Mapping[str, Any]
    at_root: bool
    branch: int
    inner: tuple[Fault, ...]

    @classmethod
    def of(cls, error: ValidationError) -> Fault:
        first = error.schema_path[0] if error.schema_path else 0
        return cls(
            path=tuple(error.absolute_path),
            keyword=str(error.validator),
            limit=error.validator_value,
            value=error.instance,
            schema=error.schema if isinstance(error.schema, Mapping) else {},
            at_root=not error.path,
            branch=first if isinstance(first, int) else 0,
            inner=tuple(cls.of(part) for part in error.context or ()),
        )


def violations(rules: Rules, config: Mapping[str, Any]) -> Iterator[Problem]:
    """Each way in which `config` departs from the schema of `rules`."""
    told: set[Problem] = set()
    for error in validator(rules.schema).iter_errors(config):
        for problem in _told(rules, Fault.of(error)):
            if problem not in told:
                told.add(problem)
                yield problem


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """A validator that knows no other document: a `$ref` out of the schema is an error, never a download."""
    registry: Registry[Any] = Registry()
    return Draft202012Validator(dict(schema), registry=registry, format_checker=FORMATS)


def _told(rules: Rules, fault: Fault) -> Iterator[Problem]:
    teller = _TELLERS.get(fault.keyword)
    if teller is not None:
        yield from teller(rules, fault)
    else:
        yield Problem(fault.path, "option.value", f"{_name(rules, fault)} does not fit: it breaks {fault.keyword}")


def _unknown(rules: Rules, fault: Fault) -> Iterator[Problem]:
    path = fault.path
    known = list(fault.schema.get("properties", {}))
    for key in fault.value:
        if key in known:
            continue
        place = f'{rules.noun} "{key}" of {rules.owner}' if not path else f'key "{key}" in {_name(rules, fault)}'
        if not path and key in rules.aliases:
            now = rules.aliases[key]
            text = f'"{key}" is the former name of "{now}", which is given too'
            yield Problem((key,), "option.unknown", text, f'keep "{now}"')
            continue
        hint = did_you_mean(str(key), known) or (f"known: {', '.join(known)}" if known else None)
        yield Problem((*path, key), "option.unknown", f"unknown {place}", hint)


def _missing(rules: Rules, fault: Fault) -> Iterator[Problem]:
    """One fault comes for each missing key, all with the same limit: each of them tells of all."""
    for key in fault.limit:
        if key not in fault.value:
            path = (*fault.path, key)
            yield Problem(path, "option.missing", f'the {rules.noun} "{dotted(path)}" of {rules.owner} is required')


def _type(rules: Rules, fault: Fault) -> Iterator[Problem]:
    yield _type_problem(rules, fault, _listed(fault.limit))


def _type_problem(rules: Rules, fault: Fault, wanted: list[str]) -> Problem:
    words = " or ".join(TYPE_WORDS[name] for name in dict.fromkeys(wanted) if name != "null" or len(wanted) == 1)
    got = _got(fault.value, hidden=rules.is_secret(fault.path))
    return Problem(
        fault.path, "option.type", f"{_name(rules, fault)} must be {words}, not {got}", _type_hint(fault.value, wanted)
    )


def _got(value: object, *, hidden: bool) -> str:
    if isinstance(value, str):
        return "text" if hidden else f"the text {shown(value)}"
    if value is None:
        return "empty"
    return "a number" if hidden and isinstance(value, int | float) else shown(value)


def _type_hint(value: object, wanted: list[str]) -> str | None:
    if value is None:
        return "give a value or delete the line"
    if "string" in wanted and isinstance(value, int | float):
        return "put it in quotes"
    if isinstance(value, str) and {"integer", "number"} & set(wanted) and re.fullmatch(r"[+-]?\d+(\.\d+)?", value):
        return "remove the quotes"
    if isinstance(value, str) and "boolean" in wanted:
        return "write true or false, without quotes"
    if "array" in wanted and not isinstance(value, Mapping):
        return "write it as a list: [...]"
    return None


def _choice(rules: Rules, fault: Fault) -> Iterator[Problem]:
    allowed = list(fault.limit) if fault.keyword == "enum" else [fault.limit]
    choices = ", ".join(shown(value) for value in allowed)
    must = f"must be one of {choices}" if len(allowed) > 1 else f"must be {choices}"
    got = "" if rules.is_secret(fault.path) else f", not {_got(fault.value, hidden=False)}"
    texts = [value for value in allowed if isinstance(value, str)]
    hint = did_you_mean(fault.value, texts) if isinstance(fault.value, str) else ""
    yield Problem(fault.path, "option.value", f"{_name(rules, fault)} {must}{got}", hint or None)


def _sized(text: str, code: str = "option.range") -> Callable[[Rules, Fault], Iterator[Problem]]:
    """A teller whose text is `text` with the limit put in."""

    def tell(rules: Rules, fault: Fault) -> Iterator[Problem]:
        hidden = rules.is_secret(fault.path) or not isinstance(fault.value, int | float | str)
        got = "" if hidden else f", not {shown(fault.value)}"
        limit = fault.limit
        message = f"{_name(rules, fault)} must {text.format(limit)}{got}"
        yield Problem(fault.path, code, message, fault.schema.get("x-hint"))

    return tell


def _format(rules: Rules, fault: Fault) -> Iterator[Problem]:
    if fault.limit != "column-type":
        yield from _sized("be a valid {}", "option.value")(rules, fault)
        return
    try:
        meaning(fault.value)
    except ConfigError as error:
        yield Problem(fault.path, "option.value", f"{_name(rules, fault)}: {error.message}", error.hint)


def _branches(rules: Rules, fault: Fault) -> Iterator[Problem]:
    """`anyOf` and `oneOf`: name all types if it is a matter of type, else what is wrong with the nearest branch."""
    branches: dict[int, list[Fault]] = {}
    for inner in fault.inner:
        branches.setdefault(inner.branch, []).append(inner)
    by_type = {n: _root_type(inner) for n, inner in branches.items()}
    if not branches:
        yield Problem(fault.path, "option.value", f"{_name(rules, fault)} fits more than one of the allowed forms")
    elif all(by_type.values()):
        yield _type_problem(rules, fault, [name for names in by_type.values() for name in names])
    else:
        nearest = min((n for n, names in by_type.items() if not names), key=lambda n: len(branches[n]))
        for inner in branches[nearest]:
            yield from _told(rules, inner)


def _root_type(faults: list[Fault]) -> list[str]:
    """The types that a branch wanted, when it failed for that."""
    return next((_listed(fault.limit) for fault in faults if fault.keyword == "type" and fault.at_root), [])


def _listed(types: str | list[str]) -> list[str]:
    return [types] if isinstance(types, str) else list(types)


def _name(rules: Rules, fault: Fault) -> str:
    path = fault.path
    return f'"{dotted(path)}" of {rules.owner}' if path else f"the config of {rules.owner}"


_TELLERS: dict[str, Callable[[Rules, Fault], Iterator[Problem]]] = {
    "additionalProperties": _unknown,
    "required": _missing,
    "type": _type,
    "enum": _choice,
    "const": _choice,
    "anyOf": _branches,
    "oneOf": _branches,
    "minimum": _sized("be at least {}"),
    "maximum": _sized("be at most {}"),
    "exclusiveMinimum": _sized("be more than {}"),
    "exclusiveMaximum": _sized("be less than {}"),
    "multipleOf": _sized("be a multiple of {}"),
    "minLength": _sized("have at least {} character(s)"),
    "maxLength": _sized("have at most {} character(s)"),
    "minItems": _sized("have at least {} item(s)"),
    "maxItems": _sized("have at most {} item(s)"),
    "minProperties": _sized("have at least {} key(s)"),
    "maxProperties": _sized("have at most {} key(s)"),
    "uniqueItems": _sized("not name the same item twice", "option.value"),
    "pattern": _sized("match {}", "option.value"),
    "format": _format,
}
