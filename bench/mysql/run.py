"""Compares reading a MariaDB table into Arrow with connectorx doing it, and the memory of 10 M rows with 1 M."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the private server is that of the tests

from tests.servers.mariadb import PASSWORD, USER, MariaDB  # noqa: E402 - after the path is set

ROWS = 1_000_000
ROUNDS = 3
PEERS = ("connectorx==0.4.6", "pyarrow")
MAX_WALL = 0.95
MAX_CPU = 1.0
MAX_GROWTH = 1.2
MAX_PEAK_MB = 150
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
MEASURE = """
import json, resource, time
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
def tell(before, rows):
    after = used()
    print(json.dumps({"rows": rows, "wall": after[0] - before[0], "cpu": after[1] - before[1], "peak": after[2]}))
"""
OURS = (
    MEASURE
    + """
import sys, osiris.connectors.mysql.extractor
from osiris.project import Project
before = used()
with Project(sys.argv[1]).connect("@mysql.bench") as db:
    rows = sum(batch.num_rows for batch in db.read(**json.loads(sys.argv[2])))
tell(before, rows)
"""
)
THEIRS = (
    MEASURE
    + """
import sys, connectorx, pyarrow
before = used()
reader = connectorx.read_sql(sys.argv[1], "SELECT * FROM lineitem", return_type="arrow_stream", batch_size=65536)
tell(before, sum(batch.num_rows for batch in reader))
"""
)


def main() -> int:
    """Print the ratios; 1 when one is beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--peers", help="a virtual environment with the peers; a temporary one is made unless given")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        server = MariaDB.start(tls=False, innodb_buffer_pool_size="512M")
        try:
            database = server.database()
            database.sql(TABLE.format(rows=given.rows))
            (folder / "osiris_connections.yaml").write_text(
                json.dumps({"version": 1, "connections": {"mysql": {"bench": database.fields(ssl_mode="disabled")}}})
            )
            address = f"mysql://{USER}:{PASSWORD}@127.0.0.1:{server.port}/{database.name}"
            fine = compare(folder, Path(given.peers) if given.peers else peers(folder), address, given.rows)
            fine &= weigh(folder, given.rows)
        finally:
            server.stop()
    return int(not fine)


def peers(folder: Path) -> Path:
    """What we are compared with is no dependency of ours: it is installed into a folder that goes away again."""
    print(f"installing {', '.join(PEERS)} into a temporary virtual environment", flush=True)
    venv.create(folder / "peers", with_pip=True)
    subprocess.run([folder / "peers/bin/python", "-m", "pip", "install", "-qq", *PEERS], check=True)
    return folder / "peers"


def compare(folder: Path, environment: Path, address: str, rows: int) -> bool:
    """Both in turns, each in a process of its own, imports left out; medians, so that a busy moment hits neither."""
    theirs, ours = [], []
    for _ in range(ROUNDS):
        theirs.append(measured(environment / "bin/python", THEIRS, address))
        ours.append(measured(Path(sys.executable), OURS, str(folder), json.dumps({"table": "lineitem"})))
    assert {found["rows"] for found in theirs + ours} == {rows}
    fine = True
    for what, limit in (("wall", MAX_WALL), ("cpu", MAX_CPU)):
        theirs_s, ours_s = (statistics.median(found[what] for found in them) for them in (theirs, ours))
        ratio = ours_s / theirs_s
        fine &= ratio <= limit
        print(
            f"to Arrow, {rows:,} rows x 16, {what}: connectorx {theirs_s:.2f} s, osiris {ours_s:.2f} s, "
            f"x {ratio:.2f}, limit {limit} {'ok' if ratio <= limit else 'OVER'}"
        )
    return fine


def weigh(folder: Path, rows: int) -> bool:
    """Peak memory of a process that reads the table, and of one that reads it ten times over."""
    peaks_mb = []
    for times in (1, 10):
        query = f"SELECT l.* FROM lineitem AS l CROSS JOIN seq_1_to_{times} AS s"
        found = measured(Path(sys.executable), OURS, str(folder), json.dumps({"query": query}))
        assert found["rows"] == rows * times, found
        peaks_mb.append(found["peak"])
    ratio = peaks_mb[1] / peaks_mb[0]
    fine = ratio <= MAX_GROWTH and peaks_mb[1] <= MAX_PEAK_MB
    print(
        f"memory: {peaks_mb[0]:.0f} MB for {rows:,} rows, {peaks_mb[1]:.0f} MB for ten times as many: x {ratio:.2f}, "
        f"limits {MAX_GROWTH} and {MAX_PEAK_MB} MB {'ok' if fine else 'OVER'}"
    )
    return bool(fine)


def measured(python: Path, code: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run([python, "-c", code, *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.exit(main())
