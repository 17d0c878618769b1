"""The conformance kit over duckdb: extractor, writer and processor."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from osiris.connectors.duckdb import sandbox
from osiris.testing.connector import Change, Conformance, Processing, Reading, Subject, Writing

COUNT = 2100
"""Over 2,048 rows of over 4 kB, so that they come in two batches."""
KNOWN = f"""
CREATE TABLE known AS
    SELECT range AS id, CASE WHEN range > 0 THEN repeat(chr(97 + (range % 26)::INT), 4200) END AS name,
    CASE WHEN range > 0 THEN (range * 1.25)::DECIMAL(18, 4) END AS amount FROM range({COUNT});
CREATE TABLE empty AS FROM known LIMIT 0;
CREATE SCHEMA sales;
CREATE TABLE sales.known AS SELECT 1 AS other;
"""
SPOILT = f"""
ALTER TABLE known RENAME TO sound;
CREATE VIEW known AS
    SELECT id, CASE WHEN id = {COUNT - 1} THEN error('spoilt') ELSE name END AS name, amount FROM sound;
"""
ROWS = pa.table(
    {
        "id": pa.array(range(COUNT), pa.int64()),
        "name": pa.array([chr(97 + n % 26) * 4200 if n else None for n in range(COUNT)]),
        "amount": pa.array([Decimal(n * 125) / 100 if n else None for n in range(COUNT)], pa.decimal128(18, 4)),
    }
)


class TestDuckdb(Conformance):
    """One file with tables in two schemas."""

    family = "duckdb"

    def subject(self, folder: Path) -> Subject:
        path = folder / "x.duckdb"
        shutil.copy(known(), path)
        (folder / "text.txt").write_text("no database\n" * 100, encoding="utf-8")
        return Subject(
            family="duckdb",
            root=folder,
            fields={"path": "x.duckdb"},
            broken={"no folder": {"path": "nowhere/x.duckdb"}, "another file": {"path": "text.txt"}},
            discovered=("empty",),
            changes={"path": "other.duckdb", "read_only": True},
            reading=reading(path),
            writing=writing(path),
            processing=processing(),
        )


@functools.cache
def known() -> Path:
    """The database with what is read, made once."""
    folder = Path(tempfile.mkdtemp(prefix="osiris-kit-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    run(folder / "known.duckdb", KNOWN)
    return folder / "known.duckdb"


def run(path: Path, sql: str) -> None:
    with duckdb.connect(str(path), config=sandbox.SETTINGS) as con:
        con.execute(sql)


def reading(path: Path) -> Reading:
    return Reading(
        component="duckdb.extractor",
        options={"table": "known"},
        rows=ROWS,
        empty={"table": "empty"},
        missing={"table": "missing"},
        spoil=lambda: run(path, SPOILT),
        changes={
            "table": "empty",
            "schema": "sales",
            "query": Change("SELECT 1 AS n", remove=("table",)),
            "columns": ["id"],
            "where": "id < 5",
            "order_by": ["id desc"],
            "offset": 2099,
        },
    )


def writing(path: Path) -> Writing:
    def tables() -> set[tuple[str, str]]:
        if not path.exists():
            return set()
        with duckdb.connect(str(path), config=sandbox.SETTINGS) as con:
            return set(con.sql("SELECT schema_name, table_name FROM duckdb_tables()").fetchall())

    def look() -> pa.Table | None:
        if ("main", "target") not in tables():
            return None
        with duckdb.connect(str(path), config=sandbox.SETTINGS) as con:
            return con.sql("FROM main.target").to_arrow_table()

    def traces() -> set[str]:
        kept = ("_osiris_commits", "_osiris_state")
        found = {f"{schema}.{table}" for schema, table in tables() if table not in kept}
        return found | {entry.name for entry in path.parent.iterdir() if not entry.name.endswith(".wal")}

    return Writing(
        component="duckdb.writer",
        options={"table": "target"},
        look=look,
        traces=traces,
        changes={
            "table": "other",
            "schema": "sales",
            "primary_key": Change(["name"], {"write_mode": "upsert", "primary_key": ["id"]}),
            "create_if_missing": False,
            "on_schema_change": "add_columns",
        },
    )


def processing() -> Processing:
    numbers = pa.table({"id": pa.array(range(10), pa.int64()), "word": [f"w{n}" for n in range(10)]})
    pairs = [batch for n in range(0, 10, 2) for batch in numbers.slice(n, 2).to_batches()]
    return Processing(
        component="duckdb.processor",
        options={"query": "SELECT id, word FROM numbers WHERE id > 2 ORDER BY id"},
        inputs={"numbers": pa.Table.from_batches(pairs)},
        rows=numbers.slice(3),
        twice={"query": "SELECT a.id, a.word FROM numbers AS a JOIN numbers AS b USING (id)"},
        changes={
            "query": "SELECT id FROM numbers",
            "memory_limit": Change("1KB"),
            "threads": Change(1, unseen="fewer threads give the same rows"),
        },
    )
