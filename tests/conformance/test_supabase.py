"""The conformance kit over supabase by the postgres transport: what it adds to the postgres family is the choice."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from osiris.testing.connector import Change, Conformance, Reading, Subject, Writing
from tests.conformance import test_postgres
from tests.conformance.test_postgres import KNOWN, PASSWORD, USER
from tests.servers.postgres import Database, PostgreSQL

REST_ONLY = "it is for rest, and this is the other transport"


@pytest.mark.server
class TestSupabaseBySql(Conformance):
    """A database of its own for each subject, a copy of the one that is read."""

    family = "supabase"
    locks = True
    silent = True
    server: ClassVar[PostgreSQL]
    mute: ClassVar[int]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def serving(cls) -> Iterator[None]:
        cls.server = PostgreSQL.start()
        escaped = PASSWORD.replace("'", "''")
        cls.server.sql(f"CREATE USER {USER} SUPERUSER PASSWORD '{escaped}'")
        cls.server.sql(*KNOWN, database="template1")
        with socket.create_server(("127.0.0.1", 0), backlog=128) as mute:  # nobody accepts what the system takes
            cls.mute = mute.getsockname()[1]
            yield
        cls.server.stop()

    def subject(self, folder: Path) -> Subject:
        database = self.server.database()
        fields = database.fields(user=USER, password=PASSWORD)
        return Subject(
            family="supabase",
            root=folder,
            fields={f"pg_{name}": value for name, value in fields.items()} | {"schema": "source"},
            broken={
                "a wrong password": {"pg_password": "closed, please"},
                "nobody there": {"pg_port": 1},
                "no such host": {"pg_host": "no-such-host.invalid"},
                "no such database": {"pg_database": "no_such_database"},
                "a transport that nothing is given for": {"transport": "rest"},
            },
            silent={"pg_host": "127.0.0.1", "pg_port": self.mute},
            discovered=("empty", "known"),
            changes=changes(),
            reading=reading(database),
            writing=writing(database),
        )


def changes() -> dict[str, Any]:
    """Another value for each field of the connection."""
    late = "it shows only when an answer is late"
    return {
        "url": Change("http://127.0.0.1:1", unseen=REST_ONLY),
        "project_id": Change("abcdefghijklmnopqrst", unseen=REST_ONLY),
        "key": Change("sb_secret_0123456789", unseen=REST_ONLY),
        "rest_path": Change("/api", unseen=REST_ONLY),
        "ca_file": Change("no-such-file.pem", unseen=REST_ONLY),
        "requests_per_minute": Change(1, unseen=REST_ONLY),
        "transport": "rest",
        "dsn": "sslmode=verify-full",
        "pg_host": "127.0.0.2",
        "pg_port": 1,
        "pg_database": "no_such_database",
        "pg_user": "nobody",
        "pg_password": "closed, please",
        "sslmode": "verify-full",
        "sslrootcert": "no-such-file.pem",
        "schema": "other",
        "connect_timeout_s": Change(5, unseen=late),
        "read_timeout_s": Change(60, unseen=late),
        "statement_timeout_s": Change(60, unseen=late),
        "lock_timeout_s": Change(60, unseen=late),
    }


def reading(database: Database) -> Reading:
    own = {
        "rpc": Change("totals", remove=("table",)),
        "arguments": {"year": 2026},
        "filters": [{"column": "id", "op": "eq", "value": 1}],
        "primary_key": Change("code", unseen=REST_ONLY),
        "paging": Change("offset", unseen=REST_ONLY),
        "page_rows": Change(10, unseen=REST_ONLY),
    }

    def spoil() -> None:
        columns = "id, name, code, flag, day + 0 * (1 / (id - 1400)) AS day, word, price, tags"
        database.sql(
            "ALTER TABLE source.known RENAME TO known_rows",
            f"CREATE VIEW source.known AS SELECT {columns} FROM source.known_rows",
        )

    made = test_postgres.reading()
    return replace(made, component="supabase.extractor", spoil=spoil, changes={**made.changes, **own})


def writing(database: Database) -> Writing:
    made = test_postgres.writing(database)
    own = {"batch_rows": Change(10, unseen=REST_ONLY)}
    return replace(made, component="supabase.writer", changes={**made.changes, **own})
