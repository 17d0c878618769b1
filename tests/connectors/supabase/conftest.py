"""Fixtures of the tests of Supabase: a private PostgreSQL, and the stand-in for the REST interface over it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.postgres import Database, PostgreSQL
from tests.servers.postgrest.server import Rest


@pytest.fixture(scope="session")
def workbench() -> Iterator[Database]:
    """A database for many tests, one after the other."""
    server = PostgreSQL.start()
    yield server.database()
    server.stop()


@pytest.fixture
def database(workbench: Database) -> Database:
    """An empty database."""
    workbench.clear()
    return workbench


@pytest.fixture
def rest(database: Database) -> Iterator[Rest]:
    """The REST interface of a project, over an empty database."""
    server = Rest.start(database)
    yield server
    server.stop()
