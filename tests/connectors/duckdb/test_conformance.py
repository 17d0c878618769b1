"""The DuckDB family under the public conformance kit."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from osiris.connectors.duckdb.sandbox import SETTINGS
from osiris.testing.connector import Change, Conformance, Processing, Reading, Subject, Writing

pytestmark = pytest.mark.slow
ROWS = 70000
"""More than one batch, so that a read has several."""


def ask(file: Path, *statements: str) -> pa.Table:
    """Run statements as another handle of this process, which has to have the same settings; the rows of the last."""
    with duckdb.connect(str(file), config=SETTINGS) as con:
        for statement in statements[:-1]:
            con.execute(statement)
        return con.sql(statements[-1]).to_arrow_table()


def tables(folder: Path) -> list[str]:
    """Schema, name and constraints of every table that is not Osiris's record of commits and states."""
    found = []
    for file in sorted(folder.glob("*.duckdb")):
        query = "SELECT schema_name || '.' || table_name || sql AS name FROM duckdb_tables() ORDER BY ALL"
        found += [f"{file.name}: {name}" for name in ask(file, query)["name"].to_pylist()]
    return [name for name in found if "main._osiris_commits" not in name and "main._osiris_state" not in name]


def look(file: Path) -> pa.Table | None:
    there = "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'main' AND table_name = 'people'"
    return ask(file, "FROM people ORDER BY rowid") if ask(file, there).num_rows else None


class TestDuckdb(Conformance):
    family = "duckdb"

    def subject(self, folder: Path) -> Subject:
        file = folder / "x.duckdb"
        name = "CASE WHEN i > 0 THEN 'name ' || i END AS name"
        rows = ask(
            file,
            f"CREATE TABLE source AS SELECT i AS id, {name} FROM range({ROWS}) r(i)",
            "CREATE VIEW people_view AS FROM source",
            "CREATE SCHEMA other",
            "CREATE TABLE other.others (id INTEGER)",
            "FROM source",
        )
        ask(folder / "y.duckdb", "CREATE TABLE people_view (x INTEGER)", "SELECT 1")
        (folder / "junk.db").write_bytes(b"this is no database" * 500)
        bad = f"CASE WHEN i = {ROWS - 5} THEN error('spoiled') ELSE 'name' END AS name"
        return Subject(
            family="duckdb",
            root=folder,
            fields={"path": "x.duckdb"},
            broken={"no database": {"path": "junk.db"}, "no folder": {"path": "nowhere/x.duckdb"}},
            discovered=["others", "people_view", "source"],
            changes={"path": "y.duckdb"},
            reading=Reading(
                component="duckdb.extractor",
                options={"table": "people_view"},
                rows=rows,
                empty={"where": "id < 0"},
                missing={"table": "nobody"},
                spoil=lambda: ask(
                    file,
                    f"CREATE OR REPLACE VIEW people_view AS SELECT i AS id, {bad} FROM range({ROWS}) r(i)",
                    "SELECT 1",
                ),
                changes={
                    "read_only": Change(True, unseen="it lets other processes read the file"),
                    "table": "other.others",
                    "schema": "other",
                    "query": Change("SELECT 1 AS a", remove=("table",)),
                    "columns": ["id"],
                    "where": "id > 5",
                    "order_by": ["id desc"],
                    "offset": 5,
                },
            ),
            writing=Writing(
                component="duckdb.writer",
                options={"table": "people"},
                look=lambda: look(file),
                traces=lambda: tables(folder),
                observe=lambda: tables(folder),
                changes={
                    "read_only": True,
                    "table": "others",
                    "schema": "other",
                    "primary_key": "id",
                    "create_if_missing": False,
                    "on_schema_change": "add_columns",
                },
            ),
            processing=Processing(
                component="duckdb.processor",
                options={"query": "SELECT id, n * 2 AS n FROM a WHERE id IS NOT NULL ORDER BY id"},
                inputs={"a": pa.table({"id": [None, 2, 1], "n": [1, 2, 3]})},
                rows=pa.table({"id": [1, 2], "n": [6, 4]}),
                twice={"query": "SELECT count(*) AS c FROM a AS x JOIN a AS y USING (id)"},
                early={"query": "SELECT id FROM a LIMIT 1"},
                changes={
                    "query": "SELECT 1 AS x",
                    "threads": Change(1, unseen="it only takes longer"),
                    "memory_limit": Change("100MB", unseen="rows that fit into it are not spilled"),
                },
            ),
        )
