"""`Sample`: that of bench/mysql, and its rows on a private PostgreSQL server too, and changes to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.lineitem import DTYPES
from bench.mysql import sample as mysql
from tests.servers.postgres import PASSWORD, USER, Database, PostgreSQL

TYPES = {"int32": "integer", "decimal(15,2)": "numeric(15,2)", "date": "date", "string": "text"}
KEY = "orderkey, linenumber"
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB", "autovacuum": "on"}
EXACT = {
    "int32": "{}::bigint",
    "decimal(15,2)": "trim_scale({}::numeric)",
    "date": "{}::timestamp",
    "string": "{}::text",
}
"""As what the server compares a column, however it arrived: a value that is off, or has lost digits, differs."""
CSV = "FORMAT csv, HEADER true"
CHANGED = "changed.csv"
CHANGES = """
SELECT {columns} FROM (
  SELECT {others}, CASE WHEN n % 2 = 0 THEN orderkey ELSE orderkey + 100000000 END AS orderkey,
    0.77::numeric(15,2) AS tax, 'changed' AS comment
  FROM (SELECT *, row_number() OVER (ORDER BY orderkey, linenumber) AS n FROM lineitem) AS numbered
  WHERE n % {step} IN (0, {step} - 1)) AS changed
"""
"""One of ten rows, of which half are new."""


@dataclass(frozen=True, slots=True)
class Sample:
    """There are the connections @mysql.plain and @postgres.plain, and changed.csv with a tenth of the rows, half of
    them new. The database has the tables lineitem and expected, which is lineitem with the changes; `target` is for
    who writes."""

    source: mysql.Sample
    server: PostgreSQL
    database: Database

    @classmethod
    def make(cls, folder: Path, rows: int) -> Sample:
        source = mysql.Sample.make(folder, rows)
        try:
            server = PostgreSQL.start(tls=False, **SETTINGS)
            sample = cls(source, server, server.database())
            sample._fill()
        except BaseException:
            source.server.stop()
            raise
        return sample

    @property
    def folder(self) -> Path:
        return self.source.folder

    @property
    def rows(self) -> int:
        return self.source.rows

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.server.port}/{self.database.name}"

    def stop(self) -> None:
        self.server.stop()
        self.source.server.stop()

    def is_in_table(self, table: str, like: str = "lineitem") -> bool:
        """Whether the table holds the rows of `like`, in any order; columns of other names do not count."""
        values = ", ".join(EXACT[dtype].format(name) for name, dtype in DTYPES.items())
        asked = "SELECT count(*), sum(hashtextextended(ROW({0})::text, 0)) FROM {1}"
        found, wanted = (self.database.sql(asked.format(values, name)) for name in (table, like))
        return bool(found == wanted)

    def _fill(self) -> None:
        path = self.folder / "osiris_connections.yaml"
        known = json.loads(path.read_text(encoding="utf-8"))
        known["connections"]["postgres"] = {"plain": self.database.fields(sslmode="disable")}
        path.write_text(json.dumps(known), encoding="utf-8")
        columns = ", ".join(f"{name} {TYPES[dtype]} NOT NULL" for name, dtype in DTYPES.items())
        others = ", ".join(name for name in DTYPES if name not in ("orderkey", "tax", "comment"))
        changes = CHANGES.format(columns=", ".join(DTYPES), others=others, step=20)
        self.database.sql(f"CREATE TABLE lineitem ({columns})")
        with self.database.connect() as connection, connection.cursor() as cursor:
            with cursor.copy(f"COPY lineitem FROM STDIN ({CSV})".encode()) as copy, self._file("lineitem.csv") as file:
                while piece := file.read(2**20):
                    copy.write(piece)
            with cursor.copy(f"COPY ({changes}) TO STDOUT ({CSV})".encode()) as copy, self._file(CHANGED, "wb") as out:
                out.writelines(copy)
        self.database.sql(
            f"CREATE TABLE changes AS {changes}",
            f"CREATE TABLE expected AS SELECT * FROM changes UNION ALL SELECT l.* FROM lineitem AS l "
            f"LEFT JOIN changes AS c USING ({KEY}) WHERE c.orderkey IS NULL",
            "VACUUM ANALYZE",
        )

    def _file(self, name: str, mode: str = "rb") -> IO[bytes]:
        return (self.folder / name).open(mode)
