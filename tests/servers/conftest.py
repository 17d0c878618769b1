"""Fixtures of the tests of the stand-ins: a real PostgreSQL, and the stand-in for PostgREST over it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.postgres import Database, PostgreSQL
from tests.servers.postgrest.server import Rest


@pytest.fixture(scope="session")
def workbench() -> Iterator[Database]:
    server = PostgreSQL.start(tls=False)
    yield server.database()
    server.stop()


@pytest.fixture
def rest(workbench: Database) -> Iterator[Rest]:
    """Over an empty database."""
    workbench.clear()
    server = Rest.start(workbench)
    yield server
    server.stop()
