"""docs/mysql.md says what the connector does: its table of types, and what a read-only transaction stops."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import osiris
from tests.connectors.mysql.source import Source
from tests.docs.blocks import ROOT, blocks
from tests.servers.mariadb import Database

pytestmark = pytest.mark.server

PAGE = ROOT / "docs" / "mysql.md"
TYPES = PAGE.read_text(encoding="utf-8").partition("## Types")[2].partition("## ")[0]


def told() -> Iterator[tuple[str, str]]:
    """Each type of the table, and the Arrow type that the page says; the last one is for all that are left."""
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|$", TYPES, re.MULTILINE)
    for types, said in rows:
        names = re.findall(r"`([^`]+)`", types)
        arrow = re.findall(r"[a-z]+\w*(?:\([^)]*\)|\[[^\]]*\]|<[^>]*>)?", said.partition(":")[0])
        for place, name in enumerate(names):
            yield name, arrow[min(place, len(arrow) - 1)]


def test_every_type_becomes_what_the_page_says(database: Database, tmp_path: Path) -> None:
    source = Source(database, tmp_path, {})
    wanted = dict(told())
    assert len(wanted) > 35
    columns = ", ".join(f"c{number} {name}" for number, name in enumerate(wanted))
    source.sql(f"CREATE TABLE t ({columns})")
    schema = source.read(table="t")[0].schema
    assert {name: str(field.type) for name, field in zip(wanted, schema, strict=True)} == wanted


def test_read_only_stops_and_does_not_stop_what_the_page_says(database: Database, tmp_path: Path) -> None:
    source = Source(database, tmp_path, {})
    source.sql(
        "CREATE TABLE kept (n INT)",
        "CREATE TABLE loose (n INT) ENGINE=MyISAM",
        "CREATE FUNCTION saving() RETURNS INT BEGIN INSERT INTO kept VALUES (1); RETURN 1; END",
        "CREATE FUNCTION losing() RETURNS INT BEGIN INSERT INTO loose VALUES (1); RETURN 1; END",
    )
    with pytest.raises(osiris.ConfigError, match="it writes"):
        source.read(query="SELECT saving()")
    with pytest.raises(osiris.ConfigError, match="it writes"):
        source.read(query="SELECT losing()")
    assert source.read(query="SELECT SLEEP(0) AS s, GET_LOCK('x', 0) AS l")[0].to_pylist() == [{"s": 0, "l": 1}]
    source.sql("START TRANSACTION READ ONLY", "CREATE TABLE made (n INT)")
    assert source.sql("SHOW TABLES LIKE 'made'") == [("made",)]


def test_the_program_of_the_page_does_what_it_says(database: Database, tmp_path: Path) -> None:
    """It is run as it stands, in a project whose @mysql.shop is the private server."""
    fields = json.dumps({"mysql": {"shop": database.fields()}})
    (tmp_path / "osiris_connections.yaml").write_text(f"version: 1\nconnections: {fields}\n")
    (program,) = [block for block in blocks(PAGE) if block.value("title") == "orders.py"]
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program.text], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "3 rows written\n[{'id': 1, 'customer': 'Ada', 'amount': 12.5}]\n"
    assert database.sql("SELECT COUNT(*), SUM(amount) FROM orders_copy") == [(3, 15.75)]
