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
import pytest

from osiris.connectors.duckdb import sandbox
from osiris.testing.connector import Change, Conformance, Processing, Reading, Subject, Writing

pytestmark = pytest.mark.slow

COUNT = 2100
"""Over 2,048 rows of over 4 kB, so that they come in two batches."""
KNOWN = f"""
CREATE TABLE known AS
    SELECT range AS id, CASE WHEN range > 0 THEN repeat(chr(97 + (range % 26)::INT), 4200) END AS name,
    CASE WHEN range > 0 THEN (range * 1.25)::DECIMAL(18, 4) END AS amount FROM range({COUNT});
CREATE TABLE empty AS FROM known LIMIT 0;
CREATE SCHEMA sales;
CREATE TABLE sales.known AS SELECT 1 AS other;
CREATE TABLE sales.people (id INTEGER);
CREATE VIEW few AS FROM known WHERE id < 5;
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
        for file in known().iterdir():
            shutil.copy(file, folder)
        (folder / "text.txt").write_text("no database\n" * 100, encoding="utf-8")
        return Subject(
            family="duckdb",
            root=folder,
            fields={"path": "x.duckdb"},
            broken={"no folder": {"path": "nowhere/x.duckdb"}, "another file": {"path": "text.txt"}},
            discovered=("empty", "people", "few"),
            changes={"path": (Change("other.duckdb"), Change("more.duckdb")), "read_only": True},
            reading=reading(path),
            writing=writing(path),
            processing=processing(),
        )


@functools.cache
def known() -> Path:
    """A folder with the database that is read, and another one, made once."""
    folder = Path(tempfile.mkdtemp(prefix="osiris-kit-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    run(folder / "x.duckdb", KNOWN)
    run(folder / "more.duckdb", "CREATE TABLE known (x INTEGER)")
    return folder


@functools.lru_cache(maxsize=1)
def handle(path: Path) -> duckdb.DuckDBPyConnection:
    """A handle to look through, kept until another file is looked at: the connector's own open quickly beside it."""
    return duckdb.connect(str(path), config=sandbox.SETTINGS)


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
            "table": (Change("empty"), Change("few"), Change("sales.known")),
            "schema": "sales",
            "query": Change("SELECT 1 AS n", remove=("table",)),
            "columns": ["id"],
            "where": (Change("id < 5"), Change("id > 5")),
            "order_by": ["id desc"],
            "offset": (Change(5), Change(2099)),
        },
    )


def writing(path: Path) -> Writing:
    def ask(*queries: str) -> list[pa.Table]:
        """The result of each query, up to the first without rows."""
        found: list[pa.Table] = []
        for query in queries if path.exists() else ():
            found.append(handle(path).sql(query).to_arrow_table())
            if not found[-1].num_rows:
                break
        return found

    def look() -> pa.Table | None:
        there = "FROM duckdb_tables() WHERE schema_name = 'main' AND table_name = 'target'"
        return dict(enumerate(ask(there, "FROM main.target"))).get(1)

    def tables() -> list[dict[str, str]]:
        """How each table was declared, its keys too; without the record of commits and states."""
        kept = "('_osiris_commits', '_osiris_state')"
        query = f"SELECT schema_name, table_name, sql FROM duckdb_tables() WHERE table_name NOT IN {kept} ORDER BY ALL"
        return [row for result in ask(query) for row in result.to_pylist()]

    def traces() -> set[str]:
        found = {f"{table['schema_name']}.{table['table_name']}" for table in tables()}
        return found | {entry.name for entry in path.parent.iterdir() if not entry.name.endswith(".wal")}

    return Writing(
        component="duckdb.writer",
        options={"table": "target"},
        look=look,
        traces=traces,
        observe=tables,
        changes={
            "table": "other",
            "schema": "sales",
            "primary_key": (Change(["name"], {"write_mode": "upsert", "primary_key": ["id"]}), Change("id")),
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
        early={"query": "SELECT id, word FROM numbers LIMIT 1"},
        changes={
            "query": (Change("SELECT id FROM numbers"), Change("SELECT 1 AS x")),
            "memory_limit": (Change("1KB"), Change("100MB", unseen="rows that fit into it are not spilled")),
            "threads": Change(1, unseen="fewer threads give the same rows"),
        },
    )
