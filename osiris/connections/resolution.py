"""From a connection's text to its values: placeholders filled, types by the schema, secrets told to the redactor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from osiris.components.problems import Path
from osiris.components.rules import Rules
from osiris.connections import masking
from osiris.connections.substitution import Placeholder, Sources, parse
from osiris.errors import OsirisError
from osiris.secrets import SHORT, redactor

BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}

CODES = {
    "option.unknown": "connection.field_unknown",
    "option.missing": "connection.field_missing",
    "option.type": "connection.field_type",
    "option.value": "connection.field_value",
    "option.range": "connection.field_range",
    "option.constraint": "connection.field_constraint",
}
"""What a fault of an option is called where it is one of a connection's field."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a connection. `check` is the id that doctor files it under."""

    check: Literal["config.schema", "secrets.resolved"]
    path: Path
    code: str
    message: str
    hint: str | None = None


@dataclass(slots=True)
class Filled:
    """The values of a connection. `unknown` names the fields whose placeholders could not be filled; they are left out.
    `short` names the secrets that are too short to be masked inside a longer text."""

    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)


def fill(fields: Mapping[str, Any], rules: Rules, sources: Sources | None) -> Filled:
    """The values that `fields` stand for. Every fault is collected; every secret is masked from here on.

    Without `sources` a text stands for itself.
    """
    filler = _Filler(rules, sources)
    for name, value in fields.items():
        known = len(filler.filled.faults)
        result = filler.value(value, (name,))
        if len(filler.filled.faults) > known:
            filler.filled.unknown.add(name)
        else:
            filler.filled.values[name] = result
    return filler.filled


class _Filler:
    """Walks one connection's fields."""

    def __init__(self, rules: Rules, sources: Sources | None) -> None:
        self.rules = rules
        self.sources = sources
        self.filled = Filled()

    def value(self, value: Any, path: Path) -> Any:
        if isinstance(value, Mapping):
            return {name: self.value(part, (*path, name)) for name, part in value.items()}
        if isinstance(value, list):
            return [self.value(part, (*path, place)) for place, part in enumerate(value)]
        secret = masking.is_secret(self.rules, path)
        if isinstance(value, str):
            text = self._text(value, path, secret=secret)
            self._register(text, path, secret=secret)
            return text if text == value else typed(text, types_at(self.rules.schema, path))
        if secret and isinstance(value, int | float):
            self._register(str(value), path, secret=True)
        return value

    def _text(self, text: str, path: Path, *, secret: bool) -> str:
        if self.sources is None or "${" not in text:
            return text
        done, written = "", ""
        try:
            for part in parse(text):
                if isinstance(part, Placeholder):
                    value = self.sources.fetch(part)
                    self._place(part, value, path, written)
                    if secret or masking.in_url_secret(written):
                        redactor.add(value)
                    done += value
                    written += part.text
                else:
                    done, written = done + part, written + part
        except OsirisError as error:
            self._fault(path, error.code, str(error), error.hint)  # with its own place, a line of .env
        return done

    def _place(self, part: Placeholder, value: str, path: Path, before: str) -> None:
        if masking.in_userinfo(before) and masking.breaks_url(value):
            redactor.add(value)
            hint = "percent-encode it, or give host, user and password as fields of their own"
            self._fault(path, "secrets.url", f"what {_bare(part)} holds would break the URL that it is put into", hint)

    def _register(self, text: str, path: Path, *, secret: bool) -> None:
        if secret:
            redactor.add(text)
        if secret and 0 < len(text) < SHORT:
            self.filled.short.add(str(path[0]))
        for value in masking.url_secrets(text):
            redactor.add(value)

    def _fault(self, path: Path, code: str, message: str, hint: str | None) -> None:
        self.filled.faults.append(Fault("secrets.resolved", path, code, message, hint))


def _bare(part: Placeholder) -> str:
    return f"${{{part.name}}}" if part.name else part.text


def typed(text: str, types: frozenset[str]) -> Any:
    """`text` as the type that the schema asks for, when it can be read as one; else as it is."""
    if "string" in types or not types:
        return text
    word = text.strip()
    if "integer" in types and re.fullmatch(r"[+-]?\d{1,30}", word):
        return int(word)
    if "number" in types and re.fullmatch(r"[+-]?(\d{1,300}\.?\d{0,300}|\.\d{1,300})([eE][+-]?\d{1,2})?", word):
        return float(word)
    if "boolean" in types and word.lower() in BOOLEANS:
        return BOOLEANS[word.lower()]
    return text


def types_at(schema: Mapping[str, Any], path: Path) -> frozenset[str]:
    """The JSON types that `schema` allows at `path`; none when it does not say."""
    parts: list[Mapping[str, Any]] = _alternatives(schema, schema)
    for step in path:
        below = [_below(part, step) for part in parts]
        parts = [found for part in below if isinstance(part, Mapping) for found in _alternatives(part, schema)]
    types: set[str] = set()
    for part in parts:
        kind = part.get("type", [])
        types |= {kind} if isinstance(kind, str) else set(kind)
    return frozenset(types)


def _below(part: Mapping[str, Any], step: str | int) -> Any:
    if isinstance(step, int):
        return part.get("items")
    return part.get("properties", {}).get(step, part.get("additionalProperties"))


def _alternatives(part: Mapping[str, Any], root: Mapping[str, Any], depth: int = 0) -> list[Mapping[str, Any]]:
    """`part` and the branches of its `anyOf`, `oneOf` and `$ref`."""
    found = [part]
    branches = [*part.get("anyOf", ()), *part.get("oneOf", ()), *part.get("allOf", ())]
    if isinstance(target := part.get("$ref"), str):
        place: Any = root
        for name in target.split("/")[1:]:
            place = place.get(name) if isinstance(place, Mapping) else None
        branches.append(place)
    for branch in branches:
        if isinstance(branch, Mapping) and depth < 8:
            found += _alternatives(branch, root, depth + 1)
    return found
