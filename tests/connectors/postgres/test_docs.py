"""docs/postgres.md says what the connector does: its tables of types, and what a read-only transaction stops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import osiris
from osiris.connectors._shared.postgres.ddl import made
from tests.connectors.postgres.source import Source
from tests.docs.blocks import ROOT
from tests.servers.postgres import Database

pytestmark = pytest.mark.server

PAGE = (ROOT / "docs" / "postgres.md").read_text(encoding="utf-8")
TYPES = PAGE.partition("\n## Types")[2].partition("\n## ")[0]
MADE = PAGE.partition("\n## Write a table")[2].partition("\n## ")[0]


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


ARROW = {
    "int8, int16, uint8": [pa.int8(), pa.int16(), pa.uint8()],
    "int32, uint16": [pa.int32(), pa.uint16()],
    "int64, uint32": [pa.int64(), pa.uint32()],
    "uint64": [pa.uint64()],
    "bool": [pa.bool_()],
    "decimal(p, s)": [pa.decimal128(12, 2), pa.decimal256(76, 30)],
    "float16, float32": [pa.float16(), pa.float32()],
    "float64": [pa.float64()],
    "string, null": [pa.string(), pa.large_string(), pa.string_view(), pa.null()],
    "binary": [pa.binary(), pa.large_binary(), pa.binary(4)],
    "date32, date64": [pa.date32(), pa.date64()],
    "timestamp": [pa.timestamp("s"), pa.timestamp("ns")],
    "timestamp with a time zone": [pa.timestamp("us", "Europe/Prague")],
    "time": [pa.time32("s"), pa.time64("ns")],
    "duration, interval": [pa.duration("ms"), pa.month_day_nano_interval()],
    "uuid": [pa.uuid()],
    "json": [pa.json_()],
    "list of one of these": [pa.list_(pa.int64()), pa.large_list(pa.int64()), pa.list_(pa.int64(), 3)],
    "list of lists, struct, map": [
        pa.list_(pa.list_(pa.int64())),
        pa.struct([("a", pa.int64())]),
        pa.map_(pa.string(), pa.int64()),
    ],
}


def test_a_table_is_made_with_the_types_that_the_page_says() -> None:
    said = dict(re.findall(r"^\| ([a-z].*?) \| [^`|]*`(.*?)` \|$", MADE, re.MULTILINE))
    assert said.keys() == ARROW.keys()
    for words, kinds in ARROW.items():
        for kind in kinds:
            text = said[words]
            if pa.types.is_decimal(kind):
                text = text.replace("p,s", f"{kind.precision},{kind.scale}")
            assert made(pa.field("x", kind)).text == text
