"""`Clients`: the clients of one database family, as its tests make them, and what becomes of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from osiris.connectors.base import Connection
from osiris.errors import OsirisError
from osiris.testing.rig import raised


class Opens(Protocol):
    """What is asked of a client here."""

    def __init__(self, connection: Connection) -> None: ...
    def open(self) -> None: ...
    def close(self) -> None: ...
    @property
    def is_open(self) -> bool: ...
    @classmethod
    def classify(cls, error: Exception) -> OsirisError: ...


C = TypeVar("C", bound=Opens)


@dataclass(frozen=True, slots=True)
class Clients(Generic[C]):
    """`family` is that of `type`. The fields of a connection are given as a mapping, and those that differ by name."""

    family: str
    type: type[C]

    def made(self, fields: Mapping[str, Any], **more: Any) -> C:
        """A client that is not open yet; a field that is None is left out."""
        given = {name: value for name, value in {**fields, **more}.items() if value is not None}
        return self.type(Connection(self.family, "x", Path(), given))

    @contextmanager
    def opened(self, fields: Mapping[str, Any], **more: Any) -> Generator[C]:
        client = self.made(fields, **more)
        try:
            client.open()
            yield client
        finally:
            client.close()

    @contextmanager
    def in_use(self, fields: Mapping[str, Any]) -> Generator[C]:
        """An open client; what it raises is classified, as the drivers do."""
        try:
            with self.opened(fields) as client:
                yield client
        except Exception as error:
            raise self.type.classify(error) from error

    def failure(self, fields: Mapping[str, Any], **more: Any) -> OsirisError:
        """The classified error of a connection that does not open; nothing stays open then."""
        client = self.made(fields, **more)
        error = raised(client.open)
        assert error is not None, "the connection opens"
        assert not client.is_open
        return client.classify(error)
