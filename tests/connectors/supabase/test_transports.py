"""The same pipeline by each transport: it reads the same table, and writes the same rows, whichever is taken."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.base import Batches, Options, Run, Workspace
from osiris.connectors.supabase.client import Client
from osiris.connectors.supabase.extractor import Extractor
from osiris.connectors.supabase.writer import Writer
from tests.connectors.supabase.projects import by_sql, over_rest
from tests.servers.postgrest.server import Rest

pytestmark = pytest.mark.server
NUMBERS = itertools.count(1)
COLUMNS = {
    "id": ("BIGINT PRIMARY KEY", "9223372036854775807", "-1"),
    "small": ("SMALLINT", "-32768", "0"),
    "large": ("NUMERIC", "12345678901234567890123456789.000000001", "0.10"),
    "price": ("NUMERIC(20,4)", "-0.0001", "99999"),
    "ratio": ("DOUBLE PRECISION", "1e300", "'Infinity'"),
    "half": ("REAL", "3.4e38", "'-Infinity'"),
    "cash": ("MONEY", "12.34", "-1"),
    "name": ("TEXT NOT NULL", "'ž\"\\, '''", "''"),
    "short": ("VARCHAR(10)", "'ř'", "''"),
    "fixed": ("CHAR(4)", "'ab'", "''"),
    "flag": ("BOOLEAN", "true", "false"),
    "bytes": ("BYTEA", "'\\x00ff'", "''"),
    "day": ("DATE", "'2026-02-28'", "'0044-03-15 BC'"),
    "clock": ("TIME", "'23:59:59.999999'", "'00:00'"),
    "local": ("TIMESTAMP", "'2026-01-01 00:00:00.000001'", "'9999-12-31 23:59:59'"),
    "moment": ("TIMESTAMPTZ", "'2026-06-01 12:00+02'", "'1969-12-31 23:59:59.5+00'"),
    "lasts": ("INTERVAL", "'1 mon 2 days 03:04:05'", "'-1 day'"),
    "uid": ("UUID", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "gen_random_uuid()"),
    "doc": ("JSON", "'{\"a\": 1.10}'", "'[]'"),
    "docb": ("JSONB", "'{\"b\": [1, null]}'", "'\"x\"'"),
    "tags": ("INT[]", "'{1,NULL,3}'", "'{}'"),
    "words": ("TEXT[]", '\'{"a,b",""}\'', "'{NULL}'"),
    "address": ("INET", "'10.0.0.1'", "'::1/64'"),
    "range": ("INT4RANGE", "'[1,5)'", "'empty'"),
    "feeling": ("mood", "'sad'", "'ok'"),
    "bits": ("BIT(3)", "B'101'", "B'000'"),
}
"""Of each column its type and two values; most of them are null in twenty rows more."""


@pytest.fixture
def rest(rest: Rest) -> Rest:
    """Pages are of two rows, so that a read takes several."""
    rest.settings.max_rows = 2
    columns = ", ".join(f"{name} {told[0]}" for name, told in COLUMNS.items())
    rest.database.sql(
        "CREATE TYPE mood AS ENUM ('sad', 'ok')",
        f"CREATE TABLE source ({columns})",
        *(f"INSERT INTO source VALUES ({', '.join(one[place] for one in COLUMNS.values())})" for place in (1, 2)),
        "INSERT INTO source (id, name) SELECT g, 'n' || g FROM generate_series(1, 20) AS g",
        f"CREATE TABLE target ({columns})",
    )
    rest.reload()
    return rest


@contextmanager
def opened(client: Client) -> Iterator[Client]:
    try:
        client.open()
        yield client
    finally:
        client.close()


def read(client: Client, root: Path, **options: Any) -> pa.Table:
    """All rows, in the order of the key."""
    with opened(client):
        extractor = Extractor(client, Options({"table": "source", **options}), Workspace(root, root))
        plan = extractor.plan(1, None)
        stream = Batches(plan.schema, extractor.read(plan.splits[0]))
        return pa.Table.from_batches(stream, plan.schema).sort_by("id")


def write(client: Client, rows: pa.Table, root: Path, **options: Any) -> int:
    with opened(client):
        writer = Writer(client, Options({"table": "target", **options}), Workspace(root, root))
        token = writer.token(rows.schema, Run(f"run{next(NUMBERS)}", "pipeline", "load", 1))
        writer.begin(token, rows.schema)
        part = writer.write(token, Batches.of(rows.schema, rows.to_batches(), "rows"))
        written = writer.commit(token, [part], None)
        writer.finish(token)
    return written.rows


def copied(rest: Rest) -> list[tuple[Any, ...]]:
    return rest.database.sql("SELECT t::text FROM target AS t ORDER BY t.id")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"columns": ["name", "id", "price"]},
        {"special_values": "string"},
        {"dtypes": {"large": "decimal(40,10)"}, "columns": ["id", "large"]},
        {"arrays": "list", "columns": ["id", "tags", "words"]},
        {"order_by": ["id desc"], "limit": 5, "offset": 2},
    ],
    ids=lambda options: " ".join(options) or "plain",
)
def test_both_transports_read_the_same_table(rest: Rest, tmp_path: Path, options: dict[str, Any]) -> None:
    sql, web = read(by_sql(rest.database), tmp_path, **options), read(over_rest(rest), tmp_path, **options)
    assert web.num_rows in (5, 22)
    assert web.schema.names == sql.schema.names
    assert web.schema.types == sql.schema.types
    assert [name for name in sql.schema.names if not web[name].equals(sql[name])] == []


@pytest.mark.parametrize("options", [{}, {"write_mode": "upsert", "primary_key": "id"}], ids=["append", "upsert"])
def test_both_transports_write_the_same_rows(rest: Rest, tmp_path: Path, options: dict[str, Any]) -> None:
    rows = read(by_sql(rest.database), tmp_path).drop_columns(["cash"])
    assert write(by_sql(rest.database), rows, tmp_path, **options) == 22
    by_one = copied(rest)
    rest.database.sql("TRUNCATE target")
    assert write(over_rest(rest), rows, tmp_path, **options) == 22
    assert copied(rest) == by_one
