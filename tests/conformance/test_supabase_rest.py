"""The conformance kit over supabase's extractor by the rest transport, over the stand-in for PostgREST."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from osiris.testing.connector import Change, Conformance, Reading, Subject
from tests.conformance import test_postgres
from tests.conformance.test_postgres import COUNT, KNOWN
from tests.servers.postgres import Database, PostgreSQL
from tests.servers.postgrest.server import Rest

KEY = "sb_secret_ca/nary+{}%'"
SQL_ONLY = "it is for postgres, and this is the other transport"
C = TypeVar("C", bound=Conformance)


def without_splits(made: type[C]) -> type[C]:
    """The family's extractor plans splits, but by its other transport only."""
    for name in dir(made):
        if "splits" in getattr(getattr(made, name), "needs", frozenset()):
            setattr(made, name, None)
    return made


@pytest.mark.server
@without_splits
class TestSupabaseOverRest(Conformance):
    """A database of its own for each subject, and an interface over it."""

    family = "supabase"
    writer = ""  # the kit's writers make their tables, which this transport cannot: tests/connectors/supabase/rest
    silent = True
    server: ClassVar[PostgreSQL]
    mute: ClassVar[int]
    started: ClassVar[list[Rest]]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def serving(cls) -> Iterator[None]:
        cls.server = PostgreSQL.start()
        cls.server.sql(*KNOWN, database="template1")
        cls.started = []
        with socket.create_server(("127.0.0.1", 0), backlog=128) as mute:  # nobody accepts what the system takes
            cls.mute = mute.getsockname()[1]
            yield
        cls.server.stop()

    @pytest.fixture(autouse=True)
    def ending(self) -> Iterator[None]:
        yield
        while self.started:
            self.started.pop().stop()

    def subject(self, folder: Path) -> Subject:
        rest = Rest.start(self.server.database(), schemas=("source", "other"))
        rest.gateway.roles[KEY] = "service_role"
        self.started.append(rest)
        return Subject(
            family="supabase",
            root=folder,
            fields={"url": rest.url, "key": KEY, "schema": "source"},
            broken={
                "a wrong key": {"key": "sb_secret_wrong"},
                "something that is no key": {"key": "closed, please"},
                "nobody there": {"url": "http://127.0.0.1:1"},
                "no such schema": {"schema": "nowhere"},
                "no encryption": {"url": rest.url.replace("http:", "https:")},
                "a transport that nothing is given for": {"transport": "postgres"},
            },
            silent={"url": f"http://127.0.0.1:{self.mute}"},
            discovered=("empty", "known"),
            changes={**changes(), "url": f"{rest.url}/elsewhere"},
            reading=reading(rest.database),
        )


def changes() -> dict[str, Any]:
    """Another value for each field of the connection."""
    late = "it shows only when an answer is late"
    names = ("pg_port", "pg_database", "pg_user", "pg_password", "sslmode", "sslrootcert")
    values = (1, "x", "nobody", "closed, please", "verify-full", "no-such-file.pem")
    own = {name: Change(value, unseen=SQL_ONLY) for name, value in zip(names, values, strict=True)}
    return {
        **own,
        "project_id": Change("abcdefghijklmnopqrst", unseen="it goes in place of url"),
        "key": "sb_secret_wrong",
        "rest_path": "/api",
        "ca_file": "no-such-file.pem",
        "requests_per_minute": Change(10_000, unseen="it shows only when that many were sent"),
        "transport": "postgres",
        "dsn": "host=127.0.0.1 port=1 user=nobody",
        "pg_host": "127.0.0.2",
        "schema": "other",
        "connect_timeout_s": Change(5, unseen=late),
        "read_timeout_s": Change(60, unseen=late),
        "statement_timeout_s": Change(60, unseen=SQL_ONLY),
        "lock_timeout_s": Change(60, unseen=SQL_ONLY),
    }


def reading(database: Database) -> Reading:
    own = {
        "query": Change("SELECT 1 AS n", remove=("table",)),
        "where": "id < 5",
        "splits": 2,
        "split_by": "id",
        "rpc": Change("totals", remove=("table",)),
        "arguments": {"year": "2026"},
        "filters": [{"column": "id", "op": "lt", "value": 5}],
        "order_by": ["code asc"],
        "primary_key": "code",
        "paging": Change("offset", {"primary_key": "name"}),
        "page_rows": 100,
    }
    made = test_postgres.reading()
    return replace(
        made,
        component="supabase.extractor",
        several={},
        spoil=lambda: database.sql(f"UPDATE source.known SET day = 'infinity' WHERE id = {COUNT - 100}"),
        changes={**made.changes, **own},
    )
