"""`Trial`: `osiris run` of a pipeline into a MySQL table, in processes that can be killed, and what it leaves there."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pymysql
from pymysql.constants import ER

from osiris import Project
from osiris.runs import FlowState, Report, RunFolder, find
from osiris.testing.faults import Fault, FaultProxy
from tests.connectors.patience import until
from tests.servers.mariadb import PASSWORD, Database

Where = Literal["before begin", "while writing", "in the commit", "after the commit", "when all was done"]
"""How far a run had come by its ledger: planned, decided, committed, finished."""
WORDS_BYTES = 4_000_000
"""Of all rows: a write takes several statements."""
LIMIT_S = 120.0
MODES: dict[str, dict[str, Any]] = {
    "append": {},
    "replace": {"write_mode": "replace"},
    "upsert": {"write_mode": "upsert", "primary_key": "id"},
    "made": {},
}
"""`made`: append to a table that is not there."""
COLUMNS = "place, id, word, amount"
DTYPES = {"place": "int64", "id": "int64", "word": "string", "amount": "decimal(12,2)"}
SOURCE = """
CREATE TABLE source (place INT PRIMARY KEY) SELECT seq AS place, seq % {keys} AS id,
    IF(seq % 7, CONCAT('slovo "', seq, '", ř', REPEAT('.', {size})), NULL) AS word,
    CAST(seq / 7 AS DECIMAL(12,2)) AS amount FROM seq_1_to_{rows}
"""
TARGET = """
CREATE TABLE t (place BIGINT, id BIGINT, word VARCHAR(9000) DEFAULT '-', amount DECIMAL(12,2), KEY by_id (id))
    COMMENT 'what was there' SELECT -seq AS place, seq * 7 AS id, 'old' AS word, 0 AS amount FROM seq_1_to_500
