"""`Trial`: `osiris run` of a pipeline into PostgreSQL, in processes that can be killed, and what it leaves there."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from osiris import Project
from osiris.runs import Report, find
from tests.servers.postgres import PASSWORD, Database

LIMIT_S = 120.0
MODES: dict[str, dict[str, Any]] = {
    "append": {},
    "replace": {"write_mode": "replace"},
    "upsert": {"write_mode": "upsert", "primary_key": "id"},
    "made": {},
    "two writers": {"write_mode": "upsert", "primary_key": "id"},
}
"""`made`: append to a table that is not there. `two writers`: another step appends the same rows to the table u."""
DTYPES = {"place": "int64", "id": "int64", "word": "string", "amount": "decimal(12,2)", "address": "string"}
LEDGER = {"_osiris_commits", "_osiris_state"}
Tables = dict[str, list[tuple[Any, ...]]]


@dataclass(slots=True)
class Trial:
    """A project in `root` with a pipeline from a CSV file into `t` of `database`.

    `fields` are those of the connection that differ; `old` and `new` are the tables before a run and after a clean one.
    """

    database: Database
    root: Path
    mode: str
    fields: dict[str, Any] = field(default_factory=dict)
    rows: int = 2000
    old: Tables = field(default_factory=dict)
    new: Tables = field(default_factory=dict)

    def prepare(self) -> None:
        """Write the project and the source, and do the clean run."""
        known = {**self.database.fields(), **self.fields, "password": "${POSTGRES_PASSWORD}"}
        connections = {"version": 1, "connections": {"postgres": {"target": known}}}
        (self.root / "osiris_connections.yaml").write_text(json.dumps(connections))
        with (self.root / "source.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(DTYPES)
            for n in range(1, self.rows + 1):
                word = f'slovo "{n}", ř{"." * 200}' if n % 7 else ""
                rows.writerow((n, n % (self.rows * 3 // 4), word, f"{n / 8:.2f}", f"10.0.{n // 256}.{n % 256}"))
        reading = {"path": "source.csv", "dtypes": DTYPES}
        steps = [{"id": "r", "component": "filesystem.csv_extractor", "config": reading}]
        steps.append(self._writer("w", "t", **MODES[self.mode]))
        if self.mode == "two writers":
            steps.append(self._writer("x", "u"))
        (self.root / "p.yaml").write_text(json.dumps({"oml_version": "0.1.0", "name": "trial", "steps": steps}))
        self.reset()
        self.old = self.look()
        self.run()
        self.new = self.look()
        assert self.new.keys() == ({"t", "u"} if self.mode == "two writers" else {"t"})
        assert self.new != self.old

    def reset(self) -> None:
        """As it was before any run, but for the tables of the ledger, which are there and empty."""
        for table in self.tables():
            self.database.sql(f"{'TRUNCATE' if table in LEDGER else 'DROP TABLE'} {table}")
        if self.mode != "made":
            self.database.sql(
                "CREATE TABLE t (place bigint, id bigint, word text, amount numeric(12,2), address inet)",
                "ALTER TABLE t ADD UNIQUE (id)" if MODES[self.mode].get("primary_key") else "",
                "INSERT INTO t SELECT -n, -n % 200, 'old', 0, NULL FROM generate_series(1, 100) AS n",
            )
        shutil.rmtree(self.root / "run_logs", ignore_errors=True)

    def run(self) -> Report:
        """Of the pipeline, in this process."""
        report = Project(self.root, environ={"POSTGRES_PASSWORD": PASSWORD}).run(self.root / "p.yaml")
        assert report.status == "success", report.to_json()
        return report

    def start(self) -> subprocess.Popen[str]:
        environ = {**os.environ, "POSTGRES_PASSWORD": PASSWORD}
        command = [sys.executable, "-m", "osiris", "run", "p.yaml", "--json"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.root, env=environ, stdout=pipe, stderr=pipe, text=True)

    def plan(self, process: subprocess.Popen[str]) -> None:
        """Wait until the ledger of its run says that the write is planned, or until it has ended."""
        ends_at = time.monotonic() + LIMIT_S
        while process.poll() is None:
            if any('"planned"' in path.read_text() for path in self.root.glob("run_logs/*/*/*/ledger.jsonl")):
                return
            assert time.monotonic() < ends_at, "nothing was planned"
            time.sleep(0.005)

    def kill(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=LIMIT_S)
        assert process.returncode == -signal.SIGKILL

    def tables(self) -> set[str]:
        return {name for (name,) in self.database.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}

    def look(self, setting: str = "") -> Tables:
        """All rows of the targets, by one statement for each."""
        found = self.tables() & {"t", "u"}
        return {name: self.database.sql(setting, f"SELECT * FROM {name} ORDER BY 1, 2, 3") for name in sorted(found)}

    def is_whole(self) -> None:
        """Each target has all rows of the run or none, or shows nothing: a dead session may still have it locked."""
        try:
            seen = self.look("SET lock_timeout = '100ms'")
        except psycopg.errors.LockNotAvailable:
            return
        wrong = [name for name in ("t", "u") if seen.get(name) not in (self.old.get(name), self.new.get(name))]
        assert wrong == [], "a target is half-written"

    def is_over(self) -> bool:
        """Another run would be a new one: it has nothing of the last one to finish."""
        runs = sorted(find(self.root), key=lambda run: run.path.name)
        return bool(runs) and runs[-1].state().finished == "success"

    def is_one_clean_run(self) -> None:
        """No staging, each writer's commit noted once, no scratch, and every ledger is finished."""
        assert self.look() == self.new, "the targets are not what one clean run leaves"
        assert self.tables() == LEDGER | self.new.keys()
        writers = len(self.new)
        assert self.database.sql("SELECT count(*), count(DISTINCT token) FROM _osiris_commits") == [(writers, writers)]
        assert list((self.root / ".osiris").glob("scratch/*")) == []
        assert [run.path for run in find(self.root) if run.state().finished is None] == []

    def _writer(self, name: str, table: str, **options: Any) -> dict[str, Any]:
        config = {"connection": "@postgres.target", "table": table, **options}
        return {"id": name, "component": "postgres.writer", "config": config, "needs": ["r"]}
