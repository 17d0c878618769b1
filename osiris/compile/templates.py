"""Filling in `${params.x}` and `${item}`: a whole text takes the value with its type, a part of a text its text.

`$${` stands for a literal `${`. A secret param is left as it stands, to be filled in when the pipeline runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from osiris.compile.issues import Path
from osiris.errors import ConfigError, did_you_mean

REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
NO_ITEM: Any = object()
Complain = Callable[[ConfigError, Path], None]


@dataclass(frozen=True, slots=True)
class Scope:
    """What references may name: the params' values, the names of secret ones, and the item of a `for_each`."""

    params: Mapping[str, Any]
    secrets: frozenset[str] = frozenset()
    item: Any = field(default=NO_ITEM)
    allow_secrets: bool = False
    unset: frozenset[str] = frozenset()
    """Params that are declared but have no usable value; told already, so no reference to them is an error."""

    def value(self, name: str) -> Any:
        """The value of `params.x`, `item` or `item.key`; `${params.x}` itself for a secret. ConfigError if unknown."""
        head, _, rest = name.strip().partition(".")
        if head == "params" and rest:
            return self._param(rest)
        if head == "item" and self.item is not NO_ITEM:
            return self._item(rest) if rest else self.item
        if head == "item":
            message, hint = f"${{{name}}} is known only in a step with for_each", "add for_each: [...] to the step"
        else:
            message = f"${{{name}}} is not known here"
            hint = did_you_mean(name, [f"params.{known}" for known in self.params]) or (
                "only ${params.x} and ${item} are filled in; write $${ for a literal ${, "
                "and put environment variables into the connection or a secret param"
            )
        raise ConfigError(message, code="reference.unknown", hint=hint)

    def _param(self, name: str) -> Any:
        if name in self.secrets and self.allow_secrets:
            return placeholder(name)
        if name in self.secrets:
            hint = "a secret param can be used in a step's config only"
            raise ConfigError(f'the secret param "{name}" cannot be used here', code="param.secret_here", hint=hint)
        if name in self.params:
            return self.params[name]
        if name in self.unset:
            return ""
        hint = did_you_mean(name, [*self.params, *self.secrets]) or "declare it under params"
        raise ConfigError(f'there is no param "{name}"', code="param.unknown", hint=hint)

    def _item(self, key: str) -> Any:
        if isinstance(self.item, Mapping) and key in self.item:
            return self.item[key]
        known = list(self.item) if isinstance(self.item, Mapping) else []
        hint = did_you_mean(key, known) or ("" if known else "the item is not a mapping: use ${item}")
        raise ConfigError(f'the item of for_each has no "{key}"', code="reference.item", hint=hint or None)


def placeholder(param: str) -> str:
    """How a secret param stands in a manifest."""
    return f"${{params.{param}}}"


def fill(value: Any, scope: Scope, complain: Complain, path: Path = ()) -> Any:
    """A copy of plain data with each reference filled in; what cannot be is reported at its path and left as it is."""
    if isinstance(value, str):
        return _fill_text(value, scope, complain, path)
    if isinstance(value, list):
        return [fill(item, scope, complain, (*path, place)) for place, item in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if "${" in key:
                message, hint = f'"{key}": references are not filled in in keys', "write the key out"
                complain(ConfigError(message, code="reference.key", hint=hint), (*path, key))
        return {key: fill(item, scope, complain, (*path, key)) for key, item in value.items()}
    return value


def _fill_text(text: str, scope: Scope, complain: Complain, path: Path) -> Any:
    if "${" not in text:
        return text
    whole = REFERENCE.fullmatch(text)
    try:
        if whole is not None and whole[1] is not None:
            return scope.value(whole[1])
        return REFERENCE.sub(lambda found: _rendered(found, scope), text)
    except ConfigError as error:
        complain(error, path)
        return text


def _rendered(found: re.Match[str], scope: Scope) -> str:
    if found[0] == "$${":
        _refuse_spelled_secret(found, scope)
        return "${"
    if found[1] is None:
        message, hint = "${ has no closing }", "close it, or write $${ for a literal ${"
        raise ConfigError(message, code="reference.open", hint=hint)
    value = scope.value(found[1])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    what = "empty" if value is None else "a list" if isinstance(value, list) else "a mapping"
    message = f"${{{found[1]}}} is {what}, which cannot stand inside a text"
    raise ConfigError(message, code="reference.not_text", hint="let it be the whole value")


def _refuse_spelled_secret(found: re.Match[str], scope: Scope) -> None:
    """An escaped `$${params.pw}` would be taken for the secret itself when the pipeline runs."""
    rest = found.string[found.end() :]
    for name in scope.secrets:
        if rest.startswith(f"params.{name}}}"):
            message = f"$${{params.{name}}} cannot be written literally, since it names a secret param"
            raise ConfigError(message, code="reference.spells_secret", hint="rename the param")


def used_secrets(value: Any, names: frozenset[str]) -> set[str]:
    """Which of the secret params `names` are left as placeholders in plain data."""
    if isinstance(value, str):
        return {name for name in names if placeholder(name) in value} if "${" in value else set()
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    found: set[str] = set()
    for part in parts:
        found |= used_secrets(part, names)
    return found
