"""`Sample`: a lineitem table on a private server, the same as a CSV file, and whether rows elsewhere are the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.lineitem import DTYPES, digest, read_csv, same
from tests.servers.mariadb import PASSWORD, USER, Database, MariaDB

TABLE = """
CREATE TABLE lineitem (orderkey INT NOT NULL, partkey INT NOT NULL, suppkey INT NOT NULL, linenumber INT NOT NULL,
  quantity DECIMAL(15,2) NOT NULL, extendedprice DECIMAL(15,2) NOT NULL, discount DECIMAL(15,2) NOT NULL,
  tax DECIMAL(15,2) NOT NULL, returnflag CHAR(1) NOT NULL, linestatus CHAR(1) NOT NULL, shipdate DATE NOT NULL,
  commitdate DATE NOT NULL, receiptdate DATE NOT NULL, shipinstruct CHAR(25) NOT NULL, shipmode CHAR(10) NOT NULL,
  comment VARCHAR(44) NOT NULL) CHARACTER SET utf8mb4
SELECT seq DIV 4 AS orderkey, seq * 7 % 200000 AS partkey, seq * 3 % 10000 AS suppkey, seq % 7 AS linenumber,
  seq % 50 AS quantity, (seq * 37 % 10000000) / 100 AS extendedprice, seq % 11 / 100 AS discount, seq % 9 / 100 AS tax,
  ELT(1 + seq % 3, 'A', 'N', 'R') AS returnflag, ELT(1 + seq % 2, 'O', 'F') AS linestatus,
  DATE '1992-01-02' + INTERVAL seq % 2500 DAY AS shipdate, DATE '1992-01-02' + INTERVAL seq % 2400 DAY AS commitdate,
  DATE '1992-01-02' + INTERVAL seq % 2300 DAY AS receiptdate,
  ELT(1 + seq % 4, 'DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN') AS shipinstruct,
  ELT(1 + seq % 7, 'REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB') AS shipmode,
  SUBSTR('furiously regular deposits among the final packages sleep quickly above the theodolites', 1 + seq % 40,
    10 + seq % 34) AS comment
FROM seq_1_to_{rows}
"""


@dataclass(slots=True)
class Sample:
    """In `folder`, which is a project with the connections @mysql.plain and @mysql.local, there is lineitem.csv too."""

    folder: Path
    rows: int
    server: MariaDB
    database: Database
    _digest: Any = None

    @classmethod
    def make(cls, folder: Path, rows: int) -> Sample:
        server = MariaDB.start(tls=False, innodb_buffer_pool_size="512M", innodb_log_file_size="512M")
        try:
            sample = cls(folder, rows, server, server.database())
            sample._fill()
        except BaseException:
            server.stop()
            raise
        return sample

    @property
    def url(self) -> str:
        return f"mysql://{USER}:{PASSWORD}@127.0.0.1:{self.server.port}/{self.database.name}"

    def is_in(self, pattern: str) -> bool:
        """Whether the files hold the rows of the table, in any order."""
        return same(self.folder, pattern, self._digest)

    def is_in_table(self, table: str) -> bool:
        """As `is_in`, compared by the server itself."""
        row = f"CRC32(CONCAT_WS('|', {', '.join(DTYPES)}))"
        ours, its = (
            self.database.sql(f"SELECT COUNT(*), SUM({row}), BIT_XOR({row}) FROM {name}")
            for name in ("lineitem", table)
        )
        return bool(ours == its)

    def _fill(self) -> None:
        fields = self.database.fields(ssl_mode="disabled")
        connections = {"plain": fields, "local": {**fields, "local_infile": True}}
        text = json.dumps({"version": 1, "connections": {"mysql": connections}})
        (self.folder / "osiris_connections.yaml").write_text(text, encoding="utf-8")
        body = self.folder / "body.csv"
        self.database.sql(
            TABLE.format(rows=self.rows),
            "CREATE TABLE target LIKE lineitem",
            f"SELECT {', '.join(DTYPES)} FROM lineitem INTO OUTFILE '{body}' "
            "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''",
        )
        with (self.folder / "lineitem.csv").open("wb") as file, body.open("rb") as rows:
            file.write(f"{','.join(DTYPES)}\n".encode())
            file.writelines(rows)
        body.unlink()
        self._digest = digest(self.folder, read_csv("lineitem.csv"))
