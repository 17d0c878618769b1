"""Every type in both protocols: random tables of a real server, compared with what two other readers make of them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.base import Connection
from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.columns import Policy
from osiris.connectors.mysql.decode import Decoder
from tests.connectors.mysql.generated import Table, plain
from tests.servers.mariadb import PASSWORD, USER, Database

pytestmark = pytest.mark.server
ROWS = 300
NULL_DATES = Policy(zero_dates="null")


@pytest.fixture
def client(database: Database) -> Iterator[Client]:
    client = Client(Connection("mysql", "x", Path(), database.fields()))
    client.open()
    yield client
    client.close()


def read(
    client: Client, sql: str, policy: Policy = NULL_DATES, chunk_bytes: int = 2**20, *, binary: bool = False
) -> tuple[pa.Table, Decoder]:
    """The rows of a SELECT whose columns are those of `Table`, or of none; `CAST(c AS DOUBLE) AS c` is FLOAT's."""
    header = client.execute_prepared(client.prepare(sql)) if binary else client.query(sql)
    decoder = Decoder(header.columns, policy, chunk_bytes, binary=binary, sequence=header.sequence)
    batches: list[pa.RecordBatch] = []
    while not decoder.finished:
        batches += decoder.received(client.receive_into(decoder.space()))
    client.end_read()
    rows = pa.Table.from_batches(batches, decoder.schema)
    rows.validate(full=True)
    assert decoder.rows == rows.num_rows
    return rows, decoder


def selected(table: Table, *, hex_bytes: bool = False) -> str:
    """Its columns, FLOAT and DOUBLE(M,D) in all their digits; `hex_bytes` for a reader that is at home with texts."""
    names = []
    for number, kind in enumerate(table.kinds):
        name = f"c{number}"
        if kind.sql.startswith(("FLOAT", "DOUBLE(")):
            names.append(f"CAST({name} AS DOUBLE) AS {name}")
        else:
            names.append(f"HEX({name}) AS {name}" if hex_bytes and kind.sql.startswith(BYTES) else name)
    return f"SELECT id, {', '.join(names)} FROM t ORDER BY id"


BYTES = ("BINARY", "VARBINARY", "BLOB", "POINT", "BIT")


def comparable(value: Any, sql: str) -> Any:
    """As PyMySQL has it: it has no time zones and no UUIDs."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return str(value) if sql == "UUID" and value is not None else value


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("seed", range(3))
def test_rows_are_those_of_pymysql(database: Database, client: Client, seed: int, binary: bool) -> None:
    table = Table.made(database, seed, ROWS)
    with database.server.connect(database.name) as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute(selected(table))
        expected = list(cursor)
    chunks = (4096, 2**20)
    for chunk_bytes in chunks:
        sql = "SELECT * FROM t ORDER BY id" if binary else selected(table)
        rows, _ = read(client, sql, NULL_DATES, chunk_bytes, binary=binary)
        for place, name in enumerate(rows.column_names):
            sql_type = table.kind(name)
            found = [comparable(value, sql_type) for value in rows[name].to_pylist()]
            assert found == [plain(row[place], sql_type) for row in expected], (seed, sql_type)


def spelled(value: Any, sql: str) -> str:
    """The text that the server has for a value; dates are texts already, under zero_dates: string."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, timedelta):
        return spelled_time(value, int(sql[5]))
    if sql.startswith("BIT"):
        return f"{int(value):X}"
    if sql == "YEAR" or "ZEROFILL" in sql:
        return f"{value:0{4 if sql == 'YEAR' else sql[sql.index('(') + 1 : sql.index(')')]}}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def spelled_time(value: timedelta, decimals: int) -> str:
    whole, part = divmod(abs(value) // timedelta(microseconds=1), 1_000_000)
    text = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{'-' if value < timedelta(0) else ''}{text}{f'.{part:06}'[: decimals + 1] if decimals else ''}"


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_rows_are_those_that_the_command_line_client_prints(database: Database, client: Client, binary: bool) -> None:
    table = Table.made(database, 11, ROWS)
    options = ["--no-defaults", "--batch", "--skip-column-names", "--default-character-set=utf8mb4"]
    options += [f"--socket={database.server.socket}", f"--user={USER}", f"--password={PASSWORD}", database.name]
    sql = f"SET time_zone = '+00:00'; {selected(table, hex_bytes=True)}"
    printed = subprocess.run(["mariadb", *options], input=sql.encode(), capture_output=True, check=True).stdout
    lines = [line.split(b"\t") for line in printed.removesuffix(b"\n").split(b"\n")]
    sql = "SELECT * FROM t ORDER BY id" if binary else selected(table)
    rows, _ = read(client, sql, Policy(zero_dates="string"), binary=binary)
    assert len(lines) == rows.num_rows
    for place, name in enumerate(rows.column_names):
        sql_type = table.kind(name)
        for value, line in zip(rows[name].to_pylist(), lines, strict=True):
            text = re.sub(rb"\\(.)", lambda found: ESCAPES[found[1]], line[place], flags=re.DOTALL).decode()
            if isinstance(value, float):
                assert (value, sql_type) == (float(text), sql_type)
            else:
                assert (spelled(value, sql_type), sql_type) == (text, sql_type)


ESCAPES = {b"t": b"\t", b"n": b"\n", b"\\": b"\\", b"0": b"\0"}
"""What the client writes for characters that would end a value."""
