"""Fixtures of the tests of the MySQL family: private servers, and a database of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.mariadb import Database, MariaDB


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One server for the whole test process; it offers TLS and asks for none."""
    server = MariaDB.start()
    yield server
    server.stop()


@pytest.fixture
def database(mariadb: MariaDB) -> Iterator[Database]:
    """A new, empty database."""
    made = mariadb.database()
    yield made
    made.drop()
