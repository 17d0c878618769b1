"""The conformance kit over mysql, with a private MariaDB: the faults come through the proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pymysql
import pytest
from pymysql.constants import ER
from pymysql.converters import escape_string

from osiris.testing.connector import Change, Conformance, Reading, Subject, Writing
from tests.servers.mariadb import Database, MariaDB

COUNT = 1500
"""Of over 4 kB each: more than the reader takes at once, so that a fault in the middle is in the middle."""
USER, PASSWORD = "kit", "ca/nary+{}%'\"\\ žluť"
COLUMNS = (
    "id INT PRIMARY KEY, name TEXT, code INT NOT NULL UNIQUE, flag TINYINT(1), day DATE, word VARCHAR(10) NOT NULL"
)
ROWS_SQL = (
    "SELECT seq, IF(seq, REPEAT(CHAR(97 + seq MOD 26), 4200), NULL), "
    f"{COUNT} - seq, seq MOD 2, DATE '2026-01-01' + INTERVAL seq DAY, '🐘' FROM seq_0_to_{COUNT - 1}"
)
KNOWN = (
    "CREATE DATABASE source",
    f"CREATE TABLE source.empty ({COLUMNS})",
    f"CREATE TABLE source.known ({COLUMNS})",
    f"INSERT INTO source.known {ROWS_SQL}",
    f"CREATE USER {USER} IDENTIFIED BY '{escape_string(PASSWORD)}'",
    f"GRANT ALL ON *.* TO {USER}",
)
ROWS = pa.table(
    {
        "id": pa.array(range(COUNT), pa.int32()),
        "name": pa.array([chr(97 + n % 26) * 4200 if n else None for n in range(COUNT)]),
        "code": pa.array([COUNT - n for n in range(COUNT)], pa.int32()),
        "flag": pa.array([n % 2 for n in range(COUNT)], pa.int8()),
        "day": pa.array([date.fromordinal(date(2026, 1, 1).toordinal() + n) for n in range(COUNT)], pa.date32()),
        "word": pa.array(["🐘"] * COUNT),
    }
)


@pytest.mark.server
class TestMysql(Conformance):
    """A database of its own for each subject; what is read is in one that they share."""

    family = "mysql"
    locks = True
    server: ClassVar[MariaDB]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def serving(cls) -> Iterator[None]:
        cls.server = MariaDB.start()
        cls.server.sql(*KNOWN, database="mysql")
        yield
        cls.server.stop()

    def subject(self, folder: Path) -> Subject:
        database = self.server.database()
        database.sql("CREATE TABLE orders (id INT)", "CREATE TABLE people (id INT)")
        fields = database.fields(user=USER, password=PASSWORD)
        return Subject(
            family="mysql",
            root=folder,
            fields=fields,
            broken={
                "a wrong password": {"password": "closed, please"},
                "nobody there": {"port": 1},
                "no such host": {"host": "no-such-host.invalid"},
                "no such database": {"database": "no_such_database"},
                "a stranger's certificate": {"ssl_mode": "verify_ca"},
            },
            discovered=("orders", "people"),
            changes=self.changes(),
            reading=reading(),
            writing=writing(database),
        )

    def changes(self) -> dict[str, Any]:
        """Another value for each field of the connection."""
        late = "it shows only when an answer is late"
        return {
            "host": "127.0.0.2",
            "port": 1,
            "unix_socket": "/no/such/socket",
            "database": "no_such_database",
            "user": "nobody",
            "password": "closed, please",
            "ssl_mode": "verify_identity",
            "ssl_ca": Change(self.server.ca, {"ssl_mode": "verify_ca"}),
            "ssl_cert": "no-such-file.pem",
            "ssl_key": "no-such-file.pem",
            "charset": "utf8",
            "connect_timeout_s": Change(5, unseen=late),
            "read_timeout_s": Change(60, unseen=late),
            "write_timeout_s": Change(60, unseen=late),
            "init_sql": "SET time_zone = 'nowhere'",
            "local_infile": Change(True, unseen="it is another road for the same rows"),
        }


def reading() -> Reading:
    keyset = {"read_mode": "keyset"}
    return Reading(
        component="mysql.extractor",
        options={"table": "source.known", "batch_rows": 500},
        rows=ROWS,
        empty={"table": "source.empty"},
        missing={"table": "source.missing"},
        several=keyset,
        changes={
            "table": "source.empty",
            "schema": "mysql",
            "query": Change("SELECT 1 AS n", remove=("table",)),
            "columns": ["id"],
            "where": "id < 5",
            "order_by": ["id desc"],
            "offset": COUNT - 1,
            "read_mode": "keyset",
            "split_by": Change(["code"], keyset),
            "splits": Change(1, keyset),
            "page_rows": Change(100, keyset),
            "batch_rows": 100,
            "tinyint1_as_bool": True,
            "zero_dates": "string",
        },
    )


def writing(database: Database) -> Writing:
    def tables() -> set[str]:
        return {name for (name,) in database.sql("SHOW TABLES") if name not in ("_osiris_commits", "_osiris_state")}

    def shape() -> list[tuple[Any, ...]] | None:
        try:  # by its name: SHOW TABLES does not show what a RENAME at work has under neither name
            return database.sql("SHOW CREATE TABLE target")
        except pymysql.err.ProgrammingError as error:
            if error.args[0] == ER.NO_SUCH_TABLE:
                return None
            raise

    def look() -> pa.Table | None:
        if shape() is None:
            return None
        names = [row[0] for row in database.sql("DESCRIBE target")]
        rows = database.sql("SELECT * FROM target")
        columns = [pa.array([row[place] for row in rows]) for place in range(len(names))]
        return pa.Table.from_arrays(columns, names=names)

    @contextmanager
    def held() -> Iterator[Callable[[], object]]:
        sql = f"SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = '{database.name}' AND COMMAND = 'Query'"
        with database.server.connect(database.name) as other, other.cursor() as cursor:
            other.begin()
            cursor.execute("SELECT * FROM target FOR UPDATE")
            yield lambda: database.sql(f"{sql} AND ID <> CONNECTION_ID() AND TIME_MS > 100")

    return Writing(
        component="mysql.writer",
        options={"table": "target"},
        look=look,
        traces=tables,
        observe=shape,
        held=held,
        changes={
            "charset": Change("utf8", unseen="the kit's rows have no character beyond it"),
            "table": "other",
            "schema": "source",
            "primary_key": "id",
            "create_if_missing": False,
            "on_schema_change": "add_columns",
        },
    )
