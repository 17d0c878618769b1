"""Clients as the tests of this family make them, and what becomes of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from osiris.connectors.base import Connection
from osiris.connectors.mysql.client import Client
from osiris.errors import OsirisError
from osiris.testing.rig import raised


def made(fields: Mapping[str, Any], **more: Any) -> Client:
    """A client that is not open yet; a field that is None is left out."""
    given = {name: value for name, value in {**fields, **more}.items() if value is not None}
    return Client(Connection("mysql", "x", Path(), given))


@contextmanager
def opened(fields: Mapping[str, Any], **more: Any) -> Generator[Client]:
    client = made(fields, **more)
    try:
        client.open()
        yield client
    finally:
        client.close()


def failure(fields: Mapping[str, Any], **more: Any) -> OsirisError:
    """The classified error of a connection that does not open; nothing stays open then."""
    client = made(fields, **more)
    error = raised(client.open)
    assert error is not None, "the connection opens"
    assert not client.is_open
    return client.classify(error)
