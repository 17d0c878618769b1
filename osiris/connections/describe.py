"""A connection as `connections list` shows it: what is written, with secrets masked, and which variables are set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from osiris.components.problems import Path
from osiris.components.rules import Rules
from osiris.connections import masking
from osiris.connections.substitution import Placeholder, Sources, parse
from osiris.errors import ConfigError
from osiris.secrets import MASK


def described(fields: Mapping[str, Any], rules: Rules | None, sources: Sources, *, is_default: bool) -> dict[str, Any]:
    """`{"config", "env_vars": {VAR: is it set}, "is_default"}`. Nothing is looked up but whether variables are set.

    Without `rules`, and for a field that they do not know, nobody can say what is secret: every literal is masked.
    """
    own = {name: value for name, value in fields.items() if name != "default"}
    return {
        "config": {name: masked(value, (name,), rules) for name, value in own.items()},
        "env_vars": {name: sources.has(name) for name in sorted({p.name for p in placeholders(own) if p.name})},
        "is_default": is_default,
    }


def masked(value: Any, path: Path, rules: Rules | None) -> Any:
    """The value at `path` of a connection as it is written, what is secret in it masked."""
    if isinstance(value, Mapping):
        return {name: masked(part, (*path, name), rules) for name, part in value.items()}
    if isinstance(value, list):
        return [masked(part, (*path, place), rules) for place, part in enumerate(value)]
    secret = is_secret(path, rules)
    if isinstance(value, str):
        return masking.shown(value, secret=secret)
    return MASK if secret and value is not None and not isinstance(value, bool) else value


def is_secret(path: Path, rules: Rules | None) -> bool:
    """Whether what is written at `path` of a connection is; without rules, and for an unknown field, it may be."""
    if rules is None:
        return True
    name = rules.aliases.get(str(path[0]), path[0])
    return name not in rules.names or masking.is_secret(rules, (name, *path[1:]))


def placeholders(value: Any) -> Iterator[Placeholder]:
    """Those in all texts of plain data; none of a text that is malformed."""
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from placeholders(part)
    elif isinstance(value, str):
        try:
            parts = list(parse(value))
        except ConfigError:
            return
        yield from (part for part in parts if isinstance(part, Placeholder))
