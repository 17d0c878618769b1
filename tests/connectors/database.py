"""`Database`: what the private servers of `tests/servers` have in common for those who use one."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar


class Database(Protocol):
    """A database of its own on a private server."""

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in it with all rights; the rows of the last one."""

    def fields(self, **more: Any) -> dict[str, Any]:
        """The fields of a connection to it that works."""


D = TypeVar("D", bound=Database)