"""


@dataclass(slots=True)
class Trial:
    """A project in `root` with a pipeline from a table or a CSV file into `t` of `database`.

    `fields` are those of the target's connection that differ, `more` is SQL that makes further tables; `old` and `new`
    are digests of the target before a run and after a clean one.
    """

    database: Database
    root: Path
    mode: str
    reader: str = "mysql"
    rows: int = 20_000
    fields: dict[str, Any] = field(default_factory=dict)
    more: tuple[str, ...] = ()
    old: str | None = None
    new: str | None = None

    def prepare(self, *steps: dict[str, Any]) -> None:
        """Write the project and the source, and do the clean run. `steps` are others than from the source into `t`."""
        source = SOURCE.format(rows=self.rows, keys=self.rows * 3 // 4, size=WORDS_BYTES // self.rows)
        self.database.sql(source)
        shop = {**self.database.fields(), "password": "${MYSQL_PASSWORD}"}
        known = {"mysql": {"shop": shop, "target": {**shop, **self.fields}}}
        (self.root / "osiris_connections.yaml").write_text(json.dumps({"version": 1, "connections": known}))
        reading: dict[str, Any] = {"connection": "@mysql.shop", "table": "source"}
        if self.reader == "csv":
            with (self.root / "source.csv").open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(COLUMNS.split(", "))
                rows.writerows(self.database.sql(f"SELECT {COLUMNS} FROM source ORDER BY place"))
            reading = {"path": "source.csv", "dtypes": DTYPES}
        kind = "filesystem.csv_extractor" if self.reader == "csv" else "mysql.extractor"
        writing = {"connection": "@mysql.target", "table": "t", **MODES[self.mode]}
        given = steps or (
            {"id": "r", "component": kind, "config": reading},
            {"id": "w", "component": "mysql.writer", "config": writing},
        )
        document = {"oml_version": "0.1.0", "name": "trial", "steps": given}
        (self.root / "p.yaml").write_text(json.dumps(document))
        self.reset()
        self.old = self.look()
        self.run()
        self.new = self.look()
        assert self.new not in (None, self.old)

    def reset(self) -> None:
        """As it was before any run."""
        for table in self.tables() - {"source"}:
            self.database.sql(f"DROP TABLE {table}")
        if self.mode != "made":
            self.database.sql(TARGET, *self.more)
        shutil.rmtree(self.root / "run_logs", ignore_errors=True)

    def run(self, status: str = "success") -> Report:
        """Of the pipeline, in this process."""
        report = Project(self.root, environ={"MYSQL_PASSWORD": PASSWORD}).run(self.root / "p.yaml")
        assert report.status == status, report.to_json()
        return report

    def start(self) -> subprocess.Popen[str]:
        environ = {**os.environ, "MYSQL_PASSWORD": PASSWORD}
        command = [sys.executable, "-m", "osiris", "run", "p.yaml", "--json"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.root, env=environ, stdout=pipe, stderr=pipe, text=True)

    def stall(self, proxy: FaultProxy, at: bytes, lose_answer: bool) -> subprocess.Popen[str]:
        """Reset, and start a run that waits in vain for the server: `at` does not reach it, or is not answered."""
        self.reset()
        before = proxy.hits["stall"]
        proxy.mend(Fault("stall", "to_server", at=at, lose_answer=lose_answer))
        process = self.start()
        until(lambda: proxy.hits["stall"] > before or process.poll() is not None)
        return process

    def end(self, process: subprocess.Popen[str], status: str = "success") -> dict[str, Any]:
        """Wait for its end; the document that it printed."""
        out, problems = process.communicate(timeout=LIMIT_S)
        found: dict[str, Any] = json.loads(out or "{}")
        assert found.get("status") == status, (out, problems)
        return found

    def kill(self, process: subprocess.Popen[str]) -> Where | None:
        """Kill it. Returns how far it had come, None when it had ended already."""
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=LIMIT_S)
        return self.where() if process.returncode == -signal.SIGKILL else None

    def reach(self, process: subprocess.Popen[str], entry: str) -> None:
        """Wait until the ledger of its run has an entry, or until it has ended."""
        ends_at = time.monotonic() + LIMIT_S
        while process.poll() is None and not any(f'"{entry}"' in text for text in self._ledgers()):
            assert time.monotonic() < ends_at, f"nothing was {entry}"
            time.sleep(0.002)

    def where(self) -> Where:
        """How far the last run has come."""
        state = self.runs()[-1].state() if self.runs() else None
        flow = next(iter(state.flows.values()), FlowState()) if state else FlowState()
        if state and state.finished == "success":
            return "when all was done"
        if flow.committed or flow.done:
            return "after the commit"
        if flow.decided is not None:
            return "in the commit"
        return "while writing" if flow.planned else "before begin"

    def runs(self) -> list[RunFolder]:
        return sorted(find(self.root), key=lambda run: run.path.name)

    def tables(self) -> set[str]:
        return {name for (name,) in self.database.sql("SHOW TABLES")}

    def look(self, table: str = "t") -> str | None:
        """A digest of all rows of the target, and of its columns and indexes; None when it is not there."""
        try:  # SHOW TABLES does not show what a RENAME at work has under neither name
            ((_, shape),) = self.database.sql(f"SHOW CREATE TABLE {table}")
        except pymysql.err.ProgrammingError as error:
            if error.args[0] == ER.NO_SUCH_TABLE:
                return None
            raise
        digest = hashlib.sha256(shape.encode())
        for row in self.database.sql(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4"):
            digest.update(repr(row).encode())
        return digest.hexdigest()

    def is_whole(self) -> None:
        """The target has all rows of the run or none."""
        assert self.look() in (self.old, self.new), "the target is half-written"

    def is_one_clean_run(self) -> None:
        assert self.look() == self.new, "the target is not what one clean run leaves"
        self.nothing_is_left()

    def nothing_is_left(self, writers: int = 1, tables: frozenset[str] = frozenset({"t"})) -> None:
        """No staging, each writer's commit noted once, no scratch, and every ledger is finished."""
        assert self.tables() == {"source", "_osiris_commits", "_osiris_state", *tables}
        commits = self.database.sql("SELECT COUNT(*), COUNT(DISTINCT token), COUNT(pending) FROM _osiris_commits")
        assert commits == [(writers, writers, 0)]
        assert list((self.root / ".osiris").glob("scratch/*")) == []
        assert [run.path for run in self.runs() if run.state().finished is None] == []

    def _ledgers(self) -> list[str]:
        return [path.read_text() for path in self.root.glob("run_logs/*/*/*/ledger.jsonl")]
