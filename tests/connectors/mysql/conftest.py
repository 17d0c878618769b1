"""Fixtures of the tests of the MySQL family: private servers, and a database of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.mysql.target import Target
from tests.servers.mariadb import Database, MariaDB


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One server for the whole test process; it offers TLS and asks for none."""
    server = MariaDB.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def secure_mariadb() -> Iterator[MariaDB]:
    """A server that takes encrypted connections only."""
    server = MariaDB.start(require_secure_transport="ON")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def plain_mariadb() -> Iterator[MariaDB]:
    """A server without TLS."""
    server = MariaDB.start(tls=False)
    yield server
    server.stop()


@pytest.fixture
def database(mariadb: MariaDB) -> Iterator[Database]:
    """A new, empty database."""
    made = mariadb.database()
    yield made
    made.drop()


@pytest.fixture
def target(database: Database, tmp_path: Path) -> Target:
    """A database of its own to write to."""
    return Target(database, tmp_path)
