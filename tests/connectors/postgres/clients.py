"""Clients as the tests of PostgreSQL make them, and what becomes of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from osiris.connectors.base import Connection
from osiris.connectors.postgres.client import Client
from osiris.errors import OsirisError
from osiris.testing.rig import raised

__all__ = ["Client", "failure", "made", "opened"]


def made(given: Mapping[str, Any], **more: Any) -> Client:
    """A client that is not open yet; a field that is None is left out."""
    known = {name: value for name, value in {**given, **more}.items() if value is not None}
    return Client(Connection("postgres", "x", Path(), known))


@contextmanager
def opened(given: Mapping[str, Any], **more: Any) -> Generator[Client]:
    client = made(given, **more)
    try:
        client.open()
        yield client
    finally:
        client.close()


def failure(given: Mapping[str, Any], **more: Any) -> OsirisError:
    """The classified error of a connection that does not open; nothing stays open then."""
    client = made(given, **more)
    error = raised(client.open)
    assert error is not None, "the connection opens"
    assert not client.is_open
    return client.classify(error)
