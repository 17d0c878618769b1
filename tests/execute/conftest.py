"""Fixtures of the execution tests: a server for all, a database and a project for each, and no thread left behind."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins import lab as labs
from tests.plugins.lab import Database, Lab, Server

NAMES = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with labs.installed():
        server = Server.start(tmp_path_factory.mktemp("server"))
        yield server
        server.stop()


@pytest.fixture
def database(server: Server) -> Database:
    return Database(server, f"db{next(NAMES)}")


@pytest.fixture
def lab(tmp_path: Path, database: Database) -> Lab:
    made = Lab(tmp_path, database)
    made.connections()
    return made


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = labs.our_threads()
    yield
    labs.until(lambda: labs.our_threads() <= before, f"these threads end: {labs.our_threads() - before}")
