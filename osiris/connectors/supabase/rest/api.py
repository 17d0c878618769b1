"""`Api`: what reading and writing over REST ask of the connection's API."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from osiris.connectors import base
from osiris.connectors._shared.http.answers import Answer
from osiris.errors import OsirisError

Query = Sequence[tuple[str, str]]
"""The names and values of a URL's query, not encoded yet."""


class Api(Protocol):
    """PostgREST behind one connection: requests are judged by the codes in the answers, and sent again where that is
    safe. `path` is a table or `rpc/function`, and like the query not encoded yet."""

    @property
    def url(self) -> str: ...

    @property
    def schema(self) -> str | None:
        """The exposed schema that is asked; None is the server's first."""
        ...

    @property
    def sees_all(self) -> bool:
        """Row level security does not hide rows from this key."""
        ...

    def get(self, path: str, query: Query, headers: Mapping[str, str]) -> Answer: ...

    def post(self, path: str, query: Query, body: bytes, headers: Mapping[str, str], *, idempotent: bool) -> Answer: ...

    def description(self) -> Mapping[str, Any] | None:
        """The OpenAPI document of the schema; None when this key may not read it."""
        ...


class Asks(base.Client):
    """A client that asks an API."""

    @property
    @abstractmethod
    def api(self) -> Api: ...


TOO_MUCH: Final = frozenset({"57014"})
"""A statement took longer than the role may."""


def is_too_much(error: OsirisError) -> bool:
    """Whether the server may do in two requests what it did not do in one."""
    details = error.details
    return details.get("sqlstate") in TOO_MUCH or details.get("status") == 413 or error.code == "http.too_large"
