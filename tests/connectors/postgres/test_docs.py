"""docs/postgres.md says what the connector does: its table of types, and what a read-only transaction stops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import osiris
from tests.connectors.postgres.source import Source
from tests.docs.blocks import ROOT
from tests.servers.postgres import Database

pytestmark = pytest.mark.server

TYPES = (ROOT / "docs" / "postgres.md").read_text(encoding="utf-8").partition("\n## Types")[2].partition("\n## ")[0]


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
    assert len(wanted) > 50
    columns = ", ".join(f"c{number} {name}" for number, name in enumerate(wanted))
    source.sql(f"CREATE TABLE t ({columns})")
    schema = source.read(table="t")[0].schema
    assert {name: str(field.type) for name, field in zip(wanted, schema, strict=True)} == wanted


def test_read_only_stops_and_does_not_stop_what_the_page_says(database: Database, tmp_path: Path) -> None:
    source = Source(database, tmp_path, {})
    source.sql("CREATE TABLE t (n INT)", "CREATE SEQUENCE s")
    for query in ("SELECT nextval('s')", "SELECT * FROM t FOR UPDATE"):
        with pytest.raises(osiris.ConfigError, match="it writes"):
            source.read(query=query)
    assert source.read(query="SELECT pg_sleep(0)::text AS x")[0].to_pylist() == [{"x": ""}]
