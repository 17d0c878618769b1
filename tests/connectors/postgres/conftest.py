"""Fixtures of the tests of PostgreSQL: private servers, and a database of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.postgres.target import Target
from tests.servers.postgres import TLS_ONLY, Database, PostgreSQL


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """One server for the whole test process; it offers TLS and asks for none."""
    server = PostgreSQL.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def secure_postgres() -> Iterator[PostgreSQL]:
    """A server that takes encrypted connections only."""
    server = PostgreSQL.start(hba=TLS_ONLY)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def plain_postgres() -> Iterator[PostgreSQL]:
    """A server without TLS."""
    server = PostgreSQL.start(tls=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def workbench(postgres: PostgreSQL) -> Database:
    """A database for many tests, one after the other: it takes the server long to make one."""
    return postgres.database()


@pytest.fixture
def database(workbench: Database) -> Database:
    """An empty database."""
    workbench.clear()
    return workbench


@pytest.fixture
def target(database: Database, tmp_path: Path) -> Target:
    """An empty schema to write to."""
    return Target(database, tmp_path)
