"""Names and values as SQL text; a value's type is left for PostgreSQL to find, as PostgREST leaves it."""

from __future__ import annotations

from collections.abc import Iterable


def name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def names(texts: Iterable[str]) -> str:
    return ", ".join(name(text) for text in texts)


def literal(text: str) -> str:
    return "'" + text.partition("\0")[0].replace("'", "''") + "'"


def array(values: Iterable[str]) -> str:
    """A literal of an array of any type."""
    quoted = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    return literal("{" + ",".join(quoted) + "}")
