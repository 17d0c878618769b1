"""What there is to read over REST: from the API's own description, or by asking for a table that is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from osiris.connectors.base import Field, Resource
from osiris.connectors.supabase.rest.postgrest import PostgREST
from osiris.errors import NotFound, PermissionDenied

PRIMARY_KEY: Final = "<pk/>"
"""What PostgREST writes into the description of such a column."""


def resources(api: PostgREST, like: str | None) -> Iterator[Resource]:
    """Sorted by name. A key for browsers may not read the description: with it only an exact name can be looked up."""
    document = api.description()
    if document is None:
        yield from _named(api, like)
        return
    for name, facts in sorted((document.get("definitions") or {}).items()):
        shown = f"{api.schema or 'public'}.{name}" if like and "." in like else name
        if like is None or fnmatchcase(shown.casefold(), like.casefold()):
            yield Resource(name, "table", tuple(_fields(facts)), api.schema)


def _fields(facts: Mapping[str, Any]) -> Iterator[Field]:
    required = set(facts.get("required") or ())
    for name, column in (facts.get("properties") or {}).items():
        is_key = PRIMARY_KEY in (column.get("description") or "")
        yield Field(name, column.get("format") or column.get("type") or "", name not in required, is_key)


def _named(api: PostgREST, like: str | None) -> Iterator[Resource]:
    name = (like or "").rpartition(".")[2]
    if not name or any(sign in name for sign in "*?["):
        raise PermissionDenied(
            "this key may not read what tables there are",
            code="discover.closed",
            hint="use a secret key or a dsn, or name one table: --like orders",
        )
    try:
        api.get(name, (("limit", "0"),))
    except NotFound:
        return
    yield Resource(name, "table", (), api.schema)
