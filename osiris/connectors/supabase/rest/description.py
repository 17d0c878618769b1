"""`Table`: what the API's own description (OpenAPI 2.0) says of a table or view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from osiris.connectors._shared.postgres.columns import Column
from osiris.connectors.supabase.rest.types import type_of
from osiris.errors import NotFound, did_you_mean

PRIMARY_KEY: Final = "<pk/>"
"""What PostgREST writes into the description of such a column."""


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` in their order; `key` is the primary key, empty where there is none."""

    name: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.primary_key)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]


def table_of(document: Mapping[str, Any], name: str) -> Table:
    """Raises NotFound, with "did you mean", for what this key does not see."""
    known = document.get("definitions") or {}
    if name not in known:
        hint = (
            did_you_mean(name, list(known)) or "expose its schema, grant the key's role access, and reload the schema"
        )
        raise NotFound(f"the API shows this key no table {name!r}", code="table.missing", hint=hint)
    required = set(known[name].get("required") or ())
    properties = known[name].get("properties") or {}
    return Table(name, tuple(_column(column, facts, column in required) for column, facts in properties.items()))


def _column(name: str, facts: Mapping[str, Any], is_required: bool) -> Column:
    is_key = PRIMARY_KEY in (facts.get("description") or "")
    text = facts.get("format") or facts.get("type") or "text"
    kind = type_of(text, length=facts.get("maxLength"), is_enum="enum" in facts)
    return Column(name, kind, nullable=not (is_required or is_key), primary_key=is_key)
