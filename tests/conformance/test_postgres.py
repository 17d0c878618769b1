"""The conformance kit over postgres, with a private PostgreSQL: the faults come through the proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from osiris.testing.connector import Change, Conformance, Reading, Subject, Writing
from tests.servers.postgres import Database, PostgreSQL

COUNT = 1500
"""Of over 4 kB each: more than the reader takes at once, so that a fault in the middle is in the middle."""
USER, PASSWORD = "kit", "ca/nary+{}%'\"\\ žluť"
COLUMNS = (
    "id INT PRIMARY KEY, name TEXT, code INT NOT NULL UNIQUE, flag BOOLEAN, day DATE, word VARCHAR(10) NOT NULL, "
    "price NUMERIC, tags INT[]"
)
ROWS_SQL = (
    "SELECT g, CASE WHEN g > 0 THEN repeat(chr(97 + g % 26), 4200) END, "
    f"{COUNT} - g, g % 2 = 1, DATE '2026-01-01' + g, '🐘', round(g / 4.0, 2), ARRAY[g, g + 1] "
    f"FROM generate_series(0, {COUNT - 1}) AS g"
)
KNOWN = (
    "CREATE SCHEMA source",
    "CREATE SCHEMA other",
    f"CREATE TABLE source.empty ({COLUMNS})",
    f"CREATE TABLE source.known ({COLUMNS})",
    f"INSERT INTO source.known {ROWS_SQL}",
    f"CREATE TABLE other.known ({COLUMNS})",
)
ROWS = pa.table(
    {
        "id": pa.array(range(COUNT), pa.int32()),
        "name": pa.array([chr(97 + n % 26) * 4200 if n else None for n in range(COUNT)]),
        "code": pa.array([COUNT - n for n in range(COUNT)], pa.int32()),
        "flag": pa.array([n % 2 == 1 for n in range(COUNT)]),
        "day": pa.array([date.fromordinal(date(2026, 1, 1).toordinal() + n) for n in range(COUNT)], pa.date32()),
        "word": pa.array(["🐘"] * COUNT),
        "price": pa.array([f"{n / 4:.2f}" for n in range(COUNT)]),
        "tags": pa.array([f"{{{n},{n + 1}}}" for n in range(COUNT)]),
    }
)


@pytest.mark.server
class TestPostgres(Conformance):
    """A database of its own for each subject, a copy of the one that is read."""

    family = "postgres"
    locks = True
    server: ClassVar[PostgreSQL]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def serving(cls) -> Iterator[None]:
        cls.server = PostgreSQL.start()
        escaped = PASSWORD.replace("'", "''")
        cls.server.sql(f"CREATE USER {USER} SUPERUSER PASSWORD '{escaped}'")
        cls.server.sql(*KNOWN, database="template1")
        yield
        cls.server.stop()

    def subject(self, folder: Path) -> Subject:
        database = self.server.database()
        return Subject(
            family="postgres",
            root=folder,
            fields=database.fields(user=USER, password=PASSWORD, schema="source"),
            broken={
                "a wrong password": {"password": "closed, please"},
                "nobody there": {"port": 1},
                "no such host": {"host": "no-such-host.invalid"},
                "no such database": {"database": "no_such_database"},
                "a stranger's certificate": {"sslmode": "verify-full", "sslrootcert": "system"},
            },
            discovered=("empty", "known"),
            changes=self.changes(),
            reading=reading(),
            writing=writing(database),
        )

    def changes(self) -> dict[str, Any]:
        """Another value for each field of the connection."""
        late = "it shows only when an answer is late"
        return {
            "dsn": "sslmode=verify-full",
            "host": "127.0.0.2",
            "port": 1,
            "database": "no_such_database",
            "user": "nobody",
            "password": "closed, please",
            "sslmode": "verify-full",
            "sslrootcert": Change("no-such-file.pem"),
            "sslcert": "no-such-file.pem",
            "sslkey": "no-such-file.pem",
            "application_name": Change("mine", unseen="only the server's own list shows it"),
            "connect_timeout_s": Change(5, unseen=late),
            "read_timeout_s": Change(60, unseen=late),
            "statement_timeout_s": Change(60, unseen=late),
            "lock_timeout_s": Change(60, unseen=late),
            "schema": "other",
        }


def reading() -> Reading:
    several = {"split_by": "id"}
    return Reading(
        component="postgres.extractor",
        options={"table": "known", "batch_rows": 500},
        rows=ROWS,
        empty={"table": "empty"},
        missing={"table": "missing"},
        several=several,
        changes={
            "table": "empty",
            "query": Change("SELECT 1 AS n", remove=("table",)),
            "columns": ["id"],
            "where": "id < 5",
            "order_by": ["id desc"],
            "limit": 5,
            "offset": COUNT - 1,
            "split_by": Change("code", several),
            "splits": Change(1, several),
            "batch_rows": 100,
            "dtypes": {"price": "decimal(30,20)"},
            "arrays": "list",
            "special_values": "string",
        },
    )


def writing(database: Database) -> Writing:
    def tables() -> set[str]:
        found = database.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'source'")
        return {name for (name,) in found if name not in ("_osiris_commits", "_osiris_state")}

    def look() -> pa.Table | None:
        if "target" not in tables():
            return None
        with database.connect() as connection, connection.execute("SELECT * FROM source.target") as cursor:
            names = [column.name for column in cursor.description or ()]
            rows = list(cursor)
        columns = [pa.array([row[place] for row in rows]) for place in range(len(names))]
        return pa.Table.from_arrays(columns, names=names)

    @contextmanager
    def held() -> Iterator[Callable[[], object]]:
        with database.connect() as other, other.transaction():
            other.execute("LOCK TABLE source.target IN SHARE MODE")
            yield lambda: database.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    return Writing(
        component="postgres.writer",
        options={"table": "target"},
        look=look,
        traces=tables,
        held=held,
        observe=lambda: database.sql("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2"),
        changes={
            "table": "other",
            "primary_key": "id",
            "create_if_missing": False,
            "on_schema_change": "add_columns",
        },
    )
